package io.millrace.core.control;

import io.millrace.core.control.MetaStore.Guard;
import io.millrace.core.control.MetaStore.Op;
import io.millrace.core.engine.JobStore;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.spi.SchemaHistory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * One run's {@link JobStore} on the metadata store. Opening it claims a new epoch; every write is
 * guarded by the epoch key being untouched since, so that a run that was replaced, or whose job was
 * removed, can write no more.
 */
final class MetaJobStore implements JobStore {
    /** Table ids taken from the store at a time, so that many new tables cost few commits. */
    private static final int TABLE_ID_BLOCK = 64;

    private static final int MAX_CLAIM_ATTEMPTS = 100;

    private final MetaStore store;
    private final JobId id;
    private final String tableIdKey;
    private final Function<String, SourcePosition> decodePosition;
    private final long epoch;
    private final Guard fence;
    private final History history = new History();

    private MetaJobStore(
            MetaStore store,
            JobId id,
            long upstreamId,
            Function<String, SourcePosition> decodePosition,
            long epoch,
            long epochRevision) {
        this.store = store;
        this.id = id;
        this.tableIdKey = Records.TABLE_IDS + Long.toUnsignedString(upstreamId);
        this.decodePosition = decodePosition;
        this.epoch = epoch;
        this.fence = new Guard.Unchanged(Records.epochKey(id), epochRevision);
    }

    /**
     * Claims the job for a new run.
     *
     * @throws MillraceException FENCED when the job's state record is not the expected one any more
     */
    static MetaJobStore claim(
            MetaStore store,
            JobId id,
            long upstreamId,
            Function<String, SourcePosition> decodePosition) {
        String key = Records.epochKey(id);
        for (int i = 0; i < MAX_CLAIM_ATTEMPTS; i++) {
            Optional<MetaStore.Entry> now = store.get(key);
            Optional<MetaStore.Entry> state = store.get(Records.stateKey(id));
            if (state.isEmpty()) {
                throw new MillraceException(
                        ErrorCode.FENCED, "job " + id + " was removed; its run does not start");
            }
            long next = now.map(entry -> Long.parseLong(entry.value()) + 1).orElse(1L);
            Guard guard =
                    now.<Guard>map(entry -> new Guard.Unchanged(key, entry.modRevision()))
                            .orElse(new Guard.Absent(key));
            MetaStore.Commit commit =
                    store.commit(
                            List.of(
                                    guard,
                                    new Guard.Unchanged(
                                            Records.stateKey(id), state.get().modRevision())),
                            List.of(new Op.Put(key, Long.toString(next))));
            if (commit.applied()) {
                return new MetaJobStore(
                        store, id, upstreamId, decodePosition, next, commit.revision());
            }
        }
        throw new MillraceException(
                ErrorCode.METASTORE_CONFLICT, "job " + id + " is claimed by others all the time");
    }

    /** The run's number, 1 for the first. */
    long epoch() {
        return epoch;
    }

    /** A job's stored checkpoint TSO without opening it for a run. */
    static Optional<Long> checkpointTso(MetaStore store, JobId id) {
        return store.get(Records.checkpointKey(id))
                .map(entry -> Fields.parse(entry.value()).unsigned("resolved-tso"));
    }

    /** TSO of the oldest entry of a job's schema history. */
    static Optional<Long> oldestHistoryTso(MetaStore store, JobId id) {
        List<MetaStore.Entry> entries = store.range(Records.historyPrefix(id)).entries();
        return entries.isEmpty()
                ? Optional.empty()
                : Optional.of(Fields.parse(entries.getFirst().value()).unsigned("tso"));
    }

    @Override
    public Optional<Checkpoint> checkpoint() {
        return store.get(Records.checkpointKey(id))
                .map(entry -> {
                    Fields fields = Fields.parse(entry.value());
                    return new Checkpoint(
                            decodePosition.apply(fields.get("position")),
                            fields.unsigned("resolved-tso"));
                });
    }

    @Override
    public Optional<SourcePosition> startEnd() {
        return store.get(Records.startEndKey(id)).map(entry -> decodePosition.apply(entry.value()));
    }

    @Override
    public void saveCheckpoint(Checkpoint checkpoint) {
        List<Op> ops = new ArrayList<>();
        ops.add(
                new Op.Put(
                        Records.checkpointKey(id),
                        new Fields()
                                .put("v", 1)
                                .put("position", checkpoint.position().encode())
                                .putUnsigned("resolved-tso", checkpoint.resolvedTso())
                                .put("epoch", epoch)
                                .text()));
        Optional<DdlIntent> intent = intent();
        if (intent.isPresent()
                && Long.compareUnsigned(intent.get().commitTso(), checkpoint.resolvedTso()) <= 0) {
            ops.add(new Op.Delete(Records.intentKey(id)));
        }
        write(ops);
    }

