package io.millrace.storage.reader;

import io.millrace.core.model.TableSchema;
import io.millrace.storage.parquet.ParquetRowReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Rows of a Parquet file. Such a file is read from its end, so it is copied to a temporary file
 * first, which is deleted when it was read.
 */
final class ParquetRows implements RowSource {
    private final TableSchema schema;
    private final Path copy;
    private final ParquetRowReader rows;

    private ParquetRows(TableSchema schema, Path copy, ParquetRowReader rows) {
        this.schema = schema;
        this.copy = copy;
        this.rows = rows;
    }

    /** Closes the stream. */
    static ParquetRows open(TableSchema schema, InputStream in) throws IOException {
        Path copy = Files.createTempFile("millrace-", ".parquet");
        boolean opened = false;
        try (in) {
            Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
            ParquetRowReader rows = new ParquetRowReader(schema, copy);
            opened = true;
            return new ParquetRows(schema, copy, rows);
        } finally {
            if (!opened) {
                Files.delete(copy);
            }
        }
    }

    @Override
    public boolean hasNext() {
        return rows.hasNext();
    }

    @Override
    public StoredRow next() {
        ParquetRowReader.Row row = rows.next();
        return new StoredRow(schema.name(), row.op(), row.commitTso(), row.before(), row.after());
    }

    @Override
    public void close() throws IOException {
        try {
            rows.close();
        } finally {
            Files.delete(copy);
        }
    }
}
