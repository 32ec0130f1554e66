package io.millrace.storage.store;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A folder. A file is written beside its place under a name that begins with a dot, forced to disk,
 * renamed, and then its folder is forced to disk. Folders are made on demand.
 */
final class LocalStore implements ObjectStore {
    private static final String DRAFT_START = ".";
    private static final String DRAFT_END = ".draft";
    private static final int WRITE_BYTES = 1 << 20;

    private final Path root;

    LocalStore(Path root) {
        this.root = root.normalize();
    }

    private Path path(String name) {
        Path path = root.resolve(Names.checked(name)).normalize();
        if (!path.startsWith(root)) {
            throw new IllegalArgumentException("not a name below the root: '" + name + "'");
        }
        return path;
    }

    @Override
    public void put(String name, byte[] content, int offset, int length) {
        Path target = path(name);
        Path folder = parent(target);
        Path draft =
                folder.resolve(
                        DRAFT_START
                                + target.getFileName()
                                + "."
                                + Long.toHexString(ThreadLocalRandom.current().nextLong())
                                + DRAFT_END);
        try {
            makeFolders(folder);
            try (FileChannel channel =
                    FileChannel.open(
                            draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(content, offset, length);
                int end = bytes.limit();
                while (bytes.position() < end) {
                    // The JDK copies what is written at once to memory of its own, and keeps that.
                    bytes.limit(Math.min(end, bytes.position() + WRITE_BYTES));
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(
                    draft,
                    target,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            force(folder);
        } catch (IOException e) {
            try {
                Files.deleteIfExists(draft);
            } catch (IOException leftBehind) {
                e.addSuppressed(leftBehind);
            }
            throw failure("write", name, e);
        }
    }

    private static Path parent(Path path) {
        Path parent = path.getParent();
        return parent == null ? path : parent;
    }

    /** Makes missing folders, and forces each one's entry in the folder above to disk. */
    private static void makeFolders(Path folder) throws IOException {
        Deque<Path> missing = new ArrayDeque<>();
        Path at = folder;
        while (at != null && !Files.isDirectory(at)) {
            missing.push(at);
            at = at.getParent();
        }
        if (missing.isEmpty()) {
            return;
        }
        Files.createDirectories(folder);
        for (Path made : missing) {
            force(parent(made));
        }
    }

    private static void force(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public byte[] get(String name) throws FileNotFoundException {
        try {
            return Files.readAllBytes(path(name));
        } catch (NoSuchFileException e) {
            throw missing(name, e);
        } catch (IOException e) {
            throw failure("read", name, e);
        }
    }

    @Override
    public InputStream open(String name) throws FileNotFoundException {
        try {
            return Files.newInputStream(path(name));
        } catch (NoSuchFileException e) {
            throw missing(name, e);
        } catch (IOException e) {
            throw failure("read", name, e);
        }
    }

    private FileNotFoundException missing(String name, NoSuchFileException cause) {
        FileNotFoundException missing =
                new FileNotFoundException("no file " + name + " in " + location());
        missing.initCause(cause);
        return missing;
    }

    @Override
    public boolean exists(String name) {
        return Files.isRegularFile(path(name));
    }

    @Override
    public void delete(String name) {
        try {
            Files.deleteIfExists(path(name));
        } catch (IOException e) {
            throw failure("delete", name, e);
        }
    }

    @Override
    public List<Entry> list(String prefix) {
        int slash = prefix.lastIndexOf('/');
        Path start = slash < 0 ? root : path(prefix.substring(0, slash));
        if (!Files.isDirectory(start)) {
            return List.of();
        }
        List<Entry> found = new ArrayList<>();
        try {
            Files.walkFileTree(
                    start,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes facts) {
                            String name = root.relativize(file).toString().replace('\\', '/');
                            if (facts.isRegularFile()
                                    && name.startsWith(prefix)
                                    && !isDraft(file.getFileName().toString())) {
                                found.add(
                                        new Entry(
                                                name,
                                                facts.size(),
                                                facts.lastModifiedTime().toMillis()));
                            }
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult visitFileFailed(Path file, IOException e)
                                throws IOException {
                            if (e instanceof NoSuchFileException) {
                                return FileVisitResult.CONTINUE; // deleted or renamed meanwhile
                            }
                            throw e;
                        }
                    });
        } catch (IOException e) {
            throw failure("list", prefix, e);
        }
        found.sort(Comparator.comparing(Entry::name, Names.BYTES));
        return found;
    }

    private static boolean isDraft(String fileName) {
        return fileName.startsWith(DRAFT_START) && fileName.endsWith(DRAFT_END);
    }

    @Override
    public String location() {
        return "file://" + root;
    }

    private MillraceException failure(String what, String name, IOException e) {
        String message = "cannot " + what + " " + name + " in " + location() + ": " + e;
        if (e instanceof AccessDeniedException) {
            return new MillraceException(
                    ErrorCode.SINK_ACCESS_DENIED,
                    message + "; give the server's user the right to write there",
                    e);
        }
        // A full disk or a mount that is away may pass.
        return new MillraceException(ErrorCode.SINK_TRANSIENT, message, e);
    }
}
