package io.millrace.testkit.sim;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.testkit.sim.History.Event;
import io.millrace.testkit.sim.History.Piece;
import io.millrace.testkit.sim.Target.Unit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A sink with parallel lanes (SQL workers, log partitions), each with one request under way; rows
 * of a key share a lane. Requests take time, fail, or succeed without an answer, so acks come out
 * of order. With {@code wholeTransactions} there is one lane, and a request holds whole ones.
 */
final class ModelSink implements Sink {
    /**
     * How a sink behaves.
     *
     * @param lanes parallel lanes
     * @param wholeTransactions transactions are never torn downstream
     * @param delayNanos longest time of a request
     * @param queued units taken before rows are refused
     * @param group most units in one request
     */
    record Style(int lanes, boolean wholeTransactions, long delayNanos, int queued, int group) {}

    /** A batch that is not acked. */
    static final class Tracked {
        final long seq;
        private final RowBatch batch;
        private boolean released;
        int left;

        Tracked(long seq, RowBatch batch) {
            this.seq = seq;
            this.batch = batch;
        }

        void release() {
            if (!released) {
                released = true;
                batch.release();
            }
        }
    }

    /** Units to be committed one group after the other. */
    private static final class Lane {
        final ArrayDeque<Unit> queue = new ArrayDeque<>();
        boolean busy;
    }

    private final World world;
    private final Target target;
    private final Style style;
    private final SinkContext context;
    private final long targetTso;
    private final List<Lane> lanes = new ArrayList<>();
    private final Set<Tracked> tracked = new LinkedHashSet<>();

    /** Units of a transaction whose end was not seen yet. */
    private final List<Unit> openTransaction = new ArrayList<>();

    private int queued;
    private boolean ddlUnderWay;
    private boolean dead;
    private long resolved;

    ModelSink(World world, Target target, Style style, SinkContext context, long targetTso) {
        this.world = world;
        this.target = target;
        this.style = style;
        this.context = context;
        this.targetTso = targetTso;
        this.resolved = context.startTso();
        for (int i = 0; i < style.lanes(); i++) {
            lanes.add(new Lane());
        }
        target.opened(style.lanes());
    }

    @Override
    public boolean offer(long seq, RowBatch batch) {
        if (ddlUnderWay) {
            throw new Violation("rows overtook a DDL that is not acked");
        }
        if (openTransaction.isEmpty() && (queued > style.queued() || oneIn(30))) {
            return false;
        }
        Event event = ((SimBatch) batch).event;
        world.trace(() -> "offer seq " + seq + " tso " + batch.commitTso() + " " + event);
        world.checker.offered(event, batch.commitTso(), targetTso);
        Tracked entry = new Tracked(seq, batch);
        tracked.add(entry);
        for (Piece piece : event.pieces) {
            entry.left++;
            Unit unit = new Unit(entry, piece, batch.commitTso());
            if (style.wholeTransactions()) {
                openTransaction.add(unit);
            } else {
                enqueue(unit);
            }
        }
        boolean last = batch.lastOfTransaction();
        long tso = batch.commitTso();
        if (style.wholeTransactions()) {
            // The rows are in the target's open transaction. Holding the memory until its end
            // would wait for events that cannot come once the quota is used up.
            entry.release();
        }
        if (last) {
            transactionEnded(tso);
        }
        return true;
    }

    @Override
    public void transactionEnded(long commitTso) {
        openTransaction.forEach(this::enqueue);
        openTransaction.clear();
    }

    private void enqueue(Unit unit) {
        long hash = (unit.piece().key * 31 + unit.piece().event.schema.tableId()) * 0x9E3779B9L;
        lanes.get((int) Long.remainderUnsigned(hash >>> 8, lanes.size())).queue.add(unit);
        queued++;
    }

    @Override
    public boolean offer(long seq, SchemaChange change, boolean replayed) {
        if (!tracked.isEmpty() || ddlUnderWay) {
            throw new Violation("a DDL was offered before everything else was acked");
        }
        if (oneIn(5)) {
            return false;
        }
        Event event = eventOf(change);
        world.trace(() -> "offer seq " + seq + " replayed=" + replayed + " " + event);
        world.checker.offered(event, change.commitTso(), targetTso);
        ddlUnderWay = true;
        Runnable arrive = () -> target.ddl(event, change, replayed);
        world.send(
                delay(),
                arrive::run,
                () -> {
                    if (request(arrive)) {
                        world.later(delay(), () -> answer(seq));
                    }
                });
        return true;
    }

    private Event eventOf(SchemaChange change) {
        for (Event event : world.history.expected) {
            if (event.isDdl() && event.wantedChanges.equals(change.changes())) {
                return event;
            }
        }
        throw new Violation("invented: a DDL with parts " + change.changes());
    }

    private void answer(long seq) {
        if (!dead) {
            ddlUnderWay = false;
            context.acks().ack(seq);
        }
    }

    /** A request arrives; true when its answer will too. */
    private boolean request(Runnable arrive) {
        boolean fault = world.isFault();
        boolean done = !fault || world.random.nextBoolean();
        world.commitPoint("before target");
        if (done) {
            arrive.run();
            world.commitPoint("after target");
        }
        if (fault) {
            world.trace(() -> "request fails, done=" + done);
            dead = true;
            context.acks()
                    .fail(
                            new MillraceException(
                                    ErrorCode.SINK_TRANSIENT, "simulated fault of the target"));
        }
        return !fault && !dead;
    }

    @Override
    public void resolved(long tso) {
        if (tso <= resolved) {
            throw new Violation("resolved went from " + resolved + " to " + tso);
        }
        resolved = tso;
        world.trace(() -> "resolved " + tso);
        world.checker.promised(tso);
    }

    @Override
    public int doWork(long nowNanos) {
        int work = 0;
        for (int i = 0; i < lanes.size(); i++) {
            Lane lane = lanes.get(i);
            if (!lane.busy && !lane.queue.isEmpty() && !dead) {
                commit(i, lane);
                work++;
            }
        }
        return work;
    }

    private void commit(int number, Lane lane) {
        List<Unit> units = new ArrayList<>();
        while (!lane.queue.isEmpty()
                && (units.size() < style.group() || isSameTransaction(lane, units))) {
            units.add(lane.queue.remove());
        }
        lane.busy = true;
        Runnable arrive = () -> target.rows(number, units);
        world.send(
                delay(),
                arrive::run,
                () -> {
                    if (request(arrive)) {
                        world.later(delay(), () -> committed(lane, units));
                    }
                });
    }

    private boolean isSameTransaction(Lane lane, List<Unit> units) {
        return style.wholeTransactions()
                && !lane.queue.isEmpty()
                && units.get(units.size() - 1).tso() == lane.queue.peek().tso();
    }

    private void committed(Lane lane, List<Unit> units) {
        if (dead) {
            return;
        }
        lane.busy = false;
        queued -= units.size();
        for (Unit unit : units) {
            if (--unit.batch().left == 0) {
                tracked.remove(unit.batch());
                unit.batch().release();
                context.acks().ack(unit.batch().seq);
            }
        }
    }

    @Override
    public void close() {
        dead = true;
        for (Tracked entry : tracked) {
            entry.release();
        }
        tracked.clear();
    }

    private long delay() {
        return 1 + world.random.nextLong(style.delayNanos());
    }

    private boolean oneIn(int n) {
        return world.random.nextInt(n) == 0;
    }
}
