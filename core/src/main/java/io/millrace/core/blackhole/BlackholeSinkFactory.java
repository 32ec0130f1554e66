package io.millrace.core.blackhole;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.util.Set;

/** {@code blackhole://}: takes everything, keeps nothing. */
public final class BlackholeSinkFactory implements SinkFactory {
    @Override
    public Set<String> schemes() {
        return Set.of("blackhole");
    }

    @Override
    public void validate(SinkSpec spec) {
        if (!schemes().contains(spec.scheme())) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "a blackhole sink's URI begins with blackhole://, not " + spec.scheme());
        }
    }

    @Override
    public void testOpen(SinkSpec spec) {
        validate(spec);
    }

    @Override
    public Sink open(SinkSpec spec, SinkContext context) {
        validate(spec);
        return new BlackholeSink(context.acks());
    }
}
