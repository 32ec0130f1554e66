package io.millrace.storage.reader;

import java.io.IOException;
import java.io.InputStream;
import java.util.Iterator;
import java.util.function.Function;

/** Rows of a text file, each made of what a decoder reads. */
final class TextRows<T> implements RowSource {
    private final InputStream in;
    private final Iterator<T> decoded;
    private final Function<T, StoredRow> row;

    TextRows(InputStream in, Iterator<T> decoded, Function<T, StoredRow> row) {
        this.in = in;
        this.decoded = decoded;
        this.row = row;
    }

    @Override
    public boolean hasNext() {
        return decoded.hasNext();
    }

    @Override
    public StoredRow next() {
        return row.apply(decoded.next());
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
