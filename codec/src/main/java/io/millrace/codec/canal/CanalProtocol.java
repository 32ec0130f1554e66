package io.millrace.codec.canal;

import io.millrace.codec.CodecOptions;
import io.millrace.codec.EncoderContext;
import io.millrace.codec.Protocol;
import io.millrace.codec.RowEncoder;
import io.millrace.core.spi.SinkSpec;
import java.util.Set;

/** {@code protocol=canal}. */
public final class CanalProtocol implements Protocol {
    @Override
    public Set<String> names() {
        return Set.of("canal");
    }

    @Override
    public void validate(SinkSpec spec) {
        CodecOptions.of(spec);
    }

    @Override
    public RowEncoder encoder(SinkSpec spec, EncoderContext context) {
        return new CanalEncoder(CodecOptions.of(spec));
    }
}
