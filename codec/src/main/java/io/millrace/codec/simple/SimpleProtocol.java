package io.millrace.codec.simple;

import io.millrace.codec.CodecOptions;
import io.millrace.codec.EncoderContext;
import io.millrace.codec.LargeMessages;
import io.millrace.codec.Protocol;
import io.millrace.codec.RowEncoder;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import java.util.Locale;
import java.util.Set;

/** {@code protocol=simple}. */
public final class SimpleProtocol implements Protocol {
    @Override
    public Set<String> names() {
        return Set.of("simple");
    }

    @Override
    public void validate(SinkSpec spec) {
        config(spec);
    }

    @Override
    public RowEncoder encoder(SinkSpec spec, EncoderContext context) {
        return new SimpleEncoder(config(spec), context.clock());
    }

    static SimpleConfig config(SinkSpec spec) {
        CodecOptions common = CodecOptions.of(spec);
        String encoding =
                new SinkOptions(spec, ErrorCode.CODEC_INVALID_CONFIG)
                        .text("encoding-format", "json")
                        .toLowerCase(Locale.ROOT);
        if (!encoding.equals("json") && !encoding.equals("avro")) {
            throw new MillraceException(
                    ErrorCode.CODEC_INVALID_CONFIG,
                    "encoding-format must be json or avro, not '" + encoding + "'");
        }
        return new SimpleConfig(
                encoding.equals("avro"),
                common.deleteOnlyHandleKeys(),
                common.rowChecksums(),
                LargeMessages.of(spec),
                spec.timeZone());
    }
}
