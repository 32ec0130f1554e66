package io.millrace.bench;

import io.millrace.storage.reader.StorageReader;
import io.millrace.storage.reader.StoredRows;
import io.millrace.storage.reader.StoredTable;
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

    /** Fails unless the data files have each row once. */
    static void verify(Bench bench, Path folder) throws IOException {
        long rows = lines(folder) + parquetRows(folder);
        if (rows != bench.rows()) {
            throw new IllegalStateException(rows + " rows instead of " + bench.rows());
        }
    }

    private static long parquetRows(Path folder) throws IOException {
        long rows = 0;
        try (StorageReader reader = StorageReader.open("file://" + folder)) {
            for (StoredTable table : reader.tables()) {
                for (String file : table.files()) {
                    if (file.endsWith(".parquet")) {
                        try (StoredRows stored = reader.rows(table, file)) {
                            for (; stored.hasNext(); stored.next()) {
                                rows++;
                            }
                        }
                    }
                }
            }
        }
        return rows;
    }

    private static long lines(Path folder) throws IOException {
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
        return lines;
    }
}
