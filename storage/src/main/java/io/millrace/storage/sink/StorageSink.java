package io.millrace.storage.sink;

import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.Column;
import io.millrace.core.model.Projection;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.ColumnSelection;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes rows into files of a store, in TiCDC's layout.
 *
 * <p>The engine's thread encodes each batch at once into the open file of its table and lets the
 * batch go. A file is closed when it is large enough, when its first row has waited for the flush
 * interval, when the engine waits, or when memory or the window of unacknowledged events is half
 * used up. Closed files go to {@link Uploads}; a batch is acked when its file is durable. Rows that
 * are in finished files already, as {@link Progress} tells, are acked and skipped.
 */
final class StorageSink implements Sink {
    private static final Logger LOG = LoggerFactory.getLogger(StorageSink.class);

    /** Most bytes of rows in files that are not durable yet. */
    private static final long MAX_BUFFERED =
            Math.min(512L << 20, Runtime.getRuntime().maxMemory() / 4);

    /** Events without ack at which files are closed before their time. */
    private static final int MANY_UNACKED = MAX_UNACKED / 2;

    /** The same where transactions are kept whole: beyond, one is split all the same. */
    private static final int TOO_MANY_UNACKED = MAX_UNACKED / 4 * 3;

    private static final long METADATA_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** Without a new file for so long, the buffers of old ones are given up. */
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final StorageConfig config;
    private final FileFormat format;
    private final ColumnSelection selection;
    private final ObjectStore store;
    private final Progress progress;
    private final Uploads uploads;
    private final Acks acks;
    private final Optional<Cleanup> cleanup;
    private final int fileBytes;

    /** Rows at or before these places are in files of earlier runs. */
    private final Map<TableName, Progress.Place> written;

    private final Map<TableName, OpenFile> open = new LinkedHashMap<>();
    private final Map<TableSchema, int[][]> keys = new IdentityHashMap<>();
    private final Buffers buffers = new Buffers(MAX_BUFFERED / 4 * 3);

    /** Bytes that the next file of a table is expected to have. */
    private final Map<TableName, Integer> expectedBytes = new ConcurrentHashMap<>();

    private final AtomicLong buffered = new AtomicLong();
    private final AtomicBoolean failed = new AtomicBoolean();
    private final AtomicBoolean metadataWriting = new AtomicBoolean();
    private volatile boolean closed;
    private volatile boolean changing;

    /** Commit TSO of the transaction whose end was not seen; 0 when none. */
    private long openTransaction;

    /** Of open files. */
    private int openEvents;

    private long openBytes;
    private long nowNanos;
    private long openedNanos;
    private long resolvedTso;
    private long metadataTso;
    private long metadataNanos;
    private boolean metadataWritten;

    StorageSink(
            StorageConfig config,
            FileFormat format,
            ColumnSelection selection,
            ObjectStore store,
            Progress progress,
            SinkContext context,
            java.time.Clock clock) {
        this.config = config;
        this.format = format;
        this.selection = selection;
        this.store = store;
        this.progress = progress;
        this.acks = context.acks();
        this.written = new HashMap<>(progress.done());
        this.metadataTso = progress.metadata();
        this.nowNanos = System.nanoTime();
        fileBytes = (int) Math.min(config.fileBytes(), MAX_BUFFERED / 4);
        uploads =
                new Uploads(
                        store,
                        config,
                        clock,
                        progress,
                        context.startTso(),
                        this::finished,
                        this::fail,
                        context.metrics());
        cleanup =
                config.expirationDays() > 0
                        ? Optional.of(Cleanup.start(store, config, clock))
                        : Optional.empty();
    }

