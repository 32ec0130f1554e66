package io.millrace.mysql.upstream;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.ResolvedMark;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.Upstream;
import io.millrace.mysql.capture.CaptureThread;
import io.millrace.testkit.history.MemoryHistory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A capture with the real decoder and schema tracker, and what it emitted. */
final class RunningCapture implements AutoCloseable {
    /**
     * One event.
     *
     * @param row first column of a row that was inserted, empty for other events
     * @param clock whether it is a mark of the upstream's clock
     */
    record Event(String row, boolean clock, String position) {}

    private final CaptureThread<Event> capture;

    private RunningCapture(Upstream upstream, CaptureRequest request) {
        capture = new CaptureThread<>(upstream.openCapture(request), RunningCapture::look);
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

    private static List<Event> look(ChangeEvent event) {
        String position = event.positionAfter().encode();
        if (!(event instanceof RowBatch batch)) {
            boolean clock = event instanceof ResolvedMark mark && mark.clockDerived();
            return List.of(new Event("", clock, position));
        }
        List<Event> rows = new ArrayList<>();
        RowView row = batch.rows();
        while (row.next()) {
            ByteSink out = new ByteSink(16);
            row.appendText(RowView.AFTER, 0, out);
            rows.add(new Event(out.toString(), false, position));
        }
        batch.release();
        return rows;
    }

    List<Event> events() {
        return capture.seen();
    }

    List<String> rows() {
        return events().stream().map(Event::row).filter(row -> !row.isEmpty()).toList();
    }

    Event awaitRow(String row) {
        return capture.await("row " + row, 0, event -> event.row().equals(row));
    }

    /** Waits for a mark of the clock that comes after now. */
    void awaitIdle() {
        capture.await("a mark", events().size(), Event::clock);
    }

    Throwable awaitFailure() {
        return capture.awaitFailure();
    }

    @Override
    public void close() {
        capture.close();
    }
}
