package io.millrace.codec.avro;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.codec.Protocol;
import io.millrace.codec.Protocols;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import java.util.List;
import org.junit.jupiter.api.Test;

class AvroProtocolTest {
    private static final String URI = "kafka://h:1/t?protocol=avro";
    private static final String WITH_REGISTRY = URI + "&schema-registry=http://h:8081";

    private static final String CHECKSUMS =
            "&integrity-check-level=correctness&enable-tidb-extension=true"
                    + "&avro-decimal-handling-mode=string"
                    + "&avro-bigint-unsigned-handling-mode=string";

    @Test
    void isFoundByBothNames() {
        Protocol avro = Protocols.of(SinkSpec.of(WITH_REGISTRY));
        assertThat(avro).isInstanceOf(AvroProtocol.class);
        assertThat(Protocols.of(SinkSpec.of("kafka://h:1/t?protocol=Flat-Avro"))).isSameAs(avro);
        assertThat(Protocols.names()).contains("avro").doesNotContain("flat-avro");
        assertThat(avro.needsTopicPerTable()).isTrue();
        avro.validate(
                SinkSpec.of(
                        WITH_REGISTRY
                                + "&avro-decimal-handling-mode=string"
                                + "&avro-bigint-unsigned-handling-mode=string"
                                + "&avro-enable-watermark=true"));
        avro.validate(SinkSpec.of(WITH_REGISTRY + CHECKSUMS));
    }

    @Test
    void refusesWhatCannotWork() {
        refused(SinkSpec.of(URI), ErrorCode.CODEC_INVALID_CONFIG, "schema-registry");
        refused(
                SinkSpec.of(URI + "&schema-registry=h:8081"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "http://");
        refused(
                SinkSpec.of(WITH_REGISTRY + "&avro-decimal-handling-mode=double"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "avro-decimal-handling-mode");
        refused(
                SinkSpec.of(WITH_REGISTRY + "&avro-bigint-unsigned-handling-mode=precise"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "avro-bigint-unsigned-handling-mode");
        refused(
                SinkSpec.of(WITH_REGISTRY + "&avro-enable-watermark=perhaps"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "avro-enable-watermark");
        refused(
                SinkSpec.of(WITH_REGISTRY + "&large-message-handle-option=handle-key-only"),
                ErrorCode.INVALID_CONFIG,
                "large-message-handle-option");
        for (String missing : CHECKSUMS.substring(1).split("&")) {
            if (!missing.startsWith("integrity")) {
                refused(
                        SinkSpec.of(WITH_REGISTRY + CHECKSUMS.replace("&" + missing, "")),
                        ErrorCode.CODEC_INVALID_CONFIG,
                        missing.substring(0, missing.indexOf('=')));
            }
        }
        refused(
                SinkSpec.of(WITH_REGISTRY + "&integrity-check-level=perhaps"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "integrity-check-level");
        SinkSpec checked = SinkSpec.of(WITH_REGISTRY + CHECKSUMS);
        refused(
                new SinkSpec(
                        checked.uri(),
                        checked.options(),
                        checked.dispatchers(),
                        List.of(new SinkSpec.ColumnSelector(List.of("*.*"), List.of("a"))),
                        true,
                        false,
                        "UTC"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "column selectors");
        SinkSpec spec = SinkSpec.of(WITH_REGISTRY);
        refused(
                new SinkSpec(spec.uri(), spec.options(), spec.dispatchers(), true, true, "UTC"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "force-replicate");
    }

    @Test
    void takesARegistryOfAwsGlueInstead() {
        String glue = "&glue-registry-name=reg&glue-region=eu-central-1";
        String keys = "&glue-access-key=AKID&glue-secret-access-key=geheim";
        new AvroProtocol().validate(SinkSpec.of(URI + glue + keys + "&glue-token=t"));
        refused(
                SinkSpec.of(WITH_REGISTRY + glue + keys),
                ErrorCode.CODEC_INVALID_CONFIG,
                "exclude each other");
        refused(
                SinkSpec.of(URI + glue + "&glue-access-key=AKID"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "glue-secret-access-key");
        refused(
                SinkSpec.of(URI + keys + "&glue-registry-name=reg"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "glue-region");
        refused(
                SinkSpec.of(URI + keys + "&glue-registry-name=reg&glue-region=evil.example/x"),
                ErrorCode.CODEC_INVALID_CONFIG,
                "glue-region");
    }

    private static void refused(SinkSpec spec, ErrorCode code, String word) {
        assertThatThrownBy(() -> new AvroProtocol().validate(spec))
                .isInstanceOfSatisfying(
                        MillraceException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(word);
    }
}
