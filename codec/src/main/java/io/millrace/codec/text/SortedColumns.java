package io.millrace.codec.text;

import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;

/** The column order of formats whose reference writes rows from a sorted map. */
public final class SortedColumns {
    private SortedColumns() {}

    /** The ordinals of {@link Cells#written}, by the bytes of the columns' names. */
    public static int[] written(TableSchema schema, boolean onlyHandleKey) {
        return Arrays.stream(Cells.written(schema, onlyHandleKey))
                .boxed()
                .sorted(
                        Comparator.comparing(
                                ordinal ->
                                        schema.column(ordinal)
                                                .name()
                                                .getBytes(StandardCharsets.UTF_8),
                                Arrays::compareUnsigned))
                .mapToInt(Integer::intValue)
                .toArray();
    }
}