    @Override
    public boolean offer(long seq, RowBatch batch) {
        if (failed.get() || closed || changing || buffered.get() >= MAX_BUFFERED) {
            return false;
        }
        TableSchema schema = batch.schema();
        boolean wasLast = batch.lastOfTransaction();
        long tso = batch.commitTso();
        Progress.Place place = new Progress.Place(tso, batch.eventIndex());
        Progress.Place done = written.get(schema.name());
        if (done != null && done.covers(tso, place.event())) {
            batch.release();
            acks.ack(seq);
        } else {
            try {
                encode(seq, batch, place);
            } catch (MillraceException e) {
                fail(e);
            } finally {
                batch.release();
            }
        }
        openTransaction = wasLast ? 0 : tso;
        if (failed.get()) {
            return true;
        }
        OpenFile file = open.get(schema.name());
        if (file != null && file.body.size() >= fileBytes && !isSplit(file)) {
            close(file);
        }
        // What is being uploaded does not count: else each batch would be a file meanwhile.
        if (openBytes >= MAX_BUFFERED / 2 || openEvents >= MANY_UNACKED) {
            closeAll(openBytes >= MAX_BUFFERED / 4 * 3 || openEvents >= TOO_MANY_UNACKED);
        }
        return true;
    }

    private void encode(long seq, RowBatch batch, Progress.Place place) {
        TableSchema schema = batch.schema();
        OpenFile file = open.get(schema.name());
        if (file != null && file.schema != schema) {
            close(file);
            file = null;
        }
        Projection projection = selection.of(schema);
        if (file == null) {
            file =
                    new OpenFile(
                            schema,
                            projection.schema(),
                            format,
                            buffers.take(expectedBytes.getOrDefault(schema.name(), 0)),
                            nowNanos);
            openedNanos = nowNanos;
            open.put(schema.name(), file);
        }
        FileFormat.Body body = file.body;
        body.begin(place.tso());
        RowView all = batch.rows();
        RowView row = projection.view(all);
        int op = batch.op();
        while (all.next()) {
            if (op == RowBatch.UPDATE && !config.rawChangeEvents() && isSplit(schema, all)) {
                // Consumers keep rows by key: the old key has to go before the new one comes.
                body.append(row, RowBatch.DELETE);
                body.append(row, RowBatch.INSERT);
            } else {
                body.append(row, op);
            }
        }
        file.added(seq, place);
        openEvents++;
        long more = body.memory() - file.counted;
        file.counted += more;
        openBytes += more;
        buffered.addAndGet(more);
    }

    /** Whether an update gives the row another key, and its new image can stand alone. */
    private boolean isSplit(TableSchema schema, RowView row) {
        int[][] columns = keys.computeIfAbsent(schema, StorageSink::keyAndStoredColumns);
        boolean changes = false;
        for (int column : columns[0]) {
            changes |= row.isPresent(RowView.AFTER, column) && !row.isUnchanged(column);
        }
        if (!changes) {
            return false;
        }
        for (int column : columns[1]) {
            if (!row.isPresent(RowView.AFTER, column)) {
                return false; // a minimal row image
            }
        }
        return true;
    }

    private static int[][] keyAndStoredColumns(TableSchema schema) {
        TreeSet<Integer> key = new TreeSet<>();
        schema.keys().forEach(each -> key.addAll(each.columns()));
        List<Integer> stored = new ArrayList<>();
        for (int i = 0; i < schema.columns().size(); i++) {
            if (schema.column(i).generated() != Column.Generated.VIRTUAL) {
                stored.add(i);
            }
        }
        return new int[][] {
            key.stream().mapToInt(Integer::intValue).toArray(),
            stored.stream().mapToInt(Integer::intValue).toArray()
        };
    }

    /** Whether closing the file now would split a transaction that is to be kept whole. */
    private boolean isSplit(OpenFile file) {
        return config.wholeTransactions()
                && openTransaction != 0
                && file.last().tso() == openTransaction;
    }

    private void close(OpenFile file) {
        open.remove(file.table);
        openEvents -= file.events();
        openBytes -= file.counted;
        uploads.add(file);
    }

    private void closeAll(boolean mustSplit) {
        for (OpenFile file : List.copyOf(open.values())) {
            if (!isSplit(file)) {
                close(file);
            } else if (mustSplit) {
                LOG.warn(
                        "a transaction is too large for one file, it is split table={} commitTso={}",
                        file.table,
                        openTransaction);
                close(file);
            }
        }
    }

    /** A file is durable; any thread. */
    private void finished(OpenFile file) {
        int size = file.bytes.length();
        expectedBytes.merge(file.table, size, (old, last) -> Math.max(last, old / 2));
        buffers.give(file.bytes);
        buffered.addAndGet(-file.counted);
        if (!closed) {
            for (int i = 0; i < file.events(); i++) {
                acks.ack(file.seq(i));
            }
        }
    }

