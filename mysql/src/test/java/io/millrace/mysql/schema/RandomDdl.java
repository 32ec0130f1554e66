package io.millrace.mysql.schema;

import io.millrace.core.model.Column;
import io.millrace.core.model.TableName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Random DDL, most of which a server accepts: it looks at the current definitions to name columns
 * and keys that exist.
 */
final class RandomDdl {
    private static final List<String> NAMES =
            List.of(
                    "a",
                    "b",
                    "c",
                    "d",
                    "Id",
                    "`e f`",
                    "`order`",
                    "`tick``y`",
                    "größe",
                    "`ключ`",
                    "`1x`",
                    "x1",
                    "period",
                    "`comment`",
                    "status",
                    "name",
                    "v",
                    "w");

    /** Without ucs2: from it, MySQL 8.0.33 converts the elements of a generated ENUM to garbage. */
    private static final List<String> CHARSETS =
            List.of("utf8mb4", "latin1", "utf8mb3", "utf8", "gbk", "ascii", "binary");

    private static final List<String> COLLATIONS =
            List.of(
                    "utf8mb4_bin",
                    "utf8mb4_unicode_ci",
                    "latin1_swedish_ci",
                    "latin1_bin",
                    "utf8mb3_general_ci",
                    "utf8_bin",
                    "gbk_chinese_ci",
                    "ascii_general_ci",
                    "binary");

    private final Random random;
    private final List<String> tables;
    private final boolean mariaDb;
    private final String schema;

