package io.millrace.mysql.schema;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import io.millrace.mysql.row.TableMapMetadata;
import io.millrace.mysql.row.WireTypes;
import io.millrace.mysql.schema.DefinitionChanges.Text;
import io.millrace.mysql.wire.TableMap;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a TABLE_MAP event tells of a table, beside what is known of it from elsewhere. */
final class MapDefinitions {
    private static final Pattern ROW_HASH_NAME =
            Pattern.compile(Pattern.quote(DefinitionChanges.ROW_HASH) + "[0-9]+");

    private final WireFit fit;

    MapDefinitions(WireFit fit) {
        this.fit = fit;
    }

    /** The definition with what every event tells: nullability, and columns that no DDL shows. */
    static TableDefinition seenIn(TableMap map, TableDefinition definition) {
        return withNullability(withHidden(definition, map), map);
    }

    /** Why rows of an event cannot be of a definition; empty when they can. */
    Optional<String> difference(
            TableDefinition definition, TableMap map, TableMapMetadata metadata) {
        return fit.difference(definition, map, metadata);
    }

    /** NULL or not is in every TABLE_MAP. */
    private static TableDefinition withNullability(TableDefinition definition, TableMap map) {
        if (definition.columns().size() != map.columnCount()) {
            return definition;
        }
        boolean same = true;
        for (int i = 0; i < map.columnCount(); i++) {
            same &= definition.columns().get(i).nullable() == map.isNullable(i);
        }
        if (same) {
            return definition;
        }
        List<Column> columns = new ArrayList<>();
        for (int i = 0; i < map.columnCount(); i++) {
            columns.add(ColumnTypes.withNullable(definition.columns().get(i), map.isNullable(i)));
        }
        return new TableDefinition(
                definition.name(),
                definition.charset(),
                definition.collation(),
                columns,
                definition.keys());
    }

    private static TableDefinition withHidden(TableDefinition definition, TableMap map) {
        return map.mariaDb() ? withRowHashes(definition, map) : withGeneratedKey(definition, map);
    }

    /**
     * MariaDB keeps a hash column behind the others for each unique key over long columns; row
     * events carry it, {@code information_schema} and DDL don't show it (seen with 11.4.5).
     */
    private static TableDefinition withRowHashes(TableDefinition definition, TableMap map) {
        int more = map.columnCount() - definition.columns().size();
        long uniqueKeys =
                definition.keys().stream()
                        .filter(k -> k.kind() == KeyDefinition.Kind.UNIQUE)
                        .count();
        if (more <= 0 || more > uniqueKeys) {
            return definition;
        }
        List<Column> columns = new ArrayList<>(definition.columns());
        for (int i = 1; i <= more; i++) {
            if (map.columnType(columns.size()) != WireTypes.LONGLONG) {
                return definition;
            }
            columns.add(rowHash(DefinitionChanges.ROW_HASH + i));
        }
        return new TableDefinition(
                definition.name(),
                definition.charset(),
                definition.collation(),
                columns,
                definition.keys());
    }

    /**
     * MySQL 8.0.30 gives a table without primary key an invisible one, {@code my_row_id}, when
     * {@code sql_generate_invisible_primary_key} was on in the session; the statement in the binlog
     * doesn't show it.
     */
    private static TableDefinition withGeneratedKey(TableDefinition definition, TableMap map) {
        boolean hasPrimary =
                definition.keys().stream().anyMatch(k -> k.kind() == KeyDefinition.Kind.PRIMARY);
        if (hasPrimary
                || map.mariaDb()
                || map.columnCount() != definition.columns().size() + 1
                || map.columnType(0) != WireTypes.LONGLONG
                || map.isNullable(0)) {
            return definition;
        }
        List<Column> columns = new ArrayList<>();
        columns.add(
                ColumnTypes.withNullable(
                        ColumnTypes.hidden(
                                "my_row_id",
                                ColumnKind.BIGINT,
                                "bigint unsigned",
                                0,
                                Column.Generated.NONE),
                        false));
        columns.addAll(definition.columns());
        List<KeyDefinition> keys = new ArrayList<>();
        keys.add(
                new KeyDefinition(
                        "PRIMARY",
                        KeyDefinition.Kind.PRIMARY,
                        List.of(new KeyDefinition.Part("my_row_id", 0)),
                        false));
        keys.addAll(definition.keys());
        return new TableDefinition(
                definition.name(), definition.charset(), definition.collation(), columns, keys);
    }

    /** Names of columns of the event that the definition doesn't have, or has otherwise. */
    Set<String> unlike(TableDefinition known, TableMap map, TableMapMetadata metadata) {
        Set<String> out = new HashSet<>();
        for (int i = 0; i < map.columnCount(); i++) {
            String name = metadata.names().get(i);
            if (fittingColumn(Optional.of(known), name, i, map, metadata).isEmpty()) {
                out.add(name);
            }
        }
        return out;
    }

