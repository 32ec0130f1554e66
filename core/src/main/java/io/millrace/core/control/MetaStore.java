package io.millrace.core.control;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The durable, ordered key-value store that the control plane stands on, shaped like etcd: every
 * committed transaction gets the next revision, guards compare a key's revision or absence, a
 * prefix can be read and watched, and keys can hang on a lease. An embedded store and etcd
 * implement it; both pass the same contract suite.
 *
 * <p>Keys are slash-separated ASCII, values are text. Callable from any thread. A commit that
 * returned is durable. Errors: METASTORE_UNAVAILABLE when the store cannot be reached or written.
 */
public interface MetaStore extends AutoCloseable {
    /**
     * A key and its value.
     *
     * @param createRevision revision of the transaction that made the key
     * @param modRevision revision of the transaction that last wrote it
     * @param lease the lease it hangs on, 0 for none
     */
    record Entry(String key, String value, long createRevision, long modRevision, long lease) {}

    /**
     * A consistent read of a prefix.
     *
     * @param entries sorted by key
     * @param revision the store's revision at the time of the read: watch from the next one
     */
    record Range(List<Entry> entries, long revision) {
        public Range {
            entries = List.copyOf(entries);
        }
    }

    /** What must hold for a transaction to be applied. */
    sealed interface Guard {
        /** The key does not exist. */
        record Absent(String key) implements Guard {}

        /** The key exists and was last written at this revision. */
        record Unchanged(String key, long modRevision) implements Guard {}
    }

    /** One write of a transaction. A key may appear in one operation only. */
    sealed interface Op {
        /** Writes a key; {@code lease} 0 means that it stays until deleted. */
        record Put(String key, String value, long lease) implements Op {
            public Put(String key, String value) {
                this(key, value, 0);
            }
        }

        /** Deletes a key; nothing happens when it does not exist. */
        record Delete(String key) implements Op {}

        /** Deletes all keys that start with the prefix. */
        record DeletePrefix(String prefix) implements Op {}
    }

    /**
     * How a transaction ended.
     *
     * @param applied false when a guard did not hold; then nothing was written
     * @param revision the transaction's revision if applied, else the store's current one
     */
    record Commit(boolean applied, long revision) {}

    /**
     * A change seen by a watch.
     *
     * @param value the new value; empty when the key was deleted
     */
    record Change(String key, Optional<String> value, long revision) {}

    /** Receives changes in revision order, all changes of one transaction in one call. */
    interface Watcher {
        void onChanges(List<Change> changes);

        /**
         * The watch ended because the revisions it needs are no longer held; read the prefix again
         * and watch from there.
         */
        void onCompacted();
    }

    /** A running watch. */
    interface Watch extends AutoCloseable {
        @Override
        void close();
    }

    Optional<Entry> get(String key);

    /** All keys that start with the prefix. */
    Range range(String prefix);

    /** Applies all operations if all guards hold, else nothing. */
    Commit commit(List<Guard> guards, List<Op> ops);

    /**
     * Reports changes under a prefix, beginning with those of {@code fromRevision} (inclusive). The
     * watcher is called from one thread at a time.
     */
    Watch watch(String prefix, long fromRevision, Watcher watcher);

    /** A new lease; its keys vanish when it is not kept alive for {@code ttl}. Never 0. */
    long grantLease(Duration ttl);

    /** Starts the lease's time anew; false when it is gone. */
    boolean keepAlive(long lease);

    /** Ends a lease and deletes its keys. */
    void revokeLease(long lease);

    @Override
    void close();
}
