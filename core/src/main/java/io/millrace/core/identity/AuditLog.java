package io.millrace.core.identity;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One of the files of an {@link AuditTrail}: one JSON object a line in, say, {@code audit.log},
 * only readable by its owner. A file that is full becomes {@code audit.log.1}, that one {@code
 * audit.log.2} and so on; the oldest goes. A line that cannot be written is told in the server's
 * log and does not stop the request: nothing could be done on a server with a full disk otherwise.
 * Callable from any thread.
 */
final class AuditLog implements AutoCloseable {
    /** Bytes of one file. */
    static final long MAX_FILE_BYTES = 4L << 20;

    /** Files, the one being written included. */
    static final int FILES = 5;

    private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);

    /**
     * Some lines, newest first.
     *
     * @param lines JSON texts
     * @param total lines that there are
     */
    record Lines(List<String> lines, long total) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Path folder;
    private final String name;
    private final long maxFileBytes;
    private FileChannel channel;
    private boolean closed;

    private AuditLog(Path folder, String name, long maxFileBytes) throws IOException {
        this.folder = folder;
        this.name = name;
        this.maxFileBytes = maxFileBytes;
        this.channel = openFile();
    }

    /**
     * Opens or makes the log of a data directory.
     *
     * @throws MillraceException INVALID_CONFIG when it cannot be written
     */
    static AuditLog open(Path folder, String name) {
        return open(folder, name, MAX_FILE_BYTES);
    }

    static AuditLog open(Path folder, String name, long maxFileBytes) {
        try {
            Files.createDirectories(folder);
            return new AuditLog(folder, name, maxFileBytes);
        } catch (IOException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "cannot write the audit log "
                            + folder.resolve(name)
                            + " ("
                            + e
                            + "); check the directory's rights and free space",
                    e);
        }
    }

    private FileChannel openFile() throws IOException {
        Set<StandardOpenOption> options =
                EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        Path file = file(0);
        boolean posix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
        Set<PosixFilePermission> owner = PosixFilePermissions.fromString("rw-------");
        FileAttribute<?>[] rights =
                posix
                        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(owner)}
                        : new FileAttribute<?>[0];
        FileChannel opened = FileChannel.open(file, options, rights);
        if (posix) {
            Files.setPosixFilePermissions(file, owner);
        }
        if (!endsWithLine(file)) {
            // A full disk or the end of the process cut it off: only that line is lost.
            opened.write(ByteBuffer.wrap(new byte[] {'\n'}));
        }
        return opened;
    }

    private static boolean endsWithLine(Path file) throws IOException {
        try (FileChannel written = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer last = ByteBuffer.allocate(1);
            return written.size() == 0
                    || written.read(last, written.size() - 1) == 1 && last.get(0) == '\n';
        }
    }

    private Path file(int age) {
        return folder.resolve(age == 0 ? name : name + "." + age);
    }

    /**
     * Appends a line.
     *
     * @param fields values are a text, a number, or a map of texts
     */
    void add(Map<String, Object> fields) {
        byte[] line = (json(fields) + "\n").getBytes(StandardCharsets.UTF_8);
        lock.lock();
        try {
            if (!channel.isOpen() && !closed) {
                // A rotation failed, or a thread was interrupted that wrote.
                channel = openFile();
            }
            if (channel.size() > 0 && channel.size() + line.length > maxFileBytes) {
                rotate();
            }
            ByteBuffer bytes = ByteBuffer.wrap(line);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            LOG.error("cannot write the audit log file={}", file(0), e);
            // The next line begins with a look at how this one ended.
            closeChannel();
        } finally {
            lock.unlock();
        }
    }

    private void rotate() throws IOException {
        channel.close();
        for (int age = FILES - 2; age >= 0; age--) {
            if (Files.exists(file(age))) {
                Files.move(file(age), file(age + 1), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        channel = openFile();
    }

    /** Lines from the newest on, without the first {@code skip}. */
    Lines newest(long skip, int limit) {
        lock.lock();
        try {
            List<String> page = new ArrayList<>();
            long total = 0;
            for (int age = 0; age < FILES; age++) {
                if (!Files.exists(file(age))) {
                    continue;
                }
                List<String> lines = Files.readAllLines(file(age), StandardCharsets.UTF_8);
                for (int i = lines.size() - 1; i >= 0; i--) {
                    if (total >= skip && page.size() < limit) {
                        page.add(lines.get(i));
                    }
                    total++;
                }
            }
            return new Lines(page, total);
        } catch (IOException e) {
            throw new MillraceException(
                    ErrorCode.INTERNAL, "cannot read the audit log " + file(0) + ": " + e, e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            closeChannel();
        } finally {
            lock.unlock();
        }
    }

    private void closeChannel() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.warn("cannot close the audit log file={}", file(0), e);
        }
    }

    private static String json(Map<?, ?> fields) {
        StringBuilder out = new StringBuilder("{");
        fields.forEach((name, value) -> {
            if (out.length() > 1) {
                out.append(',');
            }
            quote(name.toString(), out);
            out.append(':');
            switch (value) {
                case Map<?, ?> inner -> out.append(json(inner));
                case Number number -> out.append(number);
                default -> quote(value.toString(), out);
            }
        });
        return out.append('}').toString();
    }

    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ' || c > '~') {
                // No character of a client can end the line, or turn a terminal upside down.
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
