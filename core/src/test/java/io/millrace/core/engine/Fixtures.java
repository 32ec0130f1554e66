package io.millrace.core.engine;

import io.millrace.core.engine.SyntheticUpstream.Feed;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** Hand-made events, store and sink for tests of the engine. */
final class Fixtures {
    static final TableSchema ORDERS = table(1, "shop", "orders", true);

    private Fixtures() {}

    static TableSchema table(long id, String schema, String table, boolean key) {
        return new TableSchema(
                id,
                1,
                new TableName(schema, table),
                List.of(Column.of("id", ColumnKind.BIGINT)),
                key ? List.of(new TableSchema.Key("PRIMARY", true, List.of(0))) : List.of());
    }

    static SourcePosition at(long offset) {
        return new Offset(offset);
    }

    record Offset(long offset) implements SourcePosition {
        @Override
        public boolean covers(SourcePosition other) {
            return offset >= ((Offset) other).offset;
        }

        @Override
        public long floorTso() {
            return offset;
        }

        @Override
        public String encode() {
            return Long.toString(offset);
        }
    }

    /** A job with changes of this source, which starts after TSO 5. */
    static JobRunner.Plan plan(
            Feed feed,
            SinkFactory sinks,
            String sinkUri,
            TableFilter filter,
            long targetTso,
            JobStore store) {
        return new JobRunner.Plan(
                "default/test",
                new SyntheticUpstream(feed),
                sinks,
                SinkSpec.of(sinkUri),
                filter,
                5,
                targetTso,
                64 << 20,
                store,
                "127.0.0.1:1",
                "UTC");
    }

    /** A batch without bytes that counts itself in and out. */
    static class Batch extends RowBatch {
        private final TableSchema schema;
        private final long tso;
        private final long offset;
        private final boolean last;
        private final int size;
        private final byte[] bytes;
        private final AtomicInteger open;

        Batch(
                TableSchema schema,
                long tso,
                long offset,
                boolean last,
                byte[] bytes,
                int size,
                AtomicInteger open) {
            this.schema = schema;
            this.tso = tso;
            this.offset = offset;
            this.last = last;
            this.bytes = bytes;
            this.size = size;
            this.open = open;
            open.incrementAndGet();
        }

        byte[] bytes() {
            return bytes;
        }

        @Override
        public TableSchema schema() {
            return schema;
        }

        @Override
        public int op() {
            return INSERT;
        }

        @Override
        public int rowCount() {
            return 1;
        }

        @Override
        public int sizeBytes() {
            return size;
        }

        @Override
        public int eventIndex() {
            return 0;
        }

        @Override
        public boolean lastOfTransaction() {
            return last;
        }

        @Override
        public long commitTso() {
            return tso;
        }

        @Override
        public SourcePosition positionAfter() {
            return at(offset);
        }

        @Override
        public RowView rows() {
            throw new IllegalStateException("this batch has no rows to read");
        }

        @Override
        protected void recycle() {
            open.decrementAndGet();
        }
    }

    /** Makes batches and knows how many are not released. */
    static final class Batches {
        final AtomicInteger open = new AtomicInteger();

        Batch of(TableSchema schema, long tso, long offset, boolean last) {
            return new Batch(schema, tso, offset, last, new byte[0], 100, open);
        }

        Batch last(long tso, long offset) {
            return of(ORDERS, tso, offset, true);
        }
    }

    /** Keeps what it is told, and the order of it. */
    static final class MemoryStore implements JobStore, SchemaHistory {
        final List<String> writes = new ArrayList<>();
        Optional<Checkpoint> checkpoint = Optional.empty();
        Optional<DdlIntent> intent = Optional.empty();
        boolean running;
        Optional<RuntimeException> failure = Optional.empty();

        @Override
        public Optional<Checkpoint> checkpoint() {
            return checkpoint;
        }

        @Override
        public void saveCheckpoint(Checkpoint next) {
            write("checkpoint " + next.position().encode() + "/" + next.resolvedTso());
            checkpoint = Optional.of(next);
            if (intent.isPresent() && intent.get().commitTso() <= next.resolvedTso()) {
                intent = Optional.empty();
            }
        }

        @Override
        public Optional<DdlIntent> intent() {
            return intent;
        }

        @Override
        public void saveIntent(DdlIntent next) {
            write("intent " + next.commitTso());
            intent = Optional.of(next);
        }

        @Override
        public boolean wasRunning() {
            return running;
        }

        @Override
        public void markRunning() {
            running = true;
        }

        @Override
        public void markStopped() {
            running = false;
        }

        private void write(String what) {
            if (failure.isPresent()) {
                throw failure.get();
            }
            writes.add(what);
        }

        @Override
        public SchemaHistory schemaHistory() {
            return this;
        }

        @Override
        public List<Entry> load() {
            return List.of();
        }

        @Override
        public void append(List<Entry> entries) {
            throw new IllegalStateException("not used here");
        }

        @Override
        public void compact(long tso, List<Entry> snapshot) {
            throw new IllegalStateException("not used here");
        }

        @Override
        public long newTableId() {
            throw new IllegalStateException("not used here");
        }
    }

    /** Takes everything and acks when told. */
    static final class HandSink implements Sink {
        final Acks acks;
        final List<String> calls;
        final List<RowBatch> batches = new ArrayList<>();
        boolean full;
        boolean heldUp;
        boolean closed;

        HandSink(Acks acks, List<String> calls) {
            this.acks = acks;
            this.calls = calls;
        }

        @Override
        public boolean offer(long seq, RowBatch batch) {
            if (full) {
                return false;
            }
            calls.add("rows " + seq + "@" + batch.commitTso());
            batches.add(batch);
            return true;
        }

        @Override
        public boolean offer(long seq, SchemaChange change, boolean replayed) {
            if (full) {
                return false;
            }
            calls.add(
                    "ddl "
                            + seq
                            + "@"
                            + change.commitTso()
                            + " parts "
                            + change.changes().size()
                            + (replayed ? " replayed" : ""));
            return true;
        }

        @Override
        public void transactionEnded(long commitTso) {
            calls.add("ended " + commitTso);
        }

        @Override
        public void resolved(long tso) {
            calls.add("resolved " + tso);
        }

        @Override
        public int doWork(long nowNanos) {
            return 0;
        }

        @Override
        public void tables(List<TableSchema> tables) {
            calls.add("tables " + tables.stream().map(TableSchema::name).toList());
        }

        @Override
        public boolean isHeldUp() {
            return heldUp;
        }

        @Override
        public void close() {
            closed = true;
            batches.forEach(RowBatch::release);
            batches.clear();
        }
    }
}
