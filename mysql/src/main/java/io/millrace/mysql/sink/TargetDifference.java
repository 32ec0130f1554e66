package io.millrace.mysql.sink;

import io.millrace.core.model.Column;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.sink.TargetTable.TargetColumn;
import io.millrace.mysql.sink.TargetTable.TargetKey;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Where a table of the target is not what a DDL makes of it. */
final class TargetDifference {
    private static final Pattern INTEGER_WIDTH =
            Pattern.compile("\\b(tinyint|smallint|mediumint|int|bigint|year)\\(\\d+\\)");

    /** Indexes that are not unique, constraints, partitions and options are not compared. */
    private static final Pattern MORE =
            Pattern.compile(
                    "(?<!UNIQUE )(?<!PRIMARY )\\b(?:INDEX|KEY)\\b|\\b(?:FULLTEXT|SPATIAL|VECTOR|"
                            + "FOREIGN|CONSTRAINT|CHECK|PARTITION|PARTITIONS|PARTITIONING|ENGINE|"
                            + "COMMENT|CONVERT|CHARSET|CHARACTER|COLLATE|PERIOD|SYSTEM|DEFAULT)\\b",
                    Pattern.CASE_INSENSITIVE);

    private TargetDifference() {}

    /** Whether names of columns tell the one from the other. */
    static boolean isSeen(TableSchema before, TableSchema after) {
        return !byOrder(before).equals(byOrder(after));
    }

    /** Whether the statement may do what {@link #ofChange} does not look at. */
    static boolean isMoreThanSeen(String query) {
        return MORE.matcher(query.replaceAll("\\s+", " ")).find();
    }

    /**
     * What keeps the target's table from being the one that was created; it may have more columns
     * and another order.
     */
    static Optional<String> ofTable(TargetSession session, TableSchema wanted) throws SQLException {
        Optional<TargetTable> found = TargetTable.load(session, wanted.name());
        if (found.isEmpty()) {
            return Optional.of(wanted.name() + " is missing");
        }
        for (Column column : wanted.columns()) {
            if (column.invisible()) {
                continue;
            }
            Optional<String> different = different(found.get(), column, false);
            if (different.isPresent()) {
                return different;
            }
        }
        return Optional.empty();
    }

    /**
     * What the target lacks of a change.
     *
     * @param exact whether types must be the same, and not merely of the same family
     */
    static Optional<String> ofChange(
            TargetSession session, TableSchema before, TableSchema after, boolean exact)
            throws SQLException {
        Optional<TargetTable> found = TargetTable.load(session, after.name());
        if (found.isEmpty()) {
            return Optional.of(after.name() + " is missing");
        }
        TargetTable target = found.get();
        TreeMap<String, Column> old = byName(before);
        TreeMap<String, Column> now = byName(after);
        for (Column column : after.columns()) {
            Column was = old.get(lower(column.name()));
            if (!column.equals(was) && !column.invisible()) {
                Optional<String> different = different(target, column, exact);
                if (different.isPresent()) {
                    return different;
                }
                if (exact && was != null && !isSeen(was, column)) {
                    return Optional.of(
                            "whether " + after.name() + "." + column.name() + " is cannot be told");
                }
            }
        }
        for (String name : old.keySet()) {
            if (!now.containsKey(name) && target.column(name) != null) {
                return Optional.of("column '" + name + "' of " + after.name() + " is there");
            }
        }
        Set<Set<String>> oldKeys = keys(before);
        Set<Set<String>> newKeys = keys(after);
        for (Set<String> key : newKeys) {
            if (!oldKeys.contains(key) && !target.hasUniqueKeyOn(List.copyOf(key))) {
                return Optional.of(after.name() + " has no unique key on " + key);
            }
        }
        for (Set<String> key : oldKeys) {
            if (!newKeys.contains(key) && now.keySet().containsAll(key) && has(target, key)) {
                return Optional.of(after.name() + " has a unique key on " + key);
            }
        }
        return order(target, before, after);
    }

