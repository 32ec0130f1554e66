package io.millrace.mysql.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.WireRowBatch;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How rows of one table version become SQL for one target table: everything that does not change
 * from row to row. Immutable, except the scratch buffers of {@link Writer}, one per thread.
 */
final class TablePlan {
    /** All columns that the target takes are present. */
    static final long ALL_PRESENT = -1;

    /** Some are not, and which ones does not fit a mask: the row stands alone in its statement. */
    static final long ALONE = 0;

    private static final int LONG = 0;
    private static final int UNSIGNED = 1;
    private static final int FLOATING = 2;
    private static final int BARE = 3;
    private static final int QUOTED = 4;
    private static final int TEXT = 5;
    private static final int BYTES = 6;
    private static final int HEX = 7;
    private static final int ENUM = 8;
    private static final int SET = 9;

    private static final int MASK_COLUMNS = 62;

    /** The same array for every row, so that it can be told by identity. */
    @SuppressWarnings("ArrayRecordComponent")
    private record WireHead(byte[] bytes) {}

    private final TableSchema schema;
    private final TargetTable target;
    private final boolean mariaDb;
    private final RowKeys keys;
    private final byte[] table;
    private final byte[][] names;
    private final int[] codes;
    private final boolean[] written;
    private final byte[][][] elements;
    private final int[] handle;
    private final boolean upsertable;
    private final boolean replaces;
    private final Map<Long, byte[]> insertHeads = new HashMap<>();
    private final Map<Long, byte[]> replaceHeads = new HashMap<>();
    private final boolean sameDefinition;
    private volatile boolean rowEventsRefused;
    private @Nullable TableMap wireMap;
    private final @Nullable WireHead[] wireHeads = new @Nullable WireHead[3];
    private final byte[] deleteHead;
    private final byte[] updateHead;

    TablePlan(TableSchema schema, TargetTable target, boolean mariaDb) {
        this.schema = schema;
        this.target = target;
        this.mariaDb = mariaDb;
        keys = new RowKeys(schema, target);
        String name = SqlText.quoted(schema.name());
        table = utf8(name);
        int columns = schema.columns().size();
        names = new byte[columns][];
        codes = new int[columns];
        written = new boolean[columns];
        elements = new byte[columns][][];
        for (int i = 0; i < columns; i++) {
            Column column = schema.column(i);
            TargetTable.TargetColumn there = target.column(column.name());
            names[i] = utf8(SqlText.quoted(column.name()));
            codes[i] = code(column);
            elements[i] = column.elements().stream().map(TablePlan::utf8).toArray(byte[][]::new);
            if (there == null) {
                if (column.generated() == Column.Generated.NONE) {
                    throw new MillraceException(
                            ErrorCode.SINK_DATA,
                            "the target's table "
                                    + schema.name()
                                    + " has no column '"
                                    + column.name()
                                    + "', which the upstream's has; add it, or leave the table out"
                                    + " by a filter rule");
                }
                continue;
            }
            written[i] = !there.generated();
        }
        handle = schema.handleKey();
        List<String> handleNames = new ArrayList<>();
        for (int ordinal : handle) {
            handleNames.add(schema.column(ordinal).name());
        }
        upsertable = handle.length > 0 && target.hasUniqueKeyOn(handleNames);
        // The only keys of MariaDB with parts that are no columns are those of periods.
        replaces =
                !mariaDb || target.uniqueKeys().stream().noneMatch(k -> k.parts().contains(null));
        sameDefinition = upsertable && target.plain() && sameDefinition(schema, target);
        deleteHead = utf8("DELETE FROM " + name + " WHERE ");
        updateHead = utf8("UPDATE " + name + " SET ");
    }

    /** Whether a row's bytes mean the same in both tables. */
    private static boolean sameDefinition(TableSchema schema, TargetTable target) {
        if (schema.columns().size() != target.columns().size()) {
            return false;
        }
        int ordinal = 0;
        for (TargetTable.TargetColumn there : target.columns().values()) {
            Column here = schema.column(ordinal++);
            if (!here.name().equalsIgnoreCase(there.name())
                    || here.generated() != Column.Generated.NONE
                    || there.generated()
                    || !type(here.typeText()).equals(type(there.columnType()))
                    || (!there.charset().isEmpty()
                            && !charset(here.charset()).equals(charset(there.charset())))) {
                return false;
            }
        }
        return true;
    }