    @Override
    public void flush() {
        closeAll(false);
    }

    @Override
    public void transactionEnded(long commitTso) {
        openTransaction = 0;
    }

    @Override
    public boolean offer(long seq, SchemaChange change, boolean replayed) {
        if (failed.get() || closed || changing) {
            return false;
        }
        // A replayed DDL writes the same files again, under the same names.
        List<SchemaFile> files = new ArrayList<>();
        try {
            for (int i = 0; i < change.changes().size(); i++) {
                files.add(schemaFile(change, i));
            }
        } catch (MillraceException e) {
            fail(e);
            return true;
        }
        changing = true;
        uploads.run(
                "a DDL",
                () -> {
                    for (SchemaFile file : files) {
                        store.put(file.path(), file.content());
                        uploads.made(file);
                    }
                    changing = false;
                    if (!closed) {
                        acks.ack(seq);
                    }
                });
        return true;
    }

    private SchemaFile schemaFile(SchemaChange change, int index) {
        SchemaChange.Change part = change.changes().get(index);
        TableName name = part.newName().orElse(part.name());
        Optional<TableSchema> columns = part.after().or(part::before);
        List<SchemaFile.Member> more = new ArrayList<>();
        if (!change.defaultSchema().isEmpty() && !change.defaultSchema().equals(name.schema())) {
            more.add(
                    new SchemaFile.Member(
                            "DefaultSchema", SchemaFile.quoted(change.defaultSchema())));
        }
        if (change.changes().size() > 1) {
            more.add(new SchemaFile.Member("Part", Integer.toString(index + 1)));
        }
        SchemaFile.session(change.session()).ifPresent(more::add);
        return new SchemaFile(
                name.schema(),
                name.table(),
                change.commitTso(),
                part.query(),
                part.kind().actionCode(),
                name.table().isEmpty()
                        ? Optional.empty()
                        : Optional.of(
                                columns.map(schema ->
                                                SchemaFile.columnsOf(
                                                        part.after().isPresent()
                                                                ? selection.of(schema).schema()
                                                                : schema,
                                                        config.columnIds()))
                                        .orElse(List.of())),
                more);
    }

    @Override
    public void resolved(long tso) {
        resolvedTso = tso;
    }

    @Override
    public void checkpointSaved(Checkpoint checkpoint) {
        progress.covered(checkpoint.resolvedTso());
    }

    @Override
    public int doWork(long now) {
        nowNanos = now;
        if (failed.get() || closed) {
            return 0;
        }
        int work = 0;
        if (!open.isEmpty() && isDue(open.values().iterator().next())) {
            int before = open.size();
            closeAll(false);
            work += before - open.size();
        }
        if (open.isEmpty() && now - openedNanos >= IDLE_NANOS) {
            buffers.clear();
        }
        if (Long.compareUnsigned(resolvedTso, metadataTso) > 0
                && (!metadataWritten || now - metadataNanos >= METADATA_INTERVAL_NANOS)
                && metadataWriting.compareAndSet(false, true)) {
            metadataTso = resolvedTso;
            metadataNanos = now;
            metadataWritten = true;
            writeMetadata(metadataTso);
            work++;
        }
        return work;
    }

    private boolean isDue(OpenFile oldest) {
        return nowNanos - oldest.openedNanos >= config.flushInterval().toNanos();
    }

    private void writeMetadata(long tso) {
        uploads.run(
                "metadata",
                () -> {
                    store.put(
                            Paths.METADATA,
                            ("{\"checkpoint-ts\":" + Long.toUnsignedString(tso) + "}")
                                    .getBytes(StandardCharsets.UTF_8));
                    metadataWriting.set(false);
                });
    }

    private void fail(MillraceException error) {
        if (!closed && failed.compareAndSet(false, true)) {
            LOG.warn("storage sink stops: {}", error.text());
            acks.fail(error);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        open.clear();
        cleanup.ifPresent(Cleanup::close);
        try {
            uploads.close();
            store.close();
        } catch (RuntimeException e) {
            LOG.warn("closing the storage failed", e);
        }
    }
}
