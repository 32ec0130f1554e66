package io.millrace.bench;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** JVM options that record an AOT cache, and that use it. */
final class AotCache {
    static final long TRAINING_SECONDS = 300;

    private AotCache() {}

    /** The process writes its cache when it ends, which takes some seconds more. */
    static String record(Path cache) {
        return "-XX:AOTCacheOutput=" + cache;
    }

    /** A cache that does not fit is an error, so that nobody measures without it unawares. */
    static List<String> use(Path cache) {
        return List.of("-XX:AOTCache=" + cache, "-XX:AOTMode=on", "-Xlog:aot*=off");
    }

    /** What {@code ./millrace aot} does, on this JVM's class path. */
    static Path ofServer(Path scratch) throws Exception {
        Path cache = scratch.resolve("server.aot");
        File log = Files.createTempFile(scratch, "aot", ".log").toFile();
        Path folder = Files.createTempDirectory(scratch, "aot-run");
        try (ChildProcess child =
                ChildProcess.java(
                        io.millrace.server.AotTraining.class,
                        ServerJvm.options(List.of(record(cache))),
                        List.of(folder.toString()),
                        log,
                        log)) {
            child.await(TRAINING_SECONDS, log);
        }
        if (!Files.exists(cache)) {
            throw new IllegalStateException("no AOT cache was made" + ChildProcess.tail(log));
        }
        return cache;
    }
}