    /** Display widths of integers come and go between versions and mean nothing. */
    private static String type(String text) {
        return text.toLowerCase(Locale.ROOT).replaceAll("int\\(\\d+\\)", "int");
    }

    private static String charset(String name) {
        return name.equals("utf8") ? "utf8mb3" : name;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static int code(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT, YEAR ->
                    column.unsigned() ? UNSIGNED : LONG;
            case BIT -> UNSIGNED;
            case ENUM -> column.elements().isEmpty() ? LONG : ENUM;
            case SET -> column.elements().isEmpty() ? UNSIGNED : SET;
            case FLOAT, DOUBLE -> FLOATING;
            case DECIMAL -> BARE;
            case DATE, TIME, DATETIME, TIMESTAMP, UUID, INET4, INET6 -> QUOTED;
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT, JSON -> TEXT;
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB -> BYTES;
            case GEOMETRY, VECTOR -> HEX;
        };
    }

    TableSchema schema() {
        return schema;
    }

    RowKeys keys() {
        return keys;
    }

    /**
     * What goes before the batch's rows to make them a rows event for the target's table; null when
     * the rows have to go as SQL.
     */
    synchronized byte @Nullable [] wireHead(WireRowBatch batch) {
        if (!sameDefinition || rowEventsRefused || !batch.isVerbatim()) {
            return null;
        }
        TableMap map = batch.wireMap();
        if (map.mariaDb() != mariaDb) {
            return null;
        }
        TableMap last = wireMap;
        if (last == null || (last != map && !last.sameLayout(map))) {
            wireMap = map;
            java.util.Arrays.fill(wireHeads, null);
        }
        int kind =
                switch (batch.op()) {
                    case RowBatch.INSERT -> RowEvents.INSERT;
                    case RowBatch.UPDATE -> RowEvents.UPDATE;
                    default -> RowEvents.DELETE;
                };
        WireHead head = wireHeads[kind];
        if (head == null) {
            head = new WireHead(RowEvents.head(map, schema.name(), kind));
            wireHeads[kind] = head;
        }
        return head.bytes;
    }

    /** The target does not take rows events for this table: from now on only SQL. */
    void refuseRowEvents() {
        rowEventsRefused = true;
    }

    /** The target's table, quoted. */
    byte[] table() {
        return table;
    }

    /** Whether rows can be told apart by key. */
    boolean hasHandle() {
        return handle.length > 0;
    }

    /**
     * Whether the target has the handle key as a unique key of its own, so that a row replaces the
     * one of the same key.
     */
    boolean upsertable() {
        return upsertable;
    }

    /** Whether the target takes REPLACE for the table; MariaDB does not beside WITHOUT OVERLAPS. */
    boolean replaces() {
        return replaces;
    }

    /**
     * Which columns the image holds, of those that are written: {@link #ALL_PRESENT}, a mask, or
     * {@link #ALONE}.
     */
    long presence(RowView row, int image) {
        long mask = 0;
        boolean all = true;
        for (int i = 0; i < written.length; i++) {
            if (written[i]) {
                if (!row.isPresent(image, i)) {
                    all = false;
                } else if (i < MASK_COLUMNS) {
                    mask |= 1L << i;
                }
            }
        }
        return all ? ALL_PRESENT : written.length > MASK_COLUMNS ? ALONE : mask | 1L << 62;
    }

    /** Whether the update left the handle key as it was. */
    boolean sameHandle(RowView row) {
        for (int ordinal : handle) {
            if (row.isPresent(RowView.AFTER, ordinal) && !row.isUnchanged(ordinal)) {
                return false;
            }
        }
        return true;
    }

    /** Whether the image holds the whole handle key. */
    boolean holdsHandle(RowView row, int image) {
        for (int ordinal : handle) {
            if (!row.isPresent(image, ordinal)) {
                return false;
            }
        }
        return true;
    }

    /** Whether an ENUM of the image holds the error value, which only a lenient session takes. */
    boolean needsLenience(RowView row, int image) {
        for (int i = 0; i < codes.length; i++) {
            if (codes[i] == ENUM
                    && written[i]
                    && row.isPresent(image, i)
                    && !row.isNull(image, i)
                    && row.longValue(image, i) == 0) {
                return true;
            }
        }
        return false;
    }

