package io.millrace.core.spi;

import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableSchema;
import java.util.List;

/**
 * Delivers one job's events downstream. Called by one engine thread, never blocks it for long: work
 * that waits for a network runs on the sink's own threads. Each accepted event gets exactly one
 * {@link Acks#ack} (or the job one {@link Acks#fail}); a batch's reference passes to the sink on
 * acceptance, and the sink releases it.
 *
 * <p>A sink must not wait for later events before it releases a batch: the memory quota may be used
 * up, and none would come. One that commits whole transactions writes the rows into its open
 * transaction, releases, and acks after the commit; it commits early rather than hold more than
 * {@link #MAX_UNACKED} events.
 *
 * <p>{@code seq} is dense and grows with stream order; it has no meaning beyond this run.
 */
public interface Sink extends AutoCloseable {
    /** The engine offers at most this many events from the oldest that is not acked on. */
    int MAX_UNACKED = 1 << 14;

    /**
     * The tables that the job replicates at the start of a run; before the first event, and only
     * where {@link SinkSpec#tellsTablesAtStart} asks for it.
     */
    default void tables(List<TableSchema> tables) {}

    /** Takes rows. False when the sink is full now: the engine keeps the batch and asks again. */
    boolean offer(long seq, RowBatch batch);

    /**
     * Takes a DDL. Called only when everything before is acked; nothing follows until its ack.
     * Applied once: when {@code replayed}, an earlier run may already have applied it (its intent
     * was recorded), so the sink looks at the target to find out.
     */
    boolean offer(long seq, SchemaChange change, boolean replayed);

    /**
     * The engine waits until all that was offered is acked, before a DDL or an orderly end: no more
     * will come until then, so there is nothing to gather for. May be called more than once.
     */
    default void flush() {}

    /**
     * The engine skipped the last batch of a transaction (its table cannot be replicated) after it
     * had offered earlier ones: the transaction ends here. Only a sink that holds back whole
     * transactions cares, and it must ack them now.
     */
    default void transactionEnded(long commitTso) {}

    /**
     * No change at or below the TSO is missing downstream any more: the time to send a watermark.
     */
    void resolved(long tso);

    /**
     * A checkpoint became durable in the job's store; a sink that keeps one in the target follows
     * suit when it likes.
     */
    default void checkpointSaved(Checkpoint checkpoint) {}

    /**
     * Moves the sink's work on the engine's thread (batch timers, polling); returns how much was
     * done, 0 when idle.
     *
     * @param nowNanos monotonic clock
     */
    int doWork(long nowNanos);

    /**
     * Whether what was offered waits for something that does not answer, so that no ack is to be
     * expected soon: an orderly end does not wait for one then.
     */
    default boolean isHeldUp() {
        return false;
    }

    /** Stops without waiting for acks; frees all references. Never throws. */
    @Override
    void close();
}