    @Override
    public Optional<DdlIntent> intent() {
        return store.get(Records.intentKey(id))
                .map(entry -> {
                    Fields fields = Fields.parse(entry.value());
                    return new DdlIntent(fields.unsigned("commit-tso"), fields.get("query"));
                });
    }

    @Override
    public void saveIntent(DdlIntent intent) {
        write(
                List.of(
                        new Op.Put(
                                Records.intentKey(id),
                                new Fields()
                                        .put("v", 1)
                                        .putUnsigned("commit-tso", intent.commitTso())
                                        .put("query", intent.query())
                                        .text())));
    }

    @Override
    public boolean wasRunning() {
        return store.get(Records.runningKey(id)).isPresent();
    }

    @Override
    public void markRunning() {
        write(List.of(new Op.Put(Records.runningKey(id), Long.toString(epoch))));
    }

    @Override
    public void markStopped() {
        write(List.of(new Op.Delete(Records.runningKey(id))));
    }

    @Override
    public SchemaHistory schemaHistory() {
        return history;
    }

    private void write(List<Op> ops) {
        if (!store.commit(List.of(fence), ops).applied()) {
            throw new MillraceException(
                    ErrorCode.FENCED,
                    "job "
                            + id
                            + ": run "
                            + epoch
                            + " was replaced by a later one, or the job was removed; its write is"
                            + " refused");
        }
    }

    /** Entries under keys of TSO and a running number: key order is history order. */
    private final class History implements SchemaHistory {
        private long nextNumber = -1;
        private long nextTableId;
        private long lastTableId = -1;

        private static String number(long value) {
            return String.format("%016x", value);
        }

        @Override
        public synchronized List<SchemaHistory.Entry> load() {
            List<SchemaHistory.Entry> out = new ArrayList<>();
            for (MetaStore.Entry entry : stored()) {
                Fields fields = Fields.parse(entry.value());
                out.add(new SchemaHistory.Entry(fields.unsigned("tso"), fields.get("document")));
            }
            return out;
        }

        private List<MetaStore.Entry> stored() {
            List<MetaStore.Entry> entries = store.range(Records.historyPrefix(id)).entries();
            if (nextNumber < 0) {
                nextNumber = entries.isEmpty() ? 0 : numberOf(entries.getLast().key()) + 1;
            }
            return entries;
        }

        private long numberOf(String key) {
            return Long.parseLong(key.substring(Records.historyPrefix(id).length()), 16);
        }

        @Override
        public synchronized void append(List<SchemaHistory.Entry> entries) {
            if (nextNumber < 0) {
                stored();
            }
            List<Op> ops = new ArrayList<>();
            long number = nextNumber;
            for (SchemaHistory.Entry entry : entries) {
                ops.add(put(number++, entry));
            }
            if (!ops.isEmpty()) {
                write(ops);
                nextNumber = number;
            }
        }

        /** The snapshot takes the numbers of what it replaces, so that it stays in front. */
        @Override
        public synchronized void compact(long tso, List<SchemaHistory.Entry> snapshot) {
            List<SchemaHistory.Entry> all = new ArrayList<>(snapshot);
            for (SchemaHistory.Entry entry : load()) {
                if (Long.compareUnsigned(entry.tso(), tso) > 0) {
                    all.add(entry);
                }
            }
            List<Op> ops = new ArrayList<>();
            List<MetaStore.Entry> old = stored();
            for (int i = 0; i < all.size(); i++) {
                ops.add(put(i, all.get(i)));
            }
            for (MetaStore.Entry entry : old) {
                if (numberOf(entry.key()) >= all.size()) {
                    ops.add(new Op.Delete(entry.key()));
                }
            }
            write(ops);
            nextNumber = all.size();
        }

        private Op put(long number, SchemaHistory.Entry entry) {
            return new Op.Put(
                    Records.historyPrefix(id) + number(number),
                    new Fields()
                            .putUnsigned("tso", entry.tso())
                            .put("document", entry.document())
                            .text());
        }

        @Override
        public synchronized long newTableId() {
            if (nextTableId > lastTableId || lastTableId < 0) {
                reserve();
            }
            return nextTableId++;
        }

        private void reserve() {
            for (int i = 0; i < MAX_CLAIM_ATTEMPTS; i++) {
                Optional<MetaStore.Entry> now = store.get(tableIdKey);
                long used = now.map(entry -> Long.parseLong(entry.value())).orElse(0L);
                Guard guard =
                        now.<Guard>map(entry ->
                                        new Guard.Unchanged(tableIdKey, entry.modRevision()))
                                .orElse(new Guard.Absent(tableIdKey));
                long last = used + TABLE_ID_BLOCK;
                if (store.commit(
                                List.of(guard),
                                List.of(new Op.Put(tableIdKey, Long.toString(last))))
                        .applied()) {
                    nextTableId = used + 1;
                    lastTableId = last;
                    return;
                }
            }
            throw new MillraceException(
                    ErrorCode.METASTORE_CONFLICT, "no table ids: " + tableIdKey + " is contended");
        }
    }
}