    /** For messages: the handle key's columns and values, cut to a readable length. */
    String describeKey(RowView row, int op) {
        int image = op == RowBatch.INSERT ? RowView.AFTER : RowView.BEFORE;
        int[] shown = handle;
        if (shown.length == 0) {
            shown = new int[Math.min(4, codes.length)];
            for (int i = 0; i < shown.length; i++) {
                shown[i] = i;
            }
        }
        ByteSink out = new ByteSink(64);
        ByteSink scratch = new ByteSink(64);
        StringBuilder text = new StringBuilder();
        for (int ordinal : shown) {
            if (!row.isPresent(image, ordinal)) {
                continue;
            }
            out.clear();
            putValue(row, image, ordinal, out, scratch);
            String value = out.toString();
            text.append(text.isEmpty() ? "" : ", ").append(schema.column(ordinal).name());
            text.append('=').append(value.length() > 80 ? value.substring(0, 80) + "…" : value);
        }
        return text.toString();
    }

    /** {@code INSERT INTO t (…) VALUES } or the same with REPLACE. */
    byte[] valuesHead(RowView row, boolean replace, long presence) {
        return valuesHead(row, RowView.AFTER, replace, presence);
    }

    private byte[] valuesHead(RowView row, int image, boolean replace, long presence) {
        Map<Long, byte[]> heads = replace ? replaceHeads : insertHeads;
        synchronized (heads) {
            byte[] head = presence == ALONE ? null : heads.get(presence);
            if (head == null) {
                ByteSink out = new ByteSink(256);
                out.putUtf8(replace ? "REPLACE INTO " : "INSERT INTO ");
                out.put(table);
                out.putUtf8(" (");
                boolean first = true;
                for (int i = 0; i < written.length; i++) {
                    if (written[i] && row.isPresent(image, i)) {
                        if (!first) {
                            out.put(',');
                        }
                        first = false;
                        out.put(names[i]);
                    }
                }
                out.putUtf8(") VALUES ");
                head = out.toByteArray();
                if (presence != ALONE && heads.size() < 64) {
                    heads.put(presence, head);
                }
            }
            return head;
        }
    }

    /** {@code (v1,v2,…)} of the after image. */
    void putValues(RowView row, ByteSink out, ByteSink scratch) {
        putValues(row, RowView.AFTER, out, scratch);
    }

    /** A statement behind others that writes an image with all columns. */
    void putReplace(RowView row, int image, ByteSink out, ByteSink scratch) {
        out.put(';');
        out.put(valuesHead(row, image, true, ALL_PRESENT));
        putValues(row, image, out, scratch);
    }

    private void putValues(RowView row, int image, ByteSink out, ByteSink scratch) {
        out.put('(');
        boolean first = true;
        for (int i = 0; i < written.length; i++) {
            if (written[i] && row.isPresent(image, i)) {
                if (!first) {
                    out.put(',');
                }
                first = false;
                putValue(row, image, i, out, scratch);
            }
        }
        out.put(')');
    }

    byte[] deleteHead() {
        return deleteHead;
    }

    /** Column of a one-column handle key, for {@code IN} lists; null otherwise. */
    byte @Nullable [] singleHandle() {
        return handle.length == 1 && !isApproximate(handle[0]) ? names[handle[0]] : null;
    }

    private boolean isApproximate(int column) {
        return schema.column(column).kind() == ColumnKind.FLOAT;
    }

    /** The value of a one-column handle key. */
    void putSingleHandle(RowView row, int image, ByteSink out, ByteSink scratch) {
        putValue(row, image, handle[0], out, scratch);
    }

    /**
     * The handle key's columns as a condition; all columns, and always the old ones, when there is
     * no handle key.
     */
    void putCondition(RowView row, int image, ByteSink out, ByteSink scratch) {
        boolean first = true;
        if (handle.length > 0) {
            for (int ordinal : handle) {
                if (!first) {
                    out.putUtf8(" AND ");
                }
                first = false;
                out.put(names[ordinal]);
                out.put('=');
                putValue(row, image, ordinal, out, scratch);
            }
            return;
        }
        for (int i = 0; i < names.length; i++) {
            if (target.column(schema.column(i).name()) == null
                    || !row.isPresent(RowView.BEFORE, i)) {
                continue;
            }
            if (!first) {
                out.putUtf8(" AND ");
            }
            first = false;
            putExactMatch(row, i, out, scratch);
        }
        if (first) {
            throw new MillraceException(
                    ErrorCode.SINK_DATA,
                    "table " + schema.name() + " has no key and the row image holds no column");
        }
    }

