package io.millrace.codec.simple;

import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableSchema;

/** Which columns the images of a table's rows have, whole and shortened. Immutable. */
final class TableColumns {
    private final RowColumns all;
    private final RowColumns keys;
    private final RowColumns deleted;

    /**
     * @param deleteOnlyHandleKeys a deleted row has its handle key only, if there is one
     */
    TableColumns(TableSchema schema, boolean deleteOnlyHandleKeys) {
        all = new RowColumns(schema, false);
        keys = new RowColumns(schema, true);
        deleted = deleteOnlyHandleKeys && schema.hasHandleKey() ? keys : all;
    }

    /** Those of {@code data}. */
    RowColumns data(boolean shortened) {
        return shortened ? keys : all;
    }

    /** Those of {@code old}. */
    RowColumns old(boolean shortened, int op) {
        return shortened ? keys : op == RowBatch.DELETE ? deleted : all;
    }
}
