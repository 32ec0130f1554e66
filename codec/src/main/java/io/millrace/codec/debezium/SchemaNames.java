package io.millrace.codec.debezium;

import io.millrace.core.model.TableName;

/**
 * Names of schemas, of characters that Avro allows: all others become underscores, as many as they
 * have bytes in UTF-8. The table's part may have points and dashes too.
 */
final class SchemaNames {
    private SchemaNames() {}

    /** {@code cluster.schema.table}. */
    static String of(String clusterId, TableName table) {
        StringBuilder out = new StringBuilder(part(clusterId)).append('.');
        out.append(part(table.schema())).append('.');
        table.table()
                .codePoints()
                .forEach(c -> append(c, c == '-' || c == '.' || isNameCharacter(c), out));
        return out.toString();
    }

    /** One part; a digit in front gets an underscore before it. */
    static String part(String name) {
        StringBuilder out = new StringBuilder(name.length());
        name.codePoints()
                .forEach(c -> {
                    if (out.isEmpty() && isDigit(c)) {
                        out.append('_');
                    }
                    append(c, isNameCharacter(c), out);
                });
        return out.toString();
    }

    private static boolean isNameCharacter(int c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || isDigit(c);
    }

    private static boolean isDigit(int c) {
        return c >= '0' && c <= '9';
    }

    private static void append(int c, boolean allowed, StringBuilder out) {
        if (allowed) {
            out.appendCodePoint(c);
        } else {
            out.repeat('_', c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        }
    }
}
