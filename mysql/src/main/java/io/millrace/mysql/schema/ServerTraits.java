package io.millrace.mysql.schema;

import java.util.Map;

/**
 * Facts of the upstream that decide what a DDL statement means there. Read once when a job starts
 * for the first time and kept in its history.
 *
 * @param mariaDb flavour
 * @param version as five or six digits, such as 80033 or 110405
 * @param lowerCaseTableNames {@code lower_case_table_names}: 0, 1 or 2
 * @param explicitTimestampDefaults {@code explicit_defaults_for_timestamp}: TIMESTAMP columns are
 *     nullable unless said otherwise
 * @param serverCharset {@code character_set_server}
 * @param serverCollation {@code collation_server}
 * @param defaultCollations default collation by character set
 * @param charsetWidths most bytes a character takes, by character set
 * @param collationNames collation by number, as in the status variables of QUERY events
 */
record ServerTraits(
        boolean mariaDb,
        int version,
        int lowerCaseTableNames,
        boolean explicitTimestampDefaults,
        String serverCharset,
        String serverCollation,
        Map<String, String> defaultCollations,
        Map<String, Integer> charsetWidths,
        Map<Integer, String> collationNames) {
    ServerTraits {
        defaultCollations = Map.copyOf(defaultCollations);
        charsetWidths = Map.copyOf(charsetWidths);
        collationNames = Map.copyOf(collationNames);
    }

    /** Whether {@code information_schema} shows {@code int(11)} rather than {@code int}. */
    boolean showsIntegerWidth() {
        return mariaDb || version < 80019;
    }

    /** One spelling for the many names of the three-byte UTF-8. */
    static String normalCharset(String charset) {
        String lower = TableDefinition.fold(charset);
        return lower.equals("utf8") ? "utf8mb3" : lower;
    }

    /** The same for collations. */
    static String normalCollation(String collation) {
        String lower = TableDefinition.fold(collation);
        return lower.startsWith("utf8_") ? "utf8mb3" + lower.substring(4) : lower;
    }

    String defaultCollation(String charset) {
        String known = defaultCollations.get(charset);
        if (known != null) {
            return known;
        }
        return charset.equals("binary") ? "binary" : charset + "_general_ci";
    }

    /**
     * Character set of a collation.
     *
     * @param context the one to assume for MariaDB's collations that fit several, such as {@code
     *     uca1400_ai_ci}
     */
    String charsetOf(String collation, String context) {
        if (collation.equals("binary")) {
            return "binary";
        }
        int underscore = collation.indexOf('_');
        String prefix = underscore < 0 ? collation : collation.substring(0, underscore);
        return defaultCollations.containsKey(prefix) ? prefix : context;
    }

    /** The full name of a collation in a character set. */
    String fullCollation(String collation, String charset) {
        if (collation.equals("binary") || collation.startsWith(charset + "_")) {
            return collation;
        }
        return charset + "_" + collation;
    }

    int width(String charset) {
        return charsetWidths.getOrDefault(charset, 1);
    }
}
