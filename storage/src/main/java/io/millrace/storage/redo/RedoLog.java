package io.millrace.storage.redo;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkMetrics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import net.jpountz.lz4.LZ4FrameOutputStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The writing side of one job's redo log: a thread that brings segments into the storage, keeps the
 * meta file, and removes files that nobody needs any more.
 */
final class RedoLog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RedoLog.class);
    private static final long GC_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long CLOSE_WAIT_MS = 5_000;

    /** Segments that may wait while one is being written. */
    private static final int MOST_WAITING = 1;

    /** With the file backend: bytes gathered in memory before they are appended to the file. */
    private static final int FILE_BUFFER = 1 << 20;

    /**
     * The content of one log file. Filled by one thread, then handed to {@link #write}.
     *
     * <p>With the file backend its bytes are in a file that ends in {@code .tmp}.
     */
    static final class Segment {
        final ByteSink bytes = new ByteSink(1 << 14);
        private final boolean onDisk;
        private @Nullable Path file;
        private long inFile;

        /** Set when it is closed. */
        long number;

        boolean ddl;
        long maxTso;

        /** Rows in it. */
        long rows;

        /** When the first of its records came; monotonic. */
        long beganNanos;

        /** No change at or below this TSO comes in a later segment. */
        long resolvedAfter;

        Segment(boolean onDisk) {
            this.onDisk = onDisk;
        }

        long size() {
            return inFile + bytes.length();
        }

        /** Moves what is in memory to the file if it is time to. */
        void spill() throws IOException {
            if (!onDisk || bytes.length() < FILE_BUFFER) {
                return;
            }
            Path to = file;
            if (to == null) {
                to = Files.createTempFile("millrace-redo-", ".tmp");
                file = to;
            }
            try (FileChannel channel = FileChannel.open(to, StandardOpenOption.APPEND)) {
                ByteBuffer source = ByteBuffer.wrap(bytes.array(), 0, bytes.length());
                while (source.hasRemaining()) {
                    channel.write(source);
                }
            }
            inFile += bytes.length();
            bytes.clear();
        }

        private void collect() throws IOException {
            Path from = file;
            if (from != null) {
                byte[] rest = bytes.toByteArray();
                bytes.clear();
                bytes.put(Files.readAllBytes(from));
                bytes.put(rest);
            }
        }

        void discard() {
            Path gone = file;
            if (gone != null) {
                try {
                    Files.deleteIfExists(gone);
                } catch (IOException e) {
                    LOG.warn("cannot delete {}: {}", gone, e.toString());
                }
            }
        }
    }

    private final ObjectStore store;
    private final RedoFiles files;
    private final RedoConfig config;
    private final String jobId;
    private final Consumer<MillraceException> failure;
    private final SinkMetrics metrics;
    private final Thread thread;

    private final Object lock = new Object();
    private final Queue<Segment> waiting = new ArrayDeque<>();
    private RedoMeta wanted;
    private boolean closed;

    /** Meta in the storage, and the names of its files. Belongs to {@link #thread}. */
    private RedoMeta saved;

    private boolean everSaved;
    private final Queue<String> oldMeta = new ArrayDeque<>();
    private long lastMetaNanos;
    private long lastGcNanos;

    private volatile long durableSegment;
    private volatile RedoMeta durable = RedoMeta.NONE;

    /**
     * @param found what the storage says of this job; see {@link RedoLogFolder}
     * @param startTso everything up to here is in the target
     */
    RedoLog(
            ObjectStore store,
            RedoFiles files,
            RedoConfig config,
            String jobId,
            RedoLogFolder found,
            long startTso,
            Consumer<MillraceException> failure,
            SinkMetrics metrics) {
        this.store = store;
        this.files = files;
        this.config = config;
        this.jobId = jobId;
        this.failure = failure;
        this.metrics = metrics;
        this.saved = found.meta();
        this.oldMeta.addAll(found.metaFiles());
        this.wanted = saved.max(new RedoMeta(startTso, startTso, 0));
        this.lastMetaNanos = System.nanoTime() - TimeUnit.DAYS.toNanos(1);
        this.lastGcNanos = System.nanoTime();
        this.thread = Thread.ofVirtual().name("redo-" + jobId).start(this::live);
    }

    /** Whether another segment may be handed over. */
    boolean hasRoom() {
        synchronized (lock) {
            return waiting.size() < MOST_WAITING;
        }
    }

    /** Takes over a segment; only when there {@link #hasRoom}. */
    void write(Segment segment) {
        synchronized (lock) {
            waiting.add(segment);
            lock.notifyAll();
        }
    }

    /** Everything up to the TSO is in the target. */
    void delivered(long tso) {
        synchronized (lock) {
            wanted = wanted.max(new RedoMeta(tso, tso, 0));
            lock.notifyAll();
        }
    }

    /** No change at or below the TSO is missing in the segments that were handed over. */
    void complete(long tso) {
        synchronized (lock) {
            wanted = wanted.max(new RedoMeta(0, tso, 0));
            lock.notifyAll();
        }
    }

    /** The target is about to get a part of this transaction. */
    void opens(long tso) {
        synchronized (lock) {
            wanted = wanted.max(new RedoMeta(0, 0, tso));
            lock.notifyAll();
        }
    }

    /** Number of the last segment that is durable; 0 when there is none. */
    long durableSegment() {
        return durableSegment;
    }

    /** What the meta file in the storage says; nothing before this run's first. */
    RedoMeta durable() {
        return durable;
    }

    private void live() {
        try {
            while (step()) {
                // each step does what is due
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException | MillraceException e) {
            failure.accept(
                    RedoStorage.failure(
                            "cannot write the redo log in "
                                    + store.location()
                                    + "; make it writable",
                            e));
        } catch (RuntimeException | Error e) {
            failure.accept(
                    new MillraceException(ErrorCode.INTERNAL, "the redo log failed: " + e, e));
        } finally {
            store.close();
        }
    }

    private boolean step() throws IOException, InterruptedException {
        Segment segment;
        RedoMeta meta;
        synchronized (lock) {
            long now = System.nanoTime();
            long untilGc = lastGcNanos + GC_INTERVAL_NANOS - now;
            long untilMeta =
                    wanted.equals(saved) && everSaved
                            ? Long.MAX_VALUE
                            : lastMetaNanos + config.metaInterval().toNanos() - now;
            long wait = Math.min(untilGc, untilMeta);
            if (waiting.isEmpty() && wait > 0 && !closed) {
                lock.wait(Math.max(1, wait / 1_000_000));
            }
            if (closed) {
                return false;
            }
            segment = waiting.poll();
        }
        if (segment != null) {
            put(segment);
        }
        synchronized (lock) {
            if (segment != null) {
                wanted = wanted.max(new RedoMeta(0, segment.resolvedAfter, 0));
            }
            meta = wanted;
        }
        long now = System.nanoTime();
        if ((!meta.equals(saved) || !everSaved)
                && now - lastMetaNanos >= config.metaInterval().toNanos()) {
            save(meta);
            lastMetaNanos = now;
        }
        if (now - lastGcNanos >= GC_INTERVAL_NANOS) {
            lastGcNanos = now;
            collectGarbage();
        }
        return true;
    }

    private void put(Segment segment) throws IOException {
        long began = System.nanoTime();
        try {
            segment.collect();
            String name = files.log(segment.ddl, segment.maxTso);
            if (config.lz4()) {
                ByteArrayOutputStream frame = new ByteArrayOutputStream(segment.bytes.length() / 2);
                try (LZ4FrameOutputStream lz4 = new LZ4FrameOutputStream(frame)) {
                    lz4.write(segment.bytes.array(), 0, segment.bytes.length());
                }
                store.put(name, frame.toByteArray());
            } else {
                store.put(name, segment.bytes.array(), 0, segment.bytes.length());
            }
        } finally {
            segment.discard();
        }
        long now = System.nanoTime();
        metrics.record(SinkMetric.REDO_FSYNC_DURATION, now - began);
        metrics.record(SinkMetric.REDO_BUSY, now - began);
        metrics.record(SinkMetric.REDO_FLUSH_ALL_DURATION, now - began);
        metrics.record(SinkMetric.REDO_FLUSH_LOG_DURATION, now - segment.beganNanos);
        metrics.record(SinkMetric.REDO_TOTAL_ROWS, segment.rows);
        metrics.record(SinkMetric.REDO_WRITE_BYTES, segment.bytes.length());
        durableSegment = segment.number;
    }

    private void save(RedoMeta meta) throws IOException {
        String name = files.meta();
        store.put(name, meta.encode());
        saved = meta;
        everSaved = true;
        durable = meta;
        while (!oldMeta.isEmpty()) {
            store.delete(oldMeta.peek());
            oldMeta.remove();
        }
        oldMeta.add(name);
    }

    /** What lies wholly below the checkpoint in the storage is not needed to get beyond it. */
    private void collectGarbage() throws IOException {
        for (ObjectStore.Entry entry : store.list("")) {
            RedoFiles.Name name = RedoFiles.parse(entry.name()).orElse(null);
            if (name != null
                    && !name.meta()
                    && name.jobId().equals(jobId)
                    && Long.compareUnsigned(name.maxTso(), saved.checkpointTso()) < 0) {
                store.delete(entry.name());
            }
        }
    }

    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            waiting.forEach(Segment::discard);
            waiting.clear();
            lock.notifyAll();
        }
        try {
            if (!thread.join(java.time.Duration.ofMillis(CLOSE_WAIT_MS))) {
                thread.interrupt();
                LOG.warn("the redo log is still being written job={}", jobId);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
