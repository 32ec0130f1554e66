package io.millrace.mysql.wire;

import java.util.Set;
import java.util.TreeSet;

/**
 * Names of the {@code sql_mode} bits in QUERY events. The two flavours agree on the first 32, as
 * far as both have them.
 */
public final class SqlModes {
    /** Seconds are rounded when their fraction has no place. */
    public static final String ROUND = "TIME_ROUND_FRACTIONAL";

    /** Seconds are cut off instead. */
    public static final String TRUNCATE = "TIME_TRUNCATE_FRACTIONAL";

    private static final int MYSQL_TRUNCATE = 32;
    private static final int MARIADB_EMPTY_IS_NULL = 32;
    private static final int MARIADB_ROUND = 34;

    private static final String[] NAMES = {
        "REAL_AS_FLOAT",
        "PIPES_AS_CONCAT",
        "ANSI_QUOTES",
        "IGNORE_SPACE",
        "IGNORE_BAD_TABLE_OPTIONS",
        "ONLY_FULL_GROUP_BY",
        "NO_UNSIGNED_SUBTRACTION",
        "NO_DIR_IN_CREATE",
        "POSTGRESQL",
        "ORACLE",
        "MSSQL",
        "DB2",
        "MAXDB",
        "NO_KEY_OPTIONS",
        "NO_TABLE_OPTIONS",
        "NO_FIELD_OPTIONS",
        "MYSQL323",
        "MYSQL40",
        "ANSI",
        "NO_AUTO_VALUE_ON_ZERO",
        "NO_BACKSLASH_ESCAPES",
        "STRICT_TRANS_TABLES",
        "STRICT_ALL_TABLES",
        "NO_ZERO_IN_DATE",
        "NO_ZERO_DATE",
        "ALLOW_INVALID_DATES",
        "ERROR_FOR_DIVISION_BY_ZERO",
        "TRADITIONAL",
        "NO_AUTO_CREATE_USER",
        "HIGH_NOT_PRECEDENCE",
        "NO_ENGINE_SUBSTITUTION",
        "PAD_CHAR_TO_FULL_LENGTH"
    };

    private SqlModes() {}

    /**
     * The flags that are on; {@link #ROUND} or {@link #TRUNCATE} is always among them, also where
     * the flavour has no flag for it because it is the default.
     */
    public static Set<String> names(long bits, boolean mariaDb) {
        Set<String> out = new TreeSet<>();
        for (int i = 0; i < NAMES.length; i++) {
            if ((bits >>> i & 1) != 0) {
                out.add(NAMES[i]);
            }
        }
        if (mariaDb) {
            if ((bits >>> MARIADB_EMPTY_IS_NULL & 1) != 0) {
                out.add("EMPTY_STRING_IS_NULL");
            }
            out.add((bits >>> MARIADB_ROUND & 1) != 0 ? ROUND : TRUNCATE);
        } else {
            out.add((bits >>> MYSQL_TRUNCATE & 1) != 0 ? TRUNCATE : ROUND);
        }
        return out;
    }
}
