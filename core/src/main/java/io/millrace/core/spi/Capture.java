package io.millrace.core.spi;

import io.millrace.core.model.TableSchema;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** Reads one upstream's change stream for one job. */
public interface Capture extends AutoCloseable {
    /**
     * Reads and emits until {@link #close} is called (then returns) or reading fails. Runs on its
     * own thread. Reconnects are not its business: a lost connection is a TRANSIENT {@link
     * io.millrace.core.error.MillraceException}, and the job runner opens a new capture from the
     * checkpoint.
     */
    void run(EventOutput out) throws InterruptedException;

    /**
     * Ids of the tables that it follows now and that the job wants, whether they change or not;
     * empty before it knows them. Callable from any thread, at any time.
     *
     * @param withoutKey whether tables without a handle key count
     */
    default Set<Long> tableIds(boolean withoutKey) {
        return Set.of();
    }

    /**
     * Asks for the tables that it follows and the job wants, as far as their definitions are known,
     * once and before the first event; called before {@link #run}, answered on its thread.
     */
    default void tellTables(Consumer<List<TableSchema>> to) {}

    /** Ends {@link #run} soon; callable from any thread, more than once. */
    @Override
    void close();
}
