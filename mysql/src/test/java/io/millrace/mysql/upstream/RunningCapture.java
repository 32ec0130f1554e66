package io.millrace.mysql.upstream;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.ResolvedMark;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.Upstream;
import io.millrace.testkit.history.MemoryHistory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A capture with the real decoder and schema tracker, and what it emitted. */
final class RunningCapture implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /**
     * One event.
     *
     * @param row first column of a row that was inserted, empty for other events
     * @param clock whether it is a mark of the upstream's clock
     */
    record Event(String row, boolean clock, String position) {}

    private final Capture capture;
    private final Thread thread;
    private final List<Event> events = new ArrayList<>();
    private @Nullable Throwable failure;

    private RunningCapture(Upstream upstream, CaptureRequest request) {
        capture = upstream.openCapture(request);
        thread = Thread.ofPlatform().name("capture").start(this::run);
    }

    /** From now on. */
    static RunningCapture start(Upstream upstream) {
        return new RunningCapture(upstream, request(upstream.currentTso(), Optional.empty()));
    }

    /** The first run of a job that was made before. */
    static RunningCapture late(Upstream upstream, long startTso, Optional<SourcePosition> end) {
        return new RunningCapture(
                upstream,
                new CaptureRequest(
                        "default/it",
                        startTso,
                        Optional.empty(),
                        TableFilter.all(),
                        new MemoryHistory(),
                        "UTC",
                        end));
    }

    static RunningCapture from(Upstream upstream, String position) {
        return new RunningCapture(
                upstream,
                request(0, Optional.of(new Checkpoint(upstream.decodePosition(position), 1))));
    }

    private static CaptureRequest request(long startTso, Optional<Checkpoint> from) {
        return new CaptureRequest(
                "default/it", startTso, from, TableFilter.all(), new MemoryHistory(), "UTC");
    }

    private void run() {
        try {
            capture.run(this::add);
        } catch (Throwable e) {
            synchronized (events) {
                failure = e;
                events.notifyAll();
            }
        }
    }

    private void add(ChangeEvent event) {
        String position = event.positionAfter().encode();
        List<Event> seen = new ArrayList<>();
        if (event instanceof RowBatch batch) {
            RowView row = batch.rows();
            while (row.next()) {
                ByteSink out = new ByteSink(16);
                row.appendText(RowView.AFTER, 0, out);
                seen.add(new Event(out.toString(), false, position));
            }
            batch.release();
        } else {
            seen.add(
                    new Event(
                            "",
                            event instanceof ResolvedMark mark && mark.clockDerived(),
                            position));
        }
        synchronized (events) {
            events.addAll(seen);
            events.notifyAll();
        }
    }

    List<Event> events() {
        synchronized (events) {
            return List.copyOf(events);
        }
    }

    List<String> rows() {
        return events().stream().map(Event::row).filter(row -> !row.isEmpty()).toList();
    }

    Event awaitRow(String row) {
        return await(
                "row " + row,
                () -> events.stream().filter(event -> event.row().equals(row)).findFirst());
    }

    /** Waits for a mark of the clock that comes after now. */
    void awaitIdle() {
        int from = events().size();
        await("a mark", () -> events.stream().skip(from).filter(Event::clock).findFirst());
    }

    Throwable awaitFailure() {
        return await("the failure", () -> Optional.ofNullable(failure), true);
    }

    private <T> T await(String what, Supplier<Optional<T>> condition) {
        return await(what, condition, false);
    }

    private <T> T await(String what, Supplier<Optional<T>> condition, boolean mayFail) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        synchronized (events) {
            while (true) {
                Optional<T> found = condition.get();
                if (found.isPresent()) {
                    return found.get();
                }
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0 || failure != null && !mayFail) {
                    throw new AssertionError("without " + what + ", seen are " + events, failure);
                }
                try {
                    events.wait(left);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        }
    }

    @Override
    public void close() {
        capture.close();
        try {
            if (!thread.join(Duration.ofSeconds(10))) {
                throw new AssertionError("the capture does not end");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