    /** Names of the columns whose kind the event leaves open, out of those that are asked for. */
    List<String> ambiguous(TableMap map, TableMapMetadata metadata, Predicate<String> which) {
        List<String> out = new ArrayList<>();
        for (int i = 0; i < map.columnCount(); i++) {
            if (fit.isAmbiguous(i, map, metadata) && which.test(metadata.names().get(i))) {
                out.add(metadata.names().get(i));
            }
        }
        return out;
    }

    private Optional<Column> fittingColumn(
            Optional<TableDefinition> in,
            String name,
            int i,
            TableMap map,
            TableMapMetadata metadata) {
        return in.filter(d -> d.ordinalOf(name) >= 0)
                .map(d ->
                        ColumnTypes.withNullable(
                                d.columns().get(d.ordinalOf(name)), map.isNullable(i)))
                .filter(c -> fit.columnFits(c, i, map, metadata));
    }

    /**
     * Column by column what is known of it: the tracked one if it fits, else the server's of now if
     * that fits, else what the event tells.
     */
    TableDefinition fromMetadata(
            TableMap map,
            TableMapMetadata metadata,
            @Nullable TableDefinition previous,
            Optional<TableDefinition> found,
            Text defaults) {
        TableName name = map.name();
        List<Column> columns = new ArrayList<>();
        Set<String> same = new HashSet<>();
        List<Column> told = metadata.columns();
        Optional<TableDefinition> tracked = Optional.ofNullable(previous);
        int firstHash = map.mariaDb() ? firstRowHash(told, map) : told.size();
        int rowTimes = map.mariaDb() ? firstRowTime(told, firstHash) : told.size();
        for (int i = 0; i < told.size(); i++) {
            Column column = told.get(i);
            Optional<Column> known = fittingColumn(tracked, column.name(), i, map, metadata);
            if (known.isPresent()) {
                same.add(TableDefinition.fold(column.name()));
            } else {
                known = fittingColumn(found, column.name(), i, map, metadata);
            }
            if (known.isPresent()) {
                columns.add(ColumnTypes.renamed(known.get(), column.name()));
            } else if (i >= firstHash) {
                columns.add(rowHash(column.name()));
            } else if (i == rowTimes || i == rowTimes + 1) {
                columns.add(ColumnTypes.rowTimes().get(i - rowTimes));
            } else if (fit.isAmbiguous(i, map, metadata)) {
                throw new MillraceException(
                        ErrorCode.SCHEMA_MISMATCH,
                        "column "
                                + name
                                + "."
                                + column.name()
                                + " is "
                                + column.typeText()
                                + " or a type that looks like it in the binlog (UUID, INET4,"
                                + " INET6, VECTOR), and neither the job's history nor the server"
                                + " knows such a column: start the job at a later position, or"
                                + " exclude the table with a filter rule");
            } else {
                columns.add(column);
            }
        }
        List<KeyDefinition> keys = new ArrayList<>();
        if (!metadata.primaryKey().isEmpty()) {
            List<KeyDefinition.Part> parts = new ArrayList<>();
            for (TableMapMetadata.KeyPart part : metadata.primaryKey()) {
                parts.add(
                        new KeyDefinition.Part(
                                columns.get(part.column()).name(), part.prefixLength()));
            }
            keys.add(new KeyDefinition("PRIMARY", KeyDefinition.Kind.PRIMARY, parts, false));
        }
        if (previous != null) {
            for (KeyDefinition key : previous.keys()) {
                boolean stillThere =
                        key.kind() != KeyDefinition.Kind.PRIMARY
                                && key.parts().stream()
                                        .allMatch(p ->
                                                same.contains(TableDefinition.fold(p.column())));
                if (stillThere) {
                    keys.add(key);
                }
            }
        }
        Text text =
                previous == null ? defaults : new Text(previous.charset(), previous.collation());
        return new TableDefinition(name, text.charset(), text.collation(), columns, keys);
    }

    /** Where the columns of MariaDB's own begin that hold hashes of unique keys. */
    private static int firstRowHash(List<Column> told, TableMap map) {
        int first = told.size();
        while (first > 0
                && ROW_HASH_NAME.matcher(told.get(first - 1).name()).matches()
                && map.columnType(first - 1) == WireTypes.LONGLONG) {
            first--;
        }
        return first;
    }

    /** Where MariaDB's own columns of a row's time begin, or the number of columns. */
    private static int firstRowTime(List<Column> told, int end) {
        boolean has =
                end >= 2
                        && told.get(end - 2).name().equals("row_start")
                        && told.get(end - 1).name().equals("row_end")
                        && told.get(end - 2).typeText().equals("timestamp(6)")
                        && told.get(end - 1).typeText().equals("timestamp(6)")
                        && !told.get(end - 1).nullable();
        return has ? end - 2 : told.size();
    }

    private static Column rowHash(String name) {
        return ColumnTypes.hidden(
                name, ColumnKind.BIGINT, "bigint(20) unsigned", 0, Column.Generated.VIRTUAL);
    }
}
