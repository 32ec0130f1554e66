package io.millrace.server;

import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** Targets of several schemes that swallow everything, and remember what they were asked. */
final class FakeTargets implements SinkFactory {
    private static final SinkSpec NOWHERE = SinkSpec.of("blackhole://");

    private final BlackholeSinkFactory blackhole = new BlackholeSinkFactory();

    /** Of the last check. */
    volatile @Nullable SinkSpec checked;

    /** Of the last sink that was opened. */
    volatile @Nullable SinkSpec opened;

    /** Why it can't be opened; empty when it can. */
    volatile String refusal = "";

    /** The number of the server behind all sinks; 0 is none that could be an upstream. */
    volatile long clusterId;

    /** Closing a sink waits for this. */
    volatile CountDownLatch mayClose = new CountDownLatch(0);

    @Override
    public Set<String> schemes() {
        return Set.of("blackhole", "kafka", "mysql", "mysql+ssl", "mariadb", "file");
    }

    @Override
    public void validate(SinkSpec spec) {}

    @Override
    public void testOpen(SinkSpec spec) {
        checked = spec;
        if (!refusal.isEmpty()) {
            throw new MillraceException(ErrorCode.SINK_CONNECTION, refusal);
        }
    }

    @Override
    public long clusterId(SinkSpec spec) {
        return clusterId;
    }

    @Override
    public Sink open(SinkSpec spec, SinkContext context) {
        opened = spec;
        Sink sink = blackhole.open(NOWHERE, context);
        return (Sink)
                Proxy.newProxyInstance(
                        Sink.class.getClassLoader(),
                        new Class<?>[] {Sink.class},
                        (proxy, method, arguments) -> {
                            if (method.getName().equals("close")) {
                                mayClose.await();
                            }
                            return method.invoke(sink, arguments);
                        });
    }

    Map<String, String> checkedOptions() {
        return Optional.ofNullable(checked).orElse(NOWHERE).options();
    }

    String checkedUri() {
        return Optional.ofNullable(checked).orElse(NOWHERE).uri().toString();
    }
}
