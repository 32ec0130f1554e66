package io.millrace.codec.canaljson;

import io.millrace.codec.CodecOptions;
import io.millrace.codec.EncoderContext;
import io.millrace.codec.LargeMessages;
import io.millrace.codec.Protocol;
import io.millrace.codec.RowEncoder;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import java.util.Set;

/** {@code protocol=canal-json}. */
public final class CanalJsonProtocol implements Protocol {
    @Override
    public Set<String> names() {
        return Set.of("canal-json");
    }

    @Override
    public void validate(SinkSpec spec) {
        config(spec);
    }

    @Override
    public RowEncoder encoder(SinkSpec spec, EncoderContext context) {
        return new CanalJsonEncoder(config(spec), context.clock());
    }

    private static CanalJsonConfig config(SinkSpec spec) {
        CodecOptions common = CodecOptions.of(spec);
        return new CanalJsonConfig(
                common.tidbExtension(),
                common.onlyUpdatedColumns(),
                common.deleteOnlyHandleKeys(),
                new SinkOptions(spec, ErrorCode.CODEC_INVALID_CONFIG)
                        .flag("content-compatible", false),
                LargeMessages.of(spec));
    }
}
