package io.millrace.storage.reader;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.util.Iterator;
import java.util.function.Supplier;

/**
 * The rows of one data file, in order. The file is read, and a row decoded, when the iterator comes
 * to it; what is wrong with it is thrown then, as a USER error that names the file.
 */
public final class StoredRows implements Iterator<StoredRow>, AutoCloseable {
    private final String file;
    private final RowSource rows;

    StoredRows(String file, RowSource rows) {
        this.file = file;
        this.rows = rows;
    }

    @Override
    public boolean hasNext() {
        return named(rows::hasNext);
    }

    @Override
    public StoredRow next() {
        return named(rows::next);
    }

    private <T> T named(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            // Libraries have exceptions of their own for broken files.
            throw unreadable(file, e);
        }
    }

    static MillraceException unreadable(String file, Exception e) {
        return new MillraceException(
                ErrorCode.INVALID_PARAMETER,
                "file " + file + " cannot be read with these options: " + e.getMessage(),
                e);
    }

    @Override
    public void close() throws IOException {
        rows.close();
    }
}
