package io.millrace.core.control;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which jobs have an operation of several commands under way, such as one that stops, changes and
 * starts a job: a second one has to wait or be refused. Kept in memory: a process that dies leaves
 * none behind. Callable from any thread.
 */
public final class Operations {
    private final Map<JobId, Operation> underWay = new ConcurrentHashMap<>();

    /** An operation under way; ended by {@link #close}, whatever came of it. */
    public final class Operation implements AutoCloseable {
        private final JobId job;

        private Operation(JobId job) {
            this.job = job;
        }

        @Override
        public void close() {
            underWay.remove(job, this);
        }
    }

    /** Begins one; empty when the job has one already. */
    public Optional<Operation> begin(JobId job) {
        Operation fresh = new Operation(job);
        return underWay.putIfAbsent(job, fresh) == null ? Optional.of(fresh) : Optional.empty();
    }

    /** Whether a job has one. */
    public boolean isUnderWay(JobId job) {
        return underWay.containsKey(job);
    }
}
