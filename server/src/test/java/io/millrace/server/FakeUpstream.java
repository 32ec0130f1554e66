package io.millrace.server;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.ResolvedMark;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.EventOutput;
import io.millrace.core.spi.Upstream;
import io.millrace.core.spi.UpstreamFactory;
import io.millrace.testkit.rows.TestPosition;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A source without rows whose time goes on: {@code fake://host}. Failures are switched on by tests.
 */
final class FakeUpstream implements UpstreamFactory, Upstream {
    static final long CLUSTER_ID = 4711;

    /** Changes of the last hour are held. */
    private static final long HELD_MS = 3_600_000;

    private static final long TICK_MS = 20;

    volatile Optional<MillraceException> captureError = Optional.empty();
    volatile boolean reachable = true;

    /** Captures say nothing at all. */
    volatile boolean silent;

    /** How often a capture found that it was to say nothing. */
    final java.util.concurrent.atomic.AtomicInteger silences =
            new java.util.concurrent.atomic.AtomicInteger();

    private final String scheme;
    private final long clusterId;
    private final long aheadMs;

    /** What {@link #oldestTso} answers; 0 is an hour ago. */
    volatile long oldest;

    volatile List<TableSchema> tables = List.of();

    /** Opening waits for this. */
    volatile java.util.concurrent.CountDownLatch mayOpen =
            new java.util.concurrent.CountDownLatch(0);

    final java.util.concurrent.CountDownLatch opening = new java.util.concurrent.CountDownLatch(1);

    FakeUpstream() {
        this("fake", CLUSTER_ID, 0);
    }

    /**
     * @param aheadMs how much its clock is ahead
     */
    FakeUpstream(String scheme, long clusterId, long aheadMs) {
        this.scheme = scheme;
        this.clusterId = clusterId;
        this.aheadMs = aheadMs;
    }

    static TableSchema table(String schema, String name, boolean withKey) {
        List<TableSchema.Key> keys =
                withKey ? List.of(new TableSchema.Key("PRIMARY", true, List.of(0))) : List.of();
        return new TableSchema(
                1, 1, new TableName(schema, name), List.of(Column.of("id", ColumnKind.INT)), keys);
    }

    @Override
    public Set<String> schemes() {
        return Set.of(scheme);
    }

    @Override
    public Upstream open(URI uri) {
        opening.countDown();
        try {
            mayOpen.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return this;
    }

    @Override
    public long clusterId() {
        checkReachable();
        return clusterId;
    }

    @Override
    public long currentTso() {
        checkReachable();
        return Tso.of(System.currentTimeMillis() + aheadMs, 0);
    }

    private void checkReachable() {
        if (!reachable) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_CONNECTION, "upstream fake: connection refused");
        }
    }

    /** Of the captures opened so far. */
    final List<Optional<SourcePosition>> startEnds =
            new java.util.concurrent.CopyOnWriteArrayList<>();

    private final java.util.concurrent.atomic.AtomicInteger end =
            new java.util.concurrent.atomic.AtomicInteger();

    /** Grows with each look. */
    @Override
    public Optional<SourcePosition> streamEnd() {
        return Optional.of(new TestPosition(7, end.incrementAndGet()));
    }

    @Override
    public long oldestTso() {
        checkReachable();
        long fixed = oldest;
        return fixed != 0 ? fixed : Tso.of(System.currentTimeMillis() - HELD_MS, 0);
    }

    @Override
    public List<TableSchema> tables(TableFilter filter) {
        List<TableSchema> out = new ArrayList<>();
        for (TableSchema table : tables) {
            if (filter.matches(table.name())) {
                out.add(table);
            }
        }
        return out;
    }

    @Override
    public Capture openCapture(CaptureRequest request) {
        startEnds.add(request.startEnd());
        return new Capture() {
            private volatile boolean closed;

            @Override
            public void run(EventOutput out) throws InterruptedException {
                while (!closed) {
                    Optional<MillraceException> error = captureError;
                    if (error.isPresent()) {
                        throw error.get();
                    }
                    if (silent) {
                        silences.incrementAndGet();
                    } else {
                        long now = currentTso();
                        out.emit(new ResolvedMark(now, new TestPosition(now, 0), true));
                    }
                    Thread.sleep(TICK_MS);
                }
            }

            @Override
            public void close() {
                closed = true;
            }
        };
    }

    @Override
    public SourcePosition decodePosition(String encoded) {
        return TestPosition.decode(encoded);
    }

    @Override
    public void check() {
        checkReachable();
    }

    @Override
    public void close() {}
}