    RandomDdl(Random random, boolean mariaDb, String schema) {
        this.random = random;
        this.mariaDb = mariaDb;
        this.schema = schema;
        // MariaDB 11.4.5 leaves a ghost behind when an ALTER TABLE that copies renames a table
        // with other characters than ASCII letters and digits.
        this.tables =
                mariaDb
                        ? List.of("t1", "t2", "T3", "t4", "t5", "t6")
                        : List.of("t1", "t2", "T3", "`t 4`", "`таб5`", "t6");
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    private String maybe(int percent, String text) {
        return chance(percent) ? text : "";
    }

    private static String quote(String name) {
        return "`" + name.replace("`", "``") + "`";
    }

    private String table(Map<TableName, TableDefinition> known) {
        if (known.isEmpty() || chance(5)) {
            return one(tables);
        }
        TableName name = one(List.copyOf(known.keySet()));
        return maybe(30, quote(schema) + ".") + quote(name.table());
    }

    private String anyColumn(TableDefinition table) {
        if (table.columns().isEmpty() || chance(5)) {
            return one(NAMES);
        }
        String name = one(table.columns()).name();
        return quote(chance(15) ? swapCase(name) : name);
    }

    private static String swapCase(String name) {
        return name.equals(name.toLowerCase(java.util.Locale.ROOT))
                ? name.toUpperCase(java.util.Locale.ROOT)
                : name.toLowerCase(java.util.Locale.ROOT);
    }

    private String length(int max) {
        return "(" + (1 + random.nextInt(max)) + ")";
    }

    private String charsetClause() {
        return switch (random.nextInt(8)) {
            case 0 -> " CHARACTER SET " + one(CHARSETS);
            case 1 -> " CHARSET " + one(CHARSETS);
            case 2 -> " COLLATE " + one(COLLATIONS);
            case 3 -> chance(50) ? " BINARY" : " CHARACTER SET latin1 COLLATE latin1_bin";
            case 4 -> chance(20) ? " ASCII" : "";
            default -> "";
        };
    }

    private String sign() {
        return switch (random.nextInt(6)) {
            case 0 -> " UNSIGNED";
            case 1 -> " UNSIGNED ZEROFILL";
            case 2 -> " ZEROFILL";
            default -> "";
        };
    }

    String type() {
        int kinds = mariaDb ? 46 : 43;
        return switch (random.nextInt(kinds)) {
            case 0 -> "TINYINT" + maybe(40, length(5)) + sign();
            case 1 -> "SMALLINT" + maybe(20, length(6)) + sign();
            case 2 -> "MEDIUMINT" + sign();
            case 3, 4, 5 -> one(List.of("INT", "integer", "int4")) + maybe(20, length(11)) + sign();
            case 6, 7 -> "BIGINT" + maybe(20, length(20)) + sign();
            case 8 -> one(List.of("BOOL", "boolean"));
            case 9 -> "BIT" + maybe(60, length(64));
            case 10 -> one(List.of("DECIMAL", "NUMERIC", "DEC", "FIXED")) + sign();
            case 11 ->
                    "DECIMAL(" + (5 + random.nextInt(60)) + "," + random.nextInt(6) + ")" + sign();
            case 12 -> "FLOAT" + maybe(40, length(53));
            case 13 -> "DOUBLE PRECISION";
            case 14 -> one(List.of("DOUBLE(10,3)", "FLOAT(7,2)", "REAL", "FLOAT4", "FLOAT8"));
            case 15 -> "DATE";
            case 16 -> "TIME" + maybe(50, "(" + random.nextInt(7) + ")");
            case 17, 18 -> "DATETIME" + maybe(50, "(" + random.nextInt(7) + ")");
            case 19 -> "TIMESTAMP" + maybe(50, "(" + random.nextInt(7) + ")");
            case 20 -> "YEAR" + maybe(30, "(4)");
            case 21, 22 ->
                    one(List.of("CHAR", "CHARACTER")) + maybe(80, length(60)) + charsetClause();
            case 23, 24, 25, 26 ->
                    one(List.of("VARCHAR", "CHARACTER VARYING", "CHAR VARYING"))
                            + length(100)
                            + charsetClause();
            case 27 ->
                    one(
                            List.of(
                                    "NCHAR(5)",
                                    "NATIONAL CHAR(3)",
                                    "NVARCHAR(9)",
                                    "NATIONAL VARCHAR(7)",
                                    "NCHAR VARYING(4)"));
            case 28 -> "BINARY" + maybe(70, length(50));
            case 29 -> "VARBINARY" + length(200);
            case 30 -> "TINYTEXT" + charsetClause();
            case 31, 32 -> "TEXT" + maybe(40, length(20000)) + charsetClause();
            case 33 -> one(List.of("MEDIUMTEXT", "LONG VARCHAR", "LONG")) + charsetClause();
            case 34 -> "LONGTEXT" + charsetClause();
            case 35 -> one(List.of("TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "LONG VARBINARY"));
            case 36 -> "BLOB" + maybe(50, length(20000));
            case 37, 38 -> "ENUM(" + elements() + ")" + charsetClause();
            case 39 -> "SET(" + elements() + ")" + charsetClause();
            case 40 -> "JSON";
            case 41 ->
                    one(
                            List.of(
                                    "POINT",
                                    "GEOMETRY",
                                    "POLYGON",
                                    "GEOMETRYCOLLECTION",
                                    "MULTIPOINT"));
            case 42 -> "VARCHAR(30)";
            case 43 -> "UUID";
            case 44 -> "INET6";
            default -> "INET4";
        };
    }

    private String elements() {
        List<String> all =
                new ArrayList<>(
                        List.of(
                                "'x'", "'y'", "'it''s'", "'a b '", "'q\"q'", "'Z'", "'w,w'",
                                "'(p)'"));
        java.util.Collections.shuffle(all, random);
        return String.join(chance(50) ? "," : " , ", all.subList(0, 1 + random.nextInt(5)));
    }

    private String defaultClause(String type) {
        String upper = type.toUpperCase(java.util.Locale.ROOT);
        if (chance(70)) {
            return "";
        }
        if (upper.startsWith("TIMESTAMP") || upper.startsWith("DATETIME")) {
            int open = upper.indexOf('(');
            String digits = open < 0 ? "" : upper.substring(open);
            return " DEFAULT CURRENT_TIMESTAMP"
                    + digits
                    + maybe(50, " ON UPDATE CURRENT_TIMESTAMP" + digits);
        }
        if (upper.contains("INT") && !upper.contains("POINT")) {
            return one(List.of(" DEFAULT 5", " DEFAULT '7'", " DEFAULT +3", " DEFAULT (1 + 2)"));
        }
        if (upper.contains("VARCHAR") || upper.startsWith("CHAR")) {
            return one(
                    List.of(
                            " DEFAULT ''",
                            " DEFAULT 'a,b'",
                            " DEFAULT 'it''s'",
                            " DEFAULT ')('",
                            " DEFAULT (concat('a',','))"));
        }
        return chance(50) ? " DEFAULT NULL" : "";
    }

    private String attributes(String type) {
        boolean generated = chance(8);
        if (generated) {
            return maybe(50, " GENERATED ALWAYS")
                    + " AS ("
                    + one(List.of("1", "1 + (2 * 3)", "2"))
                    + ")"
                    + one(
                            mariaDb
                                    ? List.of("", " VIRTUAL", " STORED", " PERSISTENT")
                                    : List.of("", " VIRTUAL", " STORED"))
                    + maybe(20, " COMMENT 'gen, (x)'");
        }
        String nullness = one(List.of("", "", " NULL", " NOT NULL"));
        String value = defaultClause(type);
        if (nullness.equals(" NOT NULL") && value.equals(" DEFAULT NULL")) {
            value = "";
        }
        return (chance(70) ? nullness + value : value + nullness)
                + maybe(10, " COMMENT 'it''s, a \\'comment\\' AFTER `x`'")
                + maybe(5, " INVISIBLE")
                + maybe(4, " UNIQUE")
                + maybe(2, " UNIQUE KEY")
                + maybe(2, " PRIMARY KEY")
                + maybe(4, " CHECK (1 < 2)")
                + maybe(mariaDb ? 3 : 0, " WITHOUT SYSTEM VERSIONING");
    }

    private String column(String name) {
        String type = type();
        return name + " " + type + attributes(type);
    }

    private String keyColumns(List<String> columns) {
        List<String> parts = new ArrayList<>();
        int wanted = 1 + random.nextInt(3);
        List<String> shuffled = new ArrayList<>(columns);
        java.util.Collections.shuffle(shuffled, random);
        for (String column : shuffled.subList(0, Math.min(wanted, shuffled.size()))) {
            parts.add(column + maybe(20, length(12)) + one(List.of("", "", "", " ASC", " DESC")));
        }
        return "(" + String.join(",", parts) + ")";
    }

    private String key(List<String> columns) {
        String name = maybe(60, " " + one(NAMES));
        String using = maybe(10, " USING BTREE");
        return switch (random.nextInt(6)) {
            case 0 -> maybe(30, "CONSTRAINT ") + "PRIMARY KEY" + using + " " + keyColumns(columns);
            case 1, 2 ->
                    maybe(30, "CONSTRAINT " + maybe(50, one(NAMES)) + " ")
                            + "UNIQUE "
                            + one(List.of("", "KEY", "INDEX"))
                            + name
                            + using
                            + " "
                            + keyColumns(columns)
                            + maybe(10, " COMMENT 'k'");
            case 3 -> "FULLTEXT KEY" + name + " (" + one(columns) + ")";
            case 4 -> maybe(40, "CONSTRAINT ck" + random.nextInt(50) + " ") + "CHECK (1 < 2)";
            default -> one(List.of("KEY", "INDEX")) + name + using + " " + keyColumns(columns);
        };
    }

    String statement(Map<TableName, TableDefinition> known) {
        int dice = random.nextInt(100);
        String sql;
        if (known.size() < 2 || dice < 14) {
            sql = createTable(known);
        } else if (dice < 70) {
            sql = alterTable(known);
        } else if (dice < 76) {
            sql = createIndex(known);
        } else if (dice < 79) {
            sql = dropIndex(known);
        } else if (dice < 84) {
            sql = rename(known);
        } else if (dice < 88) {
            sql =
                    "DROP TABLE "
                            + maybe(50, "IF EXISTS ")
                            + table(known)
                            + maybe(30, ", " + table(known))
                            + maybe(20, " CASCADE");
        } else if (dice < 91) {
            sql = "TRUNCATE " + maybe(50, "TABLE ") + table(known);
        } else if (dice < 94) {
            sql =
                    "ALTER DATABASE "
                            + quote(schema)
                            + maybe(50, " DEFAULT")
                            + (chance(50)
                                    ? " CHARACTER SET "
                                            + one(List.of("utf8mb4", "latin1", "utf8mb3"))
                                    : " COLLATE "
                                            + one(List.of("utf8mb4_bin", "latin1_swedish_ci")));
        } else if (dice < 97) {
            sql = "CREATE OR REPLACE VIEW vw AS SELECT 1 AS x";
        } else {
            sql =
                    one(
                            List.of(
                                    "ANALYZE TABLE t1",
                                    "DROP VIEW IF EXISTS vw",
                                    "CREATE TEMPORARY TABLE IF NOT EXISTS only_temp (zz INT)",
                                    "DROP TEMPORARY TABLE IF EXISTS only_temp"));
        }
        return switch (random.nextInt(12)) {
            case 0 -> "/* note */ " + sql;
            case 1 -> "-- note\n" + sql + " # end";
            case 2 -> sql + " /* generated by server */";
            default -> sql;
        };
    }

    private String createTable(Map<TableName, TableDefinition> known) {
        String head =
                "CREATE "
                        + maybe(mariaDb ? 15 : 0, "OR REPLACE ")
                        + "TABLE "
                        + (mariaDb ? "" : maybe(20, "IF NOT EXISTS "));
        String name = one(tables);
        if (!known.isEmpty() && chance(12)) {
            return head
                    + name
                    + (chance(50) ? " LIKE " + table(known) : " (LIKE " + table(known) + ")");
        }
        List<String> names = new ArrayList<>(NAMES);
        java.util.Collections.shuffle(names, random);
        List<String> columns = names.subList(0, 1 + random.nextInt(8));
        List<String> elements = new ArrayList<>();
        columns.forEach(c -> elements.add(column(c)));
        for (int i = random.nextInt(3); i > 0; i--) {
            elements.add(random.nextInt(elements.size() + 1), key(columns));
        }
        return head
                + name
                + " ("
                + String.join(chance(50) ? "," : ",\n  ", elements)
                + ")"
                + maybe(30, " ENGINE=InnoDB")
                + maybe(25, " DEFAULT CHARSET=" + one(CHARSETS))
                + maybe(15, " COLLATE " + one(COLLATIONS))
                + maybe(20, " COMMENT='CHARSET=latin1, (x'")
                + maybe(10, " ROW_FORMAT=DYNAMIC")
                + maybe(mariaDb ? 5 : 0, " WITH SYSTEM VERSIONING")
                + maybe(5, " PARTITION BY HASH (1) PARTITIONS 2");
    }

    private String place(TableDefinition table) {
        return switch (random.nextInt(6)) {
            case 0 -> " FIRST";
            case 1, 2 -> " AFTER " + anyColumn(table);
            default -> "";
        };
    }

    private String alterTable(Map<TableName, TableDefinition> known) {
        String name = table(known);
        TableDefinition table = known.values().iterator().next();
        for (Map.Entry<TableName, TableDefinition> e : known.entrySet()) {
            if (name.endsWith(quote(e.getKey().table()))) {
                table = e.getValue();
            }
        }
        List<String> actions = new ArrayList<>();
        int wanted = chance(60) ? 1 : 1 + random.nextInt(4);
        for (int i = 0; i < wanted; i++) {
            actions.add(action(table));
        }
        return "ALTER TABLE "
                + maybe(mariaDb ? 10 : 0, "IF EXISTS ")
                + name
                + " "
                + String.join(chance(50) ? "," : " ,\n", actions)
                + maybe(10, ", ALGORITHM=COPY")
                + maybe(3, ", LOCK = SHARED");
    }

    private String action(TableDefinition table) {
        String ifExists = maybe(mariaDb ? 15 : 0, "IF EXISTS ");
        String ifNotExists = maybe(mariaDb ? 15 : 0, "IF NOT EXISTS ");
        List<String> columns = new ArrayList<>();
        for (Column c : table.columns()) {
            columns.add(quote(c.name()));
        }
        String key = table.keys().isEmpty() ? "nokey" : quote(one(table.keys()).name());
        return switch (random.nextInt(30)) {
            case 0, 1, 2, 3, 4, 5 ->
                    "ADD " + maybe(50, "COLUMN ") + ifNotExists + column(one(NAMES)) + place(table);
            case 6 -> "ADD COLUMN (" + column(one(NAMES)) + ", " + column(one(NAMES)) + ")";
            case 7, 8, 9 -> "DROP " + maybe(50, "COLUMN ") + ifExists + anyColumn(table);
            case 10, 11, 12 ->
                    "MODIFY "
                            + maybe(50, "COLUMN ")
                            + ifExists
                            + column(anyColumn(table))
                            + place(table);
            case 13, 14 ->
                    "CHANGE "
                            + maybe(50, "COLUMN ")
                            + ifExists
                            + anyColumn(table)
                            + " "
                            + column(one(NAMES))
                            + place(table);
            case 15, 16 -> "RENAME COLUMN " + anyColumn(table) + " TO " + one(NAMES);
            case 17, 18, 19 -> "ADD " + key(columns);
            case 20 -> "DROP " + one(List.of("KEY ", "INDEX ")) + ifExists + key;
            case 21 -> chance(50) ? "DROP PRIMARY KEY" : "DROP CONSTRAINT " + key;
            case 22 -> "RENAME " + one(List.of("KEY ", "INDEX ")) + key + " TO " + one(NAMES);
            case 23 ->
                    "CONVERT TO CHARACTER SET "
                            + one(CHARSETS)
                            + maybe(10, " COLLATE " + one(COLLATIONS));
            case 24 ->
                    maybe(50, "DEFAULT ")
                            + one(List.of("CHARSET=", "CHARACTER SET ", "CHARSET "))
                            + one(CHARSETS)
                            + maybe(20, " COLLATE=" + one(COLLATIONS));
            case 25 ->
                    "ALTER "
                            + maybe(50, "COLUMN ")
                            + anyColumn(table)
                            + (chance(50) ? " SET DEFAULT NULL" : " DROP DEFAULT");
            case 26 -> "COMMENT = 'DROP COLUMN a, ADD (b'" + maybe(30, " ENGINE=InnoDB");
            case 27 -> "ORDER BY " + anyColumn(table) + maybe(30, " DESC, " + anyColumn(table));
            case 28 -> one(List.of("FORCE", "ENGINE=InnoDB", "AUTO_INCREMENT=10", "DISABLE KEYS"));
            default -> "RENAME " + one(List.of("TO ", "AS ", "")) + one(tables);
        };
    }

    private String createIndex(Map<TableName, TableDefinition> known) {
        TableDefinition table = one(List.copyOf(known.values()));
        List<String> columns = new ArrayList<>();
        for (Column c : table.columns()) {
            columns.add(quote(c.name()));
        }
        return "CREATE "
                + maybe(mariaDb ? 20 : 0, "OR REPLACE ")
                + maybe(50, "UNIQUE ")
                + "INDEX "
                + one(NAMES)
                + maybe(20, " USING BTREE")
                + " ON "
                + quote(table.name().table())
                + " "
                + keyColumns(columns)
                + maybe(20, " COMMENT 'x' ALGORITHM=INPLACE");
    }

    private String dropIndex(Map<TableName, TableDefinition> known) {
        TableDefinition table = one(List.copyOf(known.values()));
        String key = table.keys().isEmpty() ? "nokey" : quote(one(table.keys()).name());
        return "DROP INDEX " + key + " ON " + quote(table.name().table());
    }

    private String rename(Map<TableName, TableDefinition> known) {
        String a = table(known);
        if (chance(40)) {
            String b = table(known);
            return "RENAME TABLE " + a + " TO swap_tmp, " + b + " TO " + a + ", swap_tmp TO " + b;
        }
        return "RENAME TABLE " + a + " TO " + one(tables);
    }
}
