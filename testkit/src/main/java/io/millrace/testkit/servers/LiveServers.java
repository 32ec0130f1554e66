package io.millrace.testkit.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The servers of this JVM, so that none outlives it.
 *
 * <p>A shutdown hook kills them when the JVM ends; the parent-death signal (see {@link RunAs})
 * covers {@code kill -9}; and a note per server in the cache folder lets the next JVM clean up
 * where neither worked, folders included.
 */
final class LiveServers {
    private static final Logger LOG = LoggerFactory.getLogger(LiveServers.class);

    /** Base folder to process; the folder alone while no process runs. */
    private static final Map<Path, Optional<ProcessHandle>> LIVE = new ConcurrentHashMap<>();

    private static final AtomicBoolean SWEPT = new AtomicBoolean();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(LiveServers::endAll, "testkit-shutdown"));
    }

    private LiveServers() {}

    static void add(Path base) {
        LIVE.put(base, Optional.empty());
        note(base, "-");
    }

    static void running(Path base, Process process) {
        LIVE.put(base, Optional.of(process.toHandle()));
        note(base, Long.toString(process.pid()));
    }

    static void remove(Path base) {
        LIVE.remove(base);
        try {
            Files.deleteIfExists(noteOf(base));
        } catch (IOException e) {
            LOG.warn("cannot delete note={} cause={}", noteOf(base), e.getMessage());
        }
    }

    /** Kills servers and deletes folders whose JVM is gone; once per JVM. */
    static void sweepLeftovers() {
        if (!SWEPT.compareAndSet(false, true)) {
            return;
        }
        // Names that start with a dot are drafts of notes that another JVM is writing just now.
        try (DirectoryStream<Path> notes = Files.newDirectoryStream(notes(), "[!.]*")) {
            for (Path note : notes) {
                try {
                    sweep(note);
                } catch (NoSuchFileException e) {
                    LOG.debug("another JVM was faster note={}", note);
                } catch (IOException | UncheckedIOException e) {
                    LOG.warn(
                            "cannot clean up after a dead test run note={} cause={}",
                            note,
                            e.getMessage());
                }
            }
        } catch (IOException e) {
            LOG.warn("cannot look for servers of dead test runs cause={}", e.getMessage());
        }
    }

    private static void sweep(Path note) throws IOException {
        String[] fields = Files.readString(note).strip().split("\t", -1);
        if (fields.length != 4) {
            return; // being written by another JVM
        }
        boolean owned =
                ProcessHandle.of(Long.parseLong(fields[0]))
                        .filter(jvm -> startOf(jvm).equals(fields[1]) && !isZombie(jvm))
                        .isPresent();
        if (owned) {
            return;
        }
        Path base = Path.of(fields[3]);
        if (!fields[2].equals("-")) {
            // A process id alone may belong to somebody else by now.
            ProcessHandle.of(Long.parseLong(fields[2]))
                    .filter(process ->
                            process.info()
                                    .commandLine()
                                    .filter(line -> line.contains(base.toString()))
                                    .isPresent())
                    .ifPresent(ProcessHandle::destroyForcibly);
        }
        LOG.info("removing what a dead test run left behind folder={}", base);
        Folders.delete(base);
        Files.deleteIfExists(note);
    }

    /**
     * Dead, but its parent hasn't asked for the exit code yet; Java takes such a process for alive.
     */
    private static boolean isZombie(ProcessHandle process) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(process.pid()), "stat"));
            return stat.startsWith(" Z", stat.lastIndexOf(')') + 1);
        } catch (IOException e) {
            return false; // not Linux, or gone this moment
        }
    }

    private static void endAll() {
        LIVE.forEach((base, process) -> {
            process.ifPresent(ProcessHandle::destroyForcibly);
            if (!Boolean.getBoolean("millrace.testkit.keep")) {
                try {
                    Folders.delete(base);
                } catch (RuntimeException e) {
                    continueWithTheNext(base, e);
                    return;
                }
            }
            remove(base);
        });
    }

    /**
     * The process may still be writing while it dies; the note stays, and the next JVM finishes the
     * job.
     */
    private static void continueWithTheNext(Path base, RuntimeException e) {
        System.err.println(
                "left for the next run to delete: " + base + " (" + e.getMessage() + ")");
    }

    private static void note(Path base, String pid) {
        ProcessHandle self = ProcessHandle.current();
        Path note = noteOf(base);
        Path draft = note.resolveSibling("." + note.getFileName());
        try {
            Files.writeString(
                    draft, self.pid() + "\t" + startOf(self) + "\t" + pid + "\t" + base + "\n");
            Files.move(draft, note, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new TestServerException("cannot write " + note, e);
        }
    }

    private static String startOf(ProcessHandle process) {
        return process.info().startInstant().map(Object::toString).orElse("?");
    }

    private static Path noteOf(Path base) {
        return notes().resolve(base.getFileName().toString());
    }

    private static Path notes() {
        Path folder = Cache.root().resolve("running");
        try {
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw new TestServerException("cannot create " + folder, e);
        }
    }
}
