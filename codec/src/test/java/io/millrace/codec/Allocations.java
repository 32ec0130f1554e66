package io.millrace.codec;

import com.sun.management.ThreadMXBean;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import java.lang.management.ManagementFactory;
import java.util.function.Consumer;

/** How many bytes a thread allocates while it encodes a batch. */
public final class Allocations {
    /** Enough to let the buffers grow and the compilers settle. */
    private static final int ROUNDS = 60;

    private Allocations() {}

    /** The least that any pass over the rows allocated. */
    public static long perPass(RowBatch batch, Consumer<RowView> encode) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().threadId();
        RowView view = batch.rows();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            long before = threads.getThreadAllocatedBytes(thread);
            view.rewind();
            while (view.next()) {
                encode.accept(view);
            }
            least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
        }
        return least;
    }
}