    /** The order of columns counts only where the statement changed it. */
    private static Optional<String> order(
            TargetTable target, TableSchema before, TableSchema after) {
        Set<String> common = new HashSet<>(byName(before).keySet());
        common.retainAll(byName(after).keySet());
        List<String> wanted = order(byOrder(after), common);
        if (wanted.equals(order(byOrder(before), common))) {
            return Optional.empty();
        }
        return wanted.equals(order(List.copyOf(target.columns().keySet()), common))
                ? Optional.empty()
                : Optional.of("the columns of " + after.name() + " have another order");
    }

    private static List<String> order(List<String> names, Set<String> of) {
        List<String> out = new ArrayList<>(names);
        out.retainAll(of);
        return out;
    }

    private static List<String> byOrder(TableSchema schema) {
        return schema.columns().stream().map(c -> lower(c.name())).toList();
    }

    private static TreeMap<String, Column> byName(TableSchema schema) {
        TreeMap<String, Column> out = new TreeMap<>();
        schema.columns().forEach(c -> out.put(lower(c.name()), c));
        return out;
    }

    private static Set<Set<String>> keys(TableSchema schema) {
        Set<Set<String>> out = new HashSet<>();
        for (TableSchema.Key key : schema.keys()) {
            if (key.onPrefix()) {
                continue; // what is known of the target's keys has no counterpart
            }
            Set<String> names = new HashSet<>();
            key.columns().forEach(ordinal -> names.add(lower(schema.column(ordinal).name())));
            out.add(names);
        }
        return out;
    }

    private static boolean has(TargetTable target, Set<String> columns) {
        for (TargetKey key : target.uniqueKeys()) {
            if (key.prefixes().stream().allMatch(p -> p == 0)
                    && new HashSet<>(key.parts()).equals(columns)) {
                return true;
            }
        }
        return false;
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    /** Whether a change of a column is one of its name and type alone. */
    private static boolean isSeen(Column was, Column is) {
        return was.nullable() == is.nullable()
                && was.invisible() == is.invisible()
                && was.defaultValue().equals(is.defaultValue());
    }

    private static Optional<String> different(TargetTable target, Column column, boolean exact) {
        TargetColumn found = target.column(column.name());
        if (found == null) {
            return Optional.of(target.name() + " has no column '" + column.name() + "'");
        }
        String is = plain(found.columnType());
        String wanted = plain(column.typeText());
        boolean fits =
                exact
                        ? is.equals(wanted)
                                && (found.collation().isEmpty()
                                        || column.collation().isEmpty()
                                        || found.collation().equals(column.collation()))
                        : isCompatible(family(is), family(wanted));
        if (fits && found.generated() == (column.generated() != Column.Generated.NONE)) {
            return Optional.empty();
        }
        return Optional.of(
                "column '"
                        + column.name()
                        + "' of "
                        + target.name()
                        + " is "
                        + found.columnType()
                        + (found.generated() ? ", generated" : "")
                        + ", not "
                        + column.typeText()
                        + (column.generated() != Column.Generated.NONE ? ", generated" : ""));
    }

    private static String plain(String type) {
        return INTEGER_WIDTH.matcher(lower(type)).replaceAll("$1").replace(", ", ",").strip();
    }

    private static boolean isCompatible(String target, String source) {
        return target.equals(source)
                || target.equals("any")
                || source.equals("any")
                || target.equals("decimal") && source.equals("integer")
                || target.equals("integer") && source.equals("year")
                || target.equals("text") && source.equals("json");
    }

    private static String family(String type) {
        int end = 0;
        while (end < type.length() && Character.isLetterOrDigit(type.charAt(end))) {
            end++;
        }
        return switch (type.substring(0, end)) {
            case "tinyint", "smallint", "mediumint", "int", "bigint" -> "integer";
            case "decimal", "numeric" -> "decimal";
            case "float", "double", "real" -> "float";
            case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set" ->
                    "text";
            case "json" -> "json";
            case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob" -> "binary";
            case "datetime", "timestamp" -> "datetime";
            case "date", "time", "year", "bit" -> type.substring(0, end);
            default -> "any";
        };
    }
}
