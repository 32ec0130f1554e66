package io.millrace.mysql.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Which keys a row touches, as hashes, and which worker it belongs to. Immutable.
 *
 * <p>Two different questions with different needs: the <em>worker</em> must be the same after every
 * restart, so it depends on nothing but the row's handle key and the fixed algorithm here ({@link
 * #HASH_VERSION}); the <em>touched keys</em> must collide whenever the target may see equal keys,
 * so they depend on the target's collations too.
 */
final class RowKeys {
    /** Grows whenever {@link Scratch#workerHash} would come out differently. */
    static final int HASH_VERSION = 2;

    /** Neighbouring integer keys stay together, for statements that hit few pages. */
    private static final int NEIGHBOUR_BITS = 8;

    private static final int LONG = 0;
    private static final int FLOATING = 1;
    private static final int ASCII = 2;
    private static final int BYTES = 3;
    private static final int TEXT = 4;

    private static final long NULL_HASH = 0x5851_F42D_4C95_7F2DL;
    private static final long MIX = 0x9E37_79B9_7F4A_7C15L;

    /** One unique key: columns, how each is read, and how much of each counts. */
    private record KeyProgram(long seed, int[] columns, int[] prefixes, TextFold.Rule[] rules) {}

    private final int[] access;
    private final int[] handle;
    private final List<KeyProgram> keys;
    private final boolean unknownKey;

    /** Results for one row; reused. Belongs to one thread. */
    static final class Scratch {
        /** Decides the worker; by handle key. */
        long workerHash;

        /** Touched keys. */
        long[] hashes = new long[16];

        int count;

        /** The row may touch any key of its table. */
        boolean wild;

        private final ByteSink text = new ByteSink(256);

        private void add(long hash) {
            for (int i = 0; i < count; i++) {
                if (hashes[i] == hash) {
                    return;
                }
            }
            if (count == hashes.length) {
                hashes = Arrays.copyOf(hashes, count * 2);
            }
            hashes[count++] = hash;
        }
    }

    RowKeys(TableSchema schema, TargetTable target) {
        int columns = schema.columns().size();
        access = new int[columns];
        TextFold.Rule[] rules = new TextFold.Rule[columns];
        for (int i = 0; i < columns; i++) {
            Column column = schema.column(i);
            access[i] =
                    switch (column.kind().access()) {
                        case LONG -> LONG;
                        case FLOAT, DOUBLE -> FLOATING;
                        case ASCII -> ASCII;
                        case BYTES -> BYTES;
                        case TEXT -> TEXT;
                    };
            TargetTable.TargetColumn there = target.column(column.name());
            rules[i] = there == null ? TextFold.Rule.OTHER : TextFold.rule(there.collation());
        }
        handle = schema.handleKey();
        List<KeyProgram> programs = new ArrayList<>();
        long tableSeed = schema.name().toString().hashCode() * MIX;
        List<String> same = new ArrayList<>();
        for (TableSchema.Key key : schema.keys()) {
            int[] ordinals = key.columns().stream().mapToInt(Integer::intValue).toArray();
            programs.add(program(tableSeed, ordinals, new int[ordinals.length], rules));
            same.add(Arrays.toString(ordinals));
        }
        boolean unknown = false;
        for (TargetTable.TargetKey key : target.uniqueKeys()) {
            // Rows that are equal in all parts are equal in those that are known here: a hash of
            // them alone collides too often, but never too seldom.
            int[] ordinals = new int[key.parts().size()];
            int[] prefixes = new int[ordinals.length];
            int known = 0;
            boolean computed = false;
            for (int i = 0; i < ordinals.length; i++) {
                int ordinal = ordinal(schema, target, key.parts().get(i));
                if (ordinal >= 0) {
                    ordinals[known] = ordinal;
                    prefixes[known++] = key.prefixes().get(i);
                } else {
                    computed |= isComputed(target, key.parts().get(i));
                }
            }
            if (known == 0) {
                unknown |= computed;
                continue;
            }
            boolean whole =
                    known == ordinals.length && Arrays.stream(prefixes).allMatch(p -> p == 0);
            ordinals = Arrays.copyOf(ordinals, known);
            if (!(whole && same.contains(Arrays.toString(ordinals)))) {
                programs.add(program(tableSeed, ordinals, Arrays.copyOf(prefixes, known), rules));
            }
        }
        keys = List.copyOf(programs);
        unknownKey = unknown;
    }

    private static KeyProgram program(
            long tableSeed, int[] ordinals, int[] prefixes, TextFold.Rule[] rules) {
        TextFold.Rule[] own = new TextFold.Rule[ordinals.length];
        for (int i = 0; i < own.length; i++) {
            own[i] = rules[ordinals[i]];
        }
        long seed = (tableSeed ^ Arrays.hashCode(ordinals)) * MIX ^ Arrays.hashCode(prefixes);
        return new KeyProgram(seed, ordinals, prefixes, own);
    }

