package io.millrace.codec;

import com.sun.management.ThreadMXBean;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import java.lang.management.ManagementFactory;
import java.util.function.Consumer;

/** How many bytes a thread allocates while it encodes. */
public final class Allocations {
    /** Enough to let the buffers grow and the compilers settle. */
    private static final int ROUNDS = 60;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Allocations() {}

    /** What some work allocates, on the thread that calls. */
    public static long during(Runnable work) {
        long thread = Thread.currentThread().threadId();
        long before = THREADS.getThreadAllocatedBytes(thread);
        work.run();
        return THREADS.getThreadAllocatedBytes(thread) - before;
    }

    /** The least that any pass over the rows allocated. */
    public static long perPass(RowBatch batch, Consumer<RowView> encode) {
        RowView view = batch.rows();
        Runnable pass =
                () -> {
                    view.rewind();
                    while (view.next()) {
                        encode.accept(view);
                    }
                };
        long least = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            least = Math.min(least, during(pass));
        }
        return least;
    }
}
