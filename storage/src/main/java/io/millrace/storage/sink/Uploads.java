package io.millrace.storage.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkMetrics;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes closed files to the store: each table's one after the other, several tables at a time, on
 * virtual threads. For each file: the schema file of its version if it is missing, the progress
 * object, the index file, the data file. What is there already is never written again.
 */
final class Uploads implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Uploads.class);
    private static final long CLOSE_LIMIT_SECONDS = 10;

    private final ObjectStore store;
    private final SinkMetrics metrics;
    private final StorageConfig config;
    private final Clock clock;
    private final Progress progress;
    private final long startTso;
    private final Consumer<OpenFile> finished;
    private final Consumer<MillraceException> failed;
    private final ExecutorService threads;
    private final Semaphore workers;
    private final Map<TableName, Lane> lanes = new HashMap<>();

    /** The tables' newest versions that this run made or found. */
    private final Map<TableName, SchemaFile> versions = new ConcurrentHashMap<>();

    private volatile boolean closed;

    /** One table's files. */
    private final class Lane {
        private final ArrayDeque<OpenFile> waiting = new ArrayDeque<>();
        private boolean running;

        // Of the lane's own thread.
        private @Nullable TableSchema schema;
        private @Nullable SchemaFile made;
        private String version = "";
        private String folder = "";
        private long nextNumber;

        void add(OpenFile file) {
            synchronized (this) {
                waiting.add(file);
                if (running) {
                    return;
                }
                running = true;
            }
            threads.execute(this::run);
        }

        private void run() {
            while (true) {
                OpenFile file;
                synchronized (this) {
                    file = waiting.poll();
                    if (file == null) {
                        running = false;
                        return;
                    }
                }
                try {
                    workers.acquire();
                    try {
                        if (closed) {
                            return;
                        }
                        write(file);
                    } finally {
                        workers.release();
                    }
                    finished.accept(file);
                } catch (InterruptedException e) {
                    return; // only close interrupts
                } catch (IOException | RuntimeException | Error e) {
                    // Also an Error, or the engine would wait for this file for ever.
                    failed.accept(failure("table " + file.table, e));
                    return;
                }
            }
        }

        private void write(OpenFile file) throws IOException, InterruptedException {
            SchemaFile newest = versions.get(file.table);
            if (schema != file.schema || made != newest) {
                version = versionOf(file);
                schema = file.schema;
                made = newest;
            }
            String at =
                    Paths.part(file.table.schema())
                            + "/"
                            + Paths.part(file.table.table())
                            + "/"
                            + version
                            + "/"
                            + Paths.date(
                                    config.dateSeparator(),
                                    ZonedDateTime.now(clock.withZone(config.zone())));
            if (!at.equals(folder)) {
                nextNumber = nextNumber(at);
                folder = at;
            }
            ByteSink content = file.body.finish();
            String name = Paths.file(nextNumber, config.indexWidth(), config.format().extension());
            progress.intend(file.table, folder + name, file.last());
            if (closed) {
                throw new InterruptedException("closed");
            }
            store.put(Paths.index(folder), (name + "\n").getBytes(StandardCharsets.UTF_8));
            long began = System.nanoTime();
            store.put(folder + name, content.array(), 0, content.length());
            long ended = System.nanoTime();
            metrics.record(SinkMetric.STORAGE_WRITE_DURATION, ended - began);
            metrics.record(SinkMetric.STORAGE_BUSY, ended - began);
            metrics.record(SinkMetric.STORAGE_FLUSH_DURATION, ended - file.queuedNanos);
            metrics.record(SinkMetric.STORAGE_WRITE_BYTES, content.length());
            metrics.record(SinkMetric.STORAGE_FILE_COUNT, 1);
            progress.finished(file.table);
            nextNumber++;
        }
    }

    Uploads(
            ObjectStore store,
            StorageConfig config,
            Clock clock,
            Progress progress,
            long startTso,
            Consumer<OpenFile> finished,
            Consumer<MillraceException> failed,
            SinkMetrics metrics) {
        this.store = store;
        this.metrics = metrics;
        this.config = config;
        this.clock = clock;
        this.progress = progress;
        this.startTso = startTso;
        this.finished = finished;
        this.failed = failed;
        threads =
                Executors.newThreadPerTaskExecutor(
                        Thread.ofVirtual().name("storage-", 0).factory());
        workers = new Semaphore(config.workers());
    }

    /** Takes a closed file. Called by one thread. */
    void add(OpenFile file) {
        file.queuedNanos = System.nanoTime();
        lanes.computeIfAbsent(file.table, key -> new Lane()).add(file);
    }

    /** Runs something beside the files. */
    void run(String what, Task task) {
        threads.execute(() -> {
            try {
                task.run();
            } catch (IOException | RuntimeException | Error e) {
                failed.accept(failure(what, e));
            }
        });
    }

    /** Work that waits for the store. */
    @FunctionalInterface
    interface Task {
        void run() throws IOException;
    }

    /** A DDL has made this version; its file is in the store. */
    void made(SchemaFile file) {
        versions.put(new TableName(file.schema(), file.table()), file);
    }

    /**
     * The folder name of a file's table version: the newest one at the file's rows, which a DDL of
     * this run made or which is in the store already, if it has the same columns. Else a new one,
     * for columns that changed by a DDL that was not recorded: it begins with the file's first row,
     * so that readers, who go by version, find its rows behind those of all earlier versions. The
     * first version of a table begins where the run does.
     */
    private String versionOf(OpenFile file) throws IOException {
        List<SchemaFile.FileColumn> columns =
                SchemaFile.columnsOf(file.written, config.columnIds());
        SchemaFile made = versions.get(file.table);
        if (made != null && made.columns().equals(Optional.of(columns))) {
            return Long.toUnsignedString(made.version());
        }
        SchemaFile first = schemaFile(file, startTso, columns);
        long checksum = first.checksum();
        OptionalLong newest = OptionalLong.empty();
        boolean same = false;
        for (ObjectStore.Entry entry :
                store.list(
                        SchemaFile.folder(file.table.schema(), file.table.table()) + "schema_")) {
            OptionalLong version = SchemaFile.versionOf(entry.name());
            if (version.isEmpty()
                    || Long.compareUnsigned(version.getAsLong(), file.last().tso()) > 0) {
                continue;
            }
            int order =
                    newest.isEmpty()
                            ? 1
                            : Long.compareUnsigned(version.getAsLong(), newest.getAsLong());
            boolean equal = SchemaFile.versionOf(entry.name(), checksum).isPresent();
            if (order > 0) {
                newest = version;
                same = equal;
            } else if (order == 0) {
                same |= equal; // the parts of one DDL
            }
        }
        SchemaFile found = first;
        if (newest.isPresent()) {
            long after = newest.getAsLong() + 1;
            long begin = file.first().tso();
            found =
                    schemaFile(
                            file,
                            same
                                    ? newest.getAsLong()
                                    : Long.compareUnsigned(begin, after) < 0 ? after : begin,
                            columns);
        }
        if (!same) {
            store.put(found.path(), found.content());
        }
        versions.put(file.table, found);
        return Long.toUnsignedString(found.version());
    }

    private static SchemaFile schemaFile(
            OpenFile file, long version, List<SchemaFile.FileColumn> columns) {
        return new SchemaFile(
                file.table.schema(),
                file.table.table(),
                version,
                "",
                0,
                Optional.of(columns),
                List.of());
    }

    /** The number of the next file: the index tells the last one, which may be missing. */
    private long nextNumber(String folder) throws IOException {
        String name;
        try {
            name = new String(store.get(Paths.index(folder)), StandardCharsets.UTF_8).strip();
        } catch (FileNotFoundException first) {
            return 1;
        }
        OptionalLong number = Paths.number(name);
        if (number.isEmpty()) {
            throw new MillraceException(
                    ErrorCode.SINK_DATA,
                    Paths.index(folder)
                            + " in "
                            + store.location()
                            + " does not name a data file: somebody else writes there; give the"
                            + " changefeed a place of its own");
        }
        boolean written =
                store.list(folder + name).stream()
                        .anyMatch(entry -> entry.name().equals(folder + name) && entry.size() > 0);
        return written ? number.getAsLong() + 1 : number.getAsLong();
    }

    private MillraceException failure(String what, Throwable e) {
        if (e instanceof MillraceException known) {
            return known;
        }
        if (e instanceof IOException) {
            return new MillraceException(
                    ErrorCode.SINK_TRANSIENT,
                    "storage " + store.location() + ", " + what + ": " + e,
                    e);
        }
        return new MillraceException(
                ErrorCode.INTERNAL, "storage, " + what + ", hit a defect: " + e, e);
    }

    /** Waits for what is being written now, so that nothing of this run arrives after it. */
    @Override
    public void close() {
        closed = true;
        threads.shutdown();
        try {
            if (!threads.awaitTermination(CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                threads.shutdownNow();
                LOG.warn("a write to the storage does not end location={}", store.location());
            }
        } catch (InterruptedException e) {
            threads.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
