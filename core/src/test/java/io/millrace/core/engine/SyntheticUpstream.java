package io.millrace.core.engine;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.EventOutput;
import io.millrace.core.spi.Upstream;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

/** An upstream that emits what a test says and then waits to be closed. */
final class SyntheticUpstream implements Upstream {
    /** What to emit. */
    interface Feed {
        void run(EventOutput out) throws InterruptedException;
    }

    /** Id of the one table that its captures say they follow. */
    static final long FOLLOWED = 77;

    private final Feed feed;

    SyntheticUpstream(Feed feed) {
        this.feed = feed;
    }

    @Override
    public Capture openCapture(CaptureRequest request) {
        CountDownLatch closed = new CountDownLatch(1);
        return new Capture() {
            @Override
            public void run(EventOutput out) throws InterruptedException {
                feed.run(out);
                closed.await();
            }

            @Override
            public Set<Long> tableIds(boolean withoutKey) {
                return Set.of(FOLLOWED);
            }

            @Override
            public void close() {
                closed.countDown();
            }
        };
    }

    @Override
    public long clusterId() {
        return 1;
    }

    @Override
    public long currentTso() {
        return 1;
    }

    @Override
    public long oldestTso() {
        return 1;
    }

    @Override
    public List<TableSchema> tables(TableFilter filter) {
        return Stream.of(
                        Fixtures.ORDERS,
                        Fixtures.table(2, "shop", "keyless", false),
                        Fixtures.table(3, "shop", "old_orders", true))
                .filter(table -> filter.matches(table.name()))
                .toList();
    }

    @Override
    public SourcePosition decodePosition(String encoded) {
        return Fixtures.at(Long.parseLong(encoded));
    }

    @Override
    public void check() {}

    @Override
    public void close() {}
}
