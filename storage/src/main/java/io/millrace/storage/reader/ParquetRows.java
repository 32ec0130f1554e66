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
 * first, which has no name any more when the first row is read.
 */
final class ParquetRows implements RowSource {
    private final TableSchema schema;
    private final ParquetRowReader rows;

    private ParquetRows(TableSchema schema, ParquetRowReader rows) {
        this.schema = schema;
        this.rows = rows;
    }

    /** Closes the stream. */
    static ParquetRows open(TableSchema schema, InputStream in) throws IOException {
        Path copy = Files.createTempFile("millrace-", ".parquet");
        try (in) {
            Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
            return new ParquetRows(schema, new ParquetRowReader(schema, copy));
        } finally {
            // Whoever has it open goes on reading; nobody finds it after a kill.
            Files.delete(copy);
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
        rows.close();
    }
}
