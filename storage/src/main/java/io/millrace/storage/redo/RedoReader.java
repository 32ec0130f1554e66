package io.millrace.storage.redo;

import io.millrace.core.spi.ObjectStore;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.atomic.AtomicInteger;
import net.jpountz.lz4.LZ4FrameInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records of a redo log in the order of the stream, each once: after a restart a job
 * writes again what it had written before. Log files are sorted one by one into files that end in
 * {@code .sort}, then merged; one file at a time is in memory. Belongs to one thread.
 */
final class RedoReader implements AutoCloseable {
    private static final int LZ4_MAGIC = 0x04224D18;

    /**
     * A record.
     *
     * @param key its place
     * @param bytes its MessagePack
     */
    record Entry(RecordDecoder.Key key, byte[] bytes) {}

    private final RecordDecoder decoder = new RecordDecoder();
    private final PriorityQueue<Cursor> cursors =
            new PriorityQueue<>((a, b) -> a.next.compareTo(b.next));
    private final List<Path> files = new ArrayList<>();
    private static final AtomicInteger NUMBERS = new AtomicInteger();
    private RecordDecoder.@Nullable Key last;

    /** One sorted file. */
    private final class Cursor {
        final Path path;
        RecordDecoder.Key next;
        private @Nullable DataInputStream in;

        Cursor(Path path, RecordDecoder.Key first) {
            this.path = path;
            this.next = first;
        }

        /** The record at the cursor, which moves on; false when it was the last. */
        boolean read(List<byte[]> into) throws IOException {
            DataInputStream from = in;
            if (from == null) {
                from = new DataInputStream(new BufferedInputStream(Files.newInputStream(path)));
                in = from;
                from.skipNBytes(Long.BYTES + Integer.BYTES);
            }
            byte[] record = LogFrames.read(from);
            if (record == null) {
                throw new IOException("the file " + path + " changed while it was read");
            }
            into.add(record);
            byte[] head = from.readNBytes(Long.BYTES + Integer.BYTES);
            if (head.length < Long.BYTES + Integer.BYTES) {
                from.close();
                return false;
            }
            ByteBuffer key = ByteBuffer.wrap(head);
            next = new RecordDecoder.Key(key.getLong(), key.getInt());
            return true;
        }

        void close() throws IOException {
            if (in != null) {
                in.close();
            }
        }
    }

    /**
     * Fetches and sorts.
     *
     * @param aboveTso log files that end at or below it are left out
     */
    static RedoReader open(ObjectStore store, RedoLogFolder folder, long aboveTso, Path tmp)
            throws IOException {
        RedoReader reader = new RedoReader();
        try {
            Files.createDirectories(tmp);
            for (RedoLogFolder.LogFile log : folder.logs()) {
                if (Long.compareUnsigned(log.name().maxTso(), aboveTso) > 0) {
                    reader.add(store, log.file(), tmp);
                }
            }
            return reader;
        } catch (IOException | RuntimeException e) {
            reader.close();
            throw e;
        }
    }

    private record Located(RecordDecoder.Key key, int number, byte[] bytes) {}

    private void add(ObjectStore store, String name, Path tmp) throws IOException {
        byte[] content;
        try {
            content = store.get(name);
        } catch (FileNotFoundException e) {
            throw new IOException(
                    "the redo log changes while it is read ("
                            + name
                            + " is gone): stop the changefeed that writes it first",
                    e);
        }
        List<Located> records = new ArrayList<>();
        try (InputStream in = plain(content)) {
            for (byte[] record = LogFrames.read(in); record != null; record = LogFrames.read(in)) {
                records.add(new Located(decoder.key(record), records.size(), record));
            }
        } catch (IOException e) {
            throw new IOException(name + ": " + e.getMessage(), e);
        }
        if (records.isEmpty()) {
            return;
        }
        records.sort((a, b) -> {
            int byKey = a.key.compareTo(b.key);
            return byKey != 0 ? byKey : Integer.compare(a.number, b.number);
        });
        Path sorted = tmp.resolve("redo-" + NUMBERS.incrementAndGet() + ".sort");
        files.add(sorted);
        io.millrace.core.bytes.ByteSink frame = new io.millrace.core.bytes.ByteSink(1 << 12);
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(sorted))) {
            ByteBuffer head = ByteBuffer.allocate(Long.BYTES + Integer.BYTES);
            for (Located record : records) {
                head.clear();
                head.putLong(record.key.tso()).putInt(record.key.event());
                out.write(head.array());
                frame.clear();
                int at = LogFrames.open(frame);
                frame.put(record.bytes);
                LogFrames.close(frame, at);
                out.write(frame.array(), 0, frame.length());
            }
        }
        cursors.add(new Cursor(sorted, records.getFirst().key));
    }

    private static InputStream plain(byte[] content) throws IOException {
        InputStream in = new ByteArrayInputStream(content);
        boolean lz4 = content.length >= 4 && ByteBuffer.wrap(content).getInt() == LZ4_MAGIC;
        return lz4 ? new LZ4FrameInputStream(in) : in;
    }

    /** Place of the next record, or null at the end. */
    RecordDecoder.@Nullable Key peek() throws IOException {
        while (true) {
            Cursor first = cursors.peek();
            if (first == null) {
                return null;
            }
            if (last == null || first.next.compareTo(last) > 0) {
                return first.next;
            }
            take();
        }
    }

    /** The next record, or null at the end. */
    @Nullable Entry next() throws IOException {
        RecordDecoder.Key key = peek();
        if (key == null) {
            return null;
        }
        last = key;
        return new Entry(key, take());
    }

    private byte[] take() throws IOException {
        Cursor first = cursors.poll();
        if (first == null) {
            throw new IllegalStateException("no more records");
        }
        List<byte[]> record = new ArrayList<>(1);
        if (first.read(record)) {
            cursors.add(first);
        }
        return record.getFirst();
    }

    /** Records put aside, to be read again from the last to the first. */
    static final class Backwards implements AutoCloseable {
        private final Path path;
        private final RandomAccessFile file;
        private final List<Long> offsets = new ArrayList<>();

        Backwards(Path tmp) throws IOException {
            Files.createDirectories(tmp);
            path = tmp.resolve("redo-" + NUMBERS.incrementAndGet() + ".sort");
            file = new RandomAccessFile(path.toFile(), "rw");
        }

        void add(byte[] record) throws IOException {
            offsets.add(file.getFilePointer());
            file.writeInt(record.length);
            file.write(record);
        }

        int left() {
            return offsets.size();
        }

        byte[] last() throws IOException {
            file.seek(offsets.removeLast());
            byte[] record = new byte[file.readInt()];
            file.readFully(record);
            return record;
        }

        @Override
        public void close() throws IOException {
            file.close();
            Files.deleteIfExists(path);
        }
    }

    @Override
    public void close() throws IOException {
        for (Cursor cursor : cursors) {
            cursor.close();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }
}