    /** A comparison that is true for this very value only, whatever the column's collation. */
    private void putExactMatch(RowView row, int i, ByteSink out, ByteSink scratch) {
        if (row.isNull(RowView.BEFORE, i)) {
            out.put(names[i]);
            out.putUtf8(" IS NULL");
            return;
        }
        ColumnKind kind = schema.column(i).kind();
        if (kind == ColumnKind.JSON) {
            TargetTable.TargetColumn there = target.column(schema.column(i).name());
            boolean nativeJson = !mariaDb && there != null && there.dataType().equals("json");
            if (nativeJson) {
                out.put(names[i]);
                out.putUtf8("=CAST(");
                putValue(row, RowView.BEFORE, i, out, scratch);
                out.putUtf8(" AS JSON)");
            } else if (mariaDb) {
                out.putUtf8("JSON_EQUALS(");
                out.put(names[i]);
                out.put(',');
                putValue(row, RowView.BEFORE, i, out, scratch);
                out.put(')');
            } else {
                out.put(names[i]);
                out.putUtf8("<=>");
                putValue(row, RowView.BEFORE, i, out, scratch);
            }
            return;
        }
        if (codes[i] == ENUM && row.longValue(RowView.BEFORE, i) == 0) {
            out.put(names[i]);
            out.putUtf8("+0=0");
            return;
        }
        out.put(names[i]);
        out.putUtf8("<=>");
        putValue(row, RowView.BEFORE, i, out, scratch);
        if (codes[i] == TEXT) {
            // The first comparison may use an index, this one tells 'a' from 'A' and 'a '.
            out.putUtf8(" AND CAST(CONVERT(");
            out.put(names[i]);
            out.putUtf8(" USING utf8mb4) AS BINARY)=");
            scratch.clear();
            row.appendText(RowView.BEFORE, i, scratch);
            SqlText.putBinary(out, scratch.array(), 0, scratch.length());
        }
    }

    byte[] updateHead() {
        return updateHead;
    }

    /**
     * {@code c=v,…} of what an update changed. Temporal columns are always set, for a column with
     * {@code ON UPDATE CURRENT_TIMESTAMP} would otherwise take the target's clock.
     *
     * @return whether there was anything to set
     */
    boolean putAssignments(RowView row, ByteSink out, ByteSink scratch) {
        boolean changed = false;
        for (int i = 0; i < written.length; i++) {
            if (written[i] && row.isPresent(RowView.AFTER, i) && !row.isUnchanged(i)) {
                changed = true;
                break;
            }
        }
        if (!changed) {
            return false;
        }
        boolean first = true;
        for (int i = 0; i < written.length; i++) {
            if (!written[i] || !row.isPresent(RowView.AFTER, i)) {
                continue;
            }
            ColumnKind kind = schema.column(i).kind();
            if (row.isUnchanged(i) && kind != ColumnKind.TIMESTAMP && kind != ColumnKind.DATETIME) {
                continue;
            }
            if (!first) {
                out.put(',');
            }
            first = false;
            out.put(names[i]);
            out.put('=');
            putValue(row, RowView.AFTER, i, out, scratch);
        }
        return true;
    }

    /**
     * Columns that {@link #putAssignments} would set, as a mask; 0 when there are none or they
     * cannot be set for several rows in one statement.
     */
    long assignmentMask(RowView row) {
        if (written.length > MASK_COLUMNS || singleHandle() == null) {
            return 0;
        }
        long mask = 0;
        boolean changed = false;
        for (int i = 0; i < written.length; i++) {
            if (!written[i] || !row.isPresent(RowView.AFTER, i)) {
                continue;
            }
            ColumnKind kind = schema.column(i).kind();
            boolean same = row.isUnchanged(i);
            changed |= !same;
            if (!same || kind == ColumnKind.TIMESTAMP || kind == ColumnKind.DATETIME) {
                if (codes[i] == HEX) {
                    return 0;
                }
                mask |= 1L << i;
            }
        }
        return changed ? mask : 0;
    }

