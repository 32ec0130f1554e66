package io.millrace.core.engine;

import io.millrace.core.engine.Fixtures.HandSink;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Opens {@link HandSink}s and keeps the last. */
final class TestSinks implements SinkFactory {
    private final List<String> calls;
    private @Nullable HandSink last;
    private @Nullable SinkContext context;

    TestSinks(List<String> calls) {
        this.calls = calls;
    }

    boolean isOpened() {
        return last != null;
    }

    HandSink opened() {
        return Objects.requireNonNull(last);
    }

    /** What the last sink was lent. */
    SinkContext context() {
        return Objects.requireNonNull(context);
    }

    @Override
    public Set<String> schemes() {
        return Set.of("hand");
    }

    @Override
    public void validate(SinkSpec spec) {}

    @Override
    public void testOpen(SinkSpec spec) {}

    @Override
    public String timestampZone(SinkSpec spec, String jobZone) {
        return jobZone.equals("UTC") ? "+05:30" : jobZone;
    }

    @Override
    public Sink open(SinkSpec spec, SinkContext lent) {
        HandSink sink = new HandSink(lent.acks(), calls);
        last = sink;
        context = lent;
        return sink;
    }
}
