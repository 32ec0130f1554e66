package io.millrace.codec.maxwell;

import io.millrace.codec.CodecOptions;
import io.millrace.codec.EncoderContext;
import io.millrace.codec.LargeMessages;
import io.millrace.codec.Protocol;
import io.millrace.codec.RowEncoder;
import io.millrace.core.spi.SinkSpec;
import java.util.Set;

/** {@code protocol=maxwell}. */
public final class MaxwellProtocol implements Protocol {
    @Override
    public Set<String> names() {
        return Set.of("maxwell");
    }

    @Override
    public void validate(SinkSpec spec) {
        CodecOptions.of(spec);
        LargeMessages.of(spec);
    }

    @Override
    public RowEncoder encoder(SinkSpec spec, EncoderContext context) {
        CodecOptions options = CodecOptions.of(spec);
        return new MaxwellEncoder(options.deleteOnlyHandleKeys(), options.maxBatchSize());
    }
}