    /** Appends {@code WHEN key THEN value} for each column of the mask, to the column's text. */
    int putCases(RowView row, long mask, List<ByteSink> texts, ByteSink scratch) {
        int bytes = 0;
        int at = 0;
        for (int i = 0; i < written.length; i++) {
            if ((mask & 1L << i) != 0) {
                ByteSink text = texts.get(at++);
                int before = text.length();
                text.putUtf8(" WHEN ");
                putSingleHandle(row, RowView.BEFORE, text, scratch);
                text.putUtf8(" THEN ");
                putValue(row, RowView.AFTER, i, text, scratch);
                bytes += text.length() - before;
            }
        }
        return bytes;
    }

    /** {@code UPDATE t SET c=CASE k … ELSE c END,… WHERE k IN (…)} from what was gathered. */
    void putMultiUpdate(ByteSink out, long mask, List<ByteSink> texts, ByteSink keys) {
        byte[] key = names[handle[0]];
        out.put(updateHead);
        int at = 0;
        for (int i = 0; i < written.length; i++) {
            if ((mask & 1L << i) != 0) {
                if (at > 0) {
                    out.put(',');
                }
                out.put(names[i]);
                out.putUtf8("=CASE ");
                out.put(key);
                ByteSink text = texts.get(at++);
                out.put(text.array(), 0, text.length());
                out.putUtf8(" ELSE ");
                out.put(names[i]);
                out.putUtf8(" END");
            }
        }
        out.putUtf8(" WHERE ");
        out.put(key);
        out.putUtf8(" IN (");
        out.put(keys.array(), 0, keys.length());
        out.put(')');
    }

    private void putValue(RowView row, int image, int column, ByteSink out, ByteSink scratch) {
        if (row.isNull(image, column)) {
            out.put('N');
            out.put('U');
            out.put('L');
            out.put('L');
            return;
        }
        switch (codes[column]) {
            case LONG -> out.putLong(row.longValue(image, column));
            case UNSIGNED -> out.putUnsigned(row.longValue(image, column));
            case FLOATING -> {
                // A float printed as the double it equals compares equal to the stored float, and
                // an exponent keeps the server from reading a decimal.
                String text = Double.toString(row.doubleValue(image, column));
                out.putUtf8(text);
                if (text.indexOf('E') < 0) {
                    out.put('E');
                    out.put('0');
                }
            }
            case BARE -> row.appendText(image, column, out);
            case QUOTED -> {
                out.put('\'');
                row.appendText(image, column, out);
                out.put('\'');
            }
            case TEXT -> {
                if (row.isUtf8(column)) {
                    SqlText.putText(
                            out, row.array(), row.offset(image, column), row.length(image, column));
                } else {
                    scratch.clear();
                    row.appendText(image, column, scratch);
                    SqlText.putText(out, scratch.array(), 0, scratch.length());
                }
            }
            case BYTES ->
                    SqlText.putBinary(
                            out, row.array(), row.offset(image, column), row.length(image, column));
            case HEX ->
                    SqlText.putHex(
                            out, row.array(), row.offset(image, column), row.length(image, column));
            case ENUM -> putElement(row.longValue(image, column), elements[column], out);
            case SET -> putSet(row.longValue(image, column), elements[column], out);
            default -> throw new AssertionError("unknown code " + codes[column]);
        }
    }

    private static void putElement(long index, byte[][] elements, ByteSink out) {
        if (index < 1 || index > elements.length) {
            out.put('\'');
            out.put('\'');
        } else {
            byte[] element = elements[(int) index - 1];
            SqlText.putText(out, element, 0, element.length);
        }
    }

    private static void putSet(long mask, byte[][] elements, ByteSink out) {
        out.put('\'');
        boolean first = true;
        for (int i = 0; i < elements.length; i++) {
            if ((mask & 1L << i) != 0) {
                if (!first) {
                    out.put(',');
                }
                first = false;
                int from = out.length();
                SqlText.putText(out, elements[i], 0, elements[i].length);
                // Drop the element's own quotes.
                int end = out.length();
                System.arraycopy(out.array(), from + 1, out.array(), from, end - from - 2);
                out.length(end - 2);
            }
        }
        out.put('\'');
    }
}