    /** The column whose value the key's part has in the target; -1 when the rows do not tell it. */
    private static int ordinal(TableSchema schema, TargetTable target, @Nullable String part) {
        int ordinal = part == null ? -1 : ordinalIgnoringCase(schema, part);
        return ordinal >= 0
                        && isComputed(target, part)
                        && schema.column(ordinal).generated() == Column.Generated.NONE
                ? -1
                : ordinal;
    }

    private static boolean isComputed(TargetTable target, @Nullable String part) {
        TargetTable.TargetColumn there = part == null ? null : target.column(part);
        return there == null || there.generated();
    }

    private static int ordinalIgnoringCase(TableSchema schema, String lowerName) {
        for (int i = 0; i < schema.columns().size(); i++) {
            if (schema.column(i).name().toLowerCase(Locale.ROOT).equals(lowerName)) {
                return i;
            }
        }
        return -1;
    }

    /** Looks at the row that {@code row} stands on. */
    void read(RowView row, int op, Scratch out) {
        out.count = 0;
        out.wild = unknownKey;
        out.workerHash =
                workerHash(row, op == RowBatch.INSERT ? RowView.AFTER : RowView.BEFORE, out);
        for (int i = 0; i < keys.size(); i++) {
            KeyProgram key = keys.get(i);
            if (op != RowBatch.INSERT) {
                touch(row, key, RowView.BEFORE, RowView.BEFORE, out);
            }
            if (op != RowBatch.DELETE) {
                touch(
                        row,
                        key,
                        RowView.AFTER,
                        op == RowBatch.UPDATE ? RowView.BEFORE : RowView.AFTER,
                        out);
            }
        }
    }

    private void touch(RowView row, KeyProgram key, int image, int fallback, Scratch out) {
        long hash = key.seed;
        for (int i = 0; i < key.columns.length; i++) {
            int column = key.columns[i];
            int from = image;
            if (!row.isPresent(image, column)) {
                if (!row.isPresent(fallback, column)) {
                    // A minimal row image does not tell; assume the worst.
                    out.wild = true;
                    return;
                }
                from = fallback;
            }
            if (row.isNull(from, column)) {
                // NULLs never collide in a unique key.
                return;
            }
            long part = cell(row, from, column, key.prefixes[i], key.rules[i], out);
            if (part == TextFold.UNKNOWN) {
                out.wild = true;
                return;
            }
            hash = mix(hash, part);
        }
        out.add(hash);
    }

    private long workerHash(RowView row, int image, Scratch out) {
        long hash = 17;
        for (int i = 0; i < handle.length; i++) {
            int column = handle[i];
            if (!row.isPresent(image, column) || row.isNull(image, column)) {
                hash = mix(hash, NULL_HASH);
                continue;
            }
            long part;
            if (access[column] == LONG) {
                part = row.longValue(image, column);
                if (i == handle.length - 1) {
                    part >>= NEIGHBOUR_BITS;
                }
            } else if (access[column] == TEXT) {
                part = cell(row, image, column, 0, TextFold.Rule.OTHER, out);
                if (part == TextFold.UNKNOWN) {
                    part = cell(row, image, column, 0, TextFold.Rule.BINARY, out);
                }
            } else {
                part = cell(row, image, column, 0, TextFold.Rule.BINARY, out);
            }
            hash = mix(hash, part);
        }
        return hash;
    }

    private long cell(
            RowView row, int image, int column, int prefix, TextFold.Rule rule, Scratch out) {
        switch (access[column]) {
            case LONG -> {
                return row.longValue(image, column);
            }
            case FLOATING -> {
                // Adding zero makes the two zeros one.
                return Double.doubleToLongBits(row.doubleValue(image, column) + 0.0);
            }
            case ASCII -> {
                out.text.clear();
                row.appendText(image, column, out.text);
                return TextFold.hash(
                        out.text.array(), 0, out.text.length(), 0, TextFold.Rule.BINARY);
            }
            case TEXT -> {
                if (row.isUtf8(column)) {
                    return TextFold.hash(
                            row.array(),
                            row.offset(image, column),
                            row.length(image, column),
                            prefix,
                            rule);
                }
                out.text.clear();
                row.appendText(image, column, out.text);
                return TextFold.hash(out.text.array(), 0, out.text.length(), prefix, rule);
            }
            default -> {
                int length = row.length(image, column);
                return bytes(
                        row.array(),
                        row.offset(image, column),
                        prefix > 0 ? Math.min(prefix, length) : length);
            }
        }
    }

    private static long bytes(byte[] array, int from, int length) {
        int end = from + length;
        // A fixed-length column is padded in one place and cut in another.
        while (end > from && array[end - 1] == 0) {
            end--;
        }
        long hash = 23;
        for (int at = from; at < end; at++) {
            hash = (hash + (array[at] & 0xFF)) * MIX;
        }
        hash ^= hash >>> 32;
        return hash == TextFold.UNKNOWN ? 1 : hash;
    }

    private static long mix(long hash, long part) {
        long mixed = (hash ^ part) * 0xFF51_AFD7_ED55_8CCDL;
        mixed ^= mixed >>> 33;
        mixed *= 0xC4CE_B9FE_1A85_EC53L;
        return mixed ^ (mixed >>> 29);
    }
}
