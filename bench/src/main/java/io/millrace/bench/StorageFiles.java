package io.millrace.bench;

import io.millrace.testkit.servers.Folders;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The folder that a storage sink writes into. */
final class StorageFiles {
    private StorageFiles() {}

    static void reset(Path folder) {
        Folders.delete(folder);
    }

    /** Fails unless the data files have one line per row. */
    static void verify(Bench bench, Path folder) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.walk(folder)) {
            files =
                    all.filter(file ->
                                    file.getFileName().toString().matches("CDC[0-9]+\\.(csv|json)"))
                            .toList();
        }
        long lines = 0;
        for (Path file : files) {
            try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
                for (int b = in.read(); b >= 0; b = in.read()) {
                    lines += b == '\n' ? 1 : 0;
                }
            }
        }
        if (lines != bench.rows()) {
            throw new IllegalStateException(lines + " lines instead of " + bench.rows());
        }
    }
}
