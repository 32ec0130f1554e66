package io.millrace.mysql.capture;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.QueryContext;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.TableVersions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** Table versions made from TABLE_MAP alone; reports every statement on tables as a change. */
final class PlainVersions implements TableVersions {
    private final Map<TableName, TableSchema> tables = new HashMap<>();
    final List<String> statements = new ArrayList<>();

    @Override
    public void start(Start start) {}

    @Override
    public TableSchema versionFor(
            TableMap map, long tso, Supplier<? extends SourcePosition> place) {
        return tables.computeIfAbsent(
                map.name(),
                name -> {
                    List<Column> columns = new ArrayList<>();
                    for (int i = 0; i < map.columnCount(); i++) {
                        columns.add(Column.of("c" + i, ColumnKind.INT));
                    }
                    return new TableSchema(tables.size() + 1, 1, name, columns, List.of());
                });
    }

    @Override
    public Optional<SchemaChange> onQuery(
            String sql, QueryContext context, long tso, SourcePosition after) {
        statements.add(sql);
        if (!sql.toUpperCase(java.util.Locale.ROOT).contains(" TABLE ")) {
            return Optional.empty();
        }
        TableName name = new TableName(context.defaultSchema(), "?");
        return Optional.of(
                new SchemaChange(
                        tso,
                        after,
                        sql,
                        context.defaultSchema(),
                        List.of(
                                new SchemaChange.Change(
                                        DdlKind.ALTER_TABLE,
                                        name,
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        sql))));
    }
}
