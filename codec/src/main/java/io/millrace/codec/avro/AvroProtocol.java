package io.millrace.codec.avro;

import io.millrace.codec.CodecOptions;
import io.millrace.codec.EncoderContext;
import io.millrace.codec.LargeMessages;
import io.millrace.codec.Protocol;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.avro.registry.AwsCredentials;
import io.millrace.codec.avro.registry.ConfluentRegistry;
import io.millrace.codec.avro.registry.GlueRegistry;
import io.millrace.codec.avro.registry.SchemaRegistry;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import java.time.Clock;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** {@code protocol=avro}. */
public final class AvroProtocol implements Protocol {
    private static final Pattern REGION = Pattern.compile("[a-z0-9-]+");

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(new LinkedHashSet<>(List.of("avro", "flat-avro")));
    }

    @Override
    public void validate(SinkSpec spec) {
        config(spec);
        Optional<GlueRegistry.Settings> glue = glue(spec);
        if (glue.isEmpty()) {
            ConfluentRegistry.validate(registryUrl(spec));
        }
    }

    @Override
    public void testOpen(SinkSpec spec) {
        try (SchemaRegistry registry = registry(spec)) {
            registry.check();
        }
    }

    @Override
    public RowEncoder encoder(SinkSpec spec, EncoderContext context) {
        SchemaRegistry registry = registry(spec);
        try {
            registry.check();
        } catch (MillraceException e) {
            registry.close();
            throw e;
        }
        return new AvroEncoder(config(spec), registry, context.namespace());
    }

    @Override
    public boolean needsTopicPerTable() {
        return true;
    }

    private static AvroConfig config(SinkSpec spec) {
        CodecOptions common = CodecOptions.of(spec);
        LargeMessages.of(spec); // refuses what only other formats can
        SinkOptions options = options(spec);
        if (spec.forceReplicate()) {
            throw invalid(
                    "protocol avro cannot be used with force-replicate: the rows of tables without"
                            + " a key have no message key, and a delete is nothing but its key");
        }
        boolean decimalAsText = choice(options, "avro-decimal-handling-mode", "precise", "string");
        boolean unsignedAsText =
                choice(options, "avro-bigint-unsigned-handling-mode", "long", "string");
        if (common.rowChecksums() && !(common.tidbExtension() && decimalAsText && unsignedAsText)) {
            throw invalid(
                    "integrity-check-level=correctness with protocol avro needs"
                            + " enable-tidb-extension=true, avro-decimal-handling-mode=string and"
                            + " avro-bigint-unsigned-handling-mode=string: a reader computes the"
                            + " checksum from the values as the message has them");
        }
        return new AvroConfig(
                common.tidbExtension(),
                decimalAsText,
                unsignedAsText,
                common.rowChecksums(),
                spec.timeZone(),
                options.flag("avro-enable-watermark", false));
    }

    private static SchemaRegistry registry(SinkSpec spec) {
        Optional<GlueRegistry.Settings> glue = glue(spec);
        return glue.isPresent()
                ? new GlueRegistry(glue.get(), Clock.systemUTC())
                : new ConfluentRegistry(registryUrl(spec));
    }

    /** Where AWS Glue is, if the options name its registry. */
    private static Optional<GlueRegistry.Settings> glue(SinkSpec spec) {
        SinkOptions options = options(spec);
        Optional<String> name = options.text("glue-registry-name");
        if (name.isEmpty()) {
            return Optional.empty();
        }
        if (options.text("schema-registry").isPresent()) {
            throw invalid("schema-registry and the schema registry of AWS Glue exclude each other");
        }
        String region = options.text("glue-region", "");
        if (!REGION.matcher(region).matches()) {
            throw invalid("glue-region must be a region of AWS, not '" + region + "'");
        }
        String accessKey = options.text("glue-access-key", "");
        String secretKey = options.text("glue-secret-access-key", "");
        if (accessKey.isEmpty() != secretKey.isEmpty()) {
            throw invalid("glue-access-key and glue-secret-access-key must be given together");
        }
        AwsCredentials credentials =
                accessKey.isEmpty()
                        ? AwsCredentials.of(System.getenv())
                                .orElseThrow(() ->
                                        invalid(
                                                "AWS Glue needs glue-access-key and"
                                                        + " glue-secret-access-key, or"
                                                        + " AWS_ACCESS_KEY_ID and"
                                                        + " AWS_SECRET_ACCESS_KEY in the environment"
                                                        + " of the server"))
                        : new AwsCredentials(accessKey, secretKey, options.text("glue-token", ""));
        return Optional.of(new GlueRegistry.Settings(name.get(), region, credentials));
    }

    private static String registryUrl(SinkSpec spec) {
        return options(spec)
                .text("schema-registry")
                .orElseThrow(() ->
                        invalid(
                                "protocol avro needs schema-registry, the URL of a schema"
                                        + " registry, or the name of one in AWS Glue"));
    }

    private static SinkOptions options(SinkSpec spec) {
        return new SinkOptions(spec, ErrorCode.CODEC_INVALID_CONFIG);
    }

    /** Whether the second of two values was chosen; the first is the default. */
    private static boolean choice(SinkOptions options, String name, String first, String second) {
        String value = options.text(name, first);
        if (!value.equals(first) && !value.equals(second)) {
            throw invalid(name + " must be " + first + " or " + second + ", not '" + value + "'");
        }
        return value.equals(second);
    }

    private static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.CODEC_INVALID_CONFIG, message);
    }
}
