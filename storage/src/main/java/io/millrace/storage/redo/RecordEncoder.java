package io.millrace.storage.redo;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SessionState;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Turns events into records of a log. A record of rows holds one batch: the table's definition once
 * and the images of each row, so that a reader needs nothing beside the log. Belongs to one thread.
 *
 * <p>The map in a record is {@code {row, ddl, type}}; {@code type} is 1 for rows and 2 for DDL, and
 * the other one of {@code row} and {@code ddl} is nil. Names of fields: see the user guide.
 */
final class RecordEncoder {
    static final int TYPE_ROW = 1;
    static final int TYPE_DDL = 2;

    /** Extension type of a cell that the row image does not hold. */
    static final int ABSENT = 1;

    /** Table versions remembered before the memory is wiped. */
    private static final int REMEMBERED = 1 << 12;

    private final ByteSink out;
    private final MessagePackOut pack;
    private final Map<TableSchema, byte[]> tables = new IdentityHashMap<>();

    /**
     * @param out where records go
     */
    RecordEncoder(ByteSink out) {
        this.out = out;
        this.pack = new MessagePackOut(out);
    }

    /** Appends a batch. */
    void rows(RowBatch batch) {
        int frame = LogFrames.open(out);
        pack.map(3);
        pack.text("row");
        pack.map(9);
        pack.text("startTs");
        // A MySQL transaction has no start TSO.
        pack.unsigned(batch.commitTso());
        pack.text("commitTs");
        pack.unsigned(batch.commitTso());
        pack.text("event");
        pack.number(batch.eventIndex());
        pack.text("last");
        pack.flag(batch.lastOfTransaction());
        pack.text("op");
        pack.text(
                switch (batch.op()) {
                    case RowBatch.INSERT -> "insert";
                    case RowBatch.UPDATE -> "update";
                    default -> "delete";
                });
        pack.text("size");
        pack.number(batch.sizeBytes());
        pack.text("fk");
        pack.flag(batch.checksForeignKeys());
        pack.text("table");
        out.put(table(batch.schema()));
        pack.text("rows");
        pack.array(batch.rowCount());
        RowView row = batch.rows();
        TableSchema schema = batch.schema();
        boolean before = batch.op() != RowBatch.INSERT;
        boolean after = batch.op() != RowBatch.DELETE;
        int position = 0;
        while (row.next()) {
            // Rows that a filter left out still count.
            boolean gap = row.index() != position++;
            pack.map((before && after ? 2 : 1) + (gap ? 1 : 0));
            if (gap) {
                pack.text("index");
                pack.number(row.index());
            }
            if (before) {
                pack.text("before");
                image(schema, row, RowView.BEFORE);
            }
            if (after) {
                pack.text("after");
                image(schema, row, RowView.AFTER);
            }
        }
        pack.text("ddl");
        pack.nil();
        pack.text("type");
        pack.number(TYPE_ROW);
        LogFrames.close(out, frame);
    }

    private void image(TableSchema schema, RowView row, int image) {
        int columns = schema.columns().size();
        pack.array(columns);
        for (int i = 0; i < columns; i++) {
            if (!row.isPresent(image, i)) {
                pack.emptyExtension(ABSENT);
            } else if (row.isNull(image, i)) {
                pack.nil();
            } else {
                cell(schema.column(i), row, image, i);
            }
        }
    }

    private void cell(Column column, RowView row, int image, int i) {
        switch (column.kind().access()) {
            case LONG -> {
                long value = row.longValue(image, i);
                if (value >= 0 || isUnsigned(column)) {
                    pack.unsigned(value);
                } else {
                    pack.number(value);
                }
            }
            case FLOAT, DOUBLE -> pack.real(row.doubleValue(image, i));
            case ASCII, TEXT -> {
                int at = pack.open(true);
                row.appendText(image, i, out);
                pack.close(at);
            }
            case BYTES -> {
                int at = pack.open(false);
                row.appendBytes(image, i, out);
                pack.close(at);
            }
        }
    }

    private static boolean isUnsigned(Column column) {
        return switch (column.kind()) {
            case BIT, SET, ENUM, YEAR -> true;
            default -> column.unsigned();
        };
    }

    private byte[] table(TableSchema schema) {
        byte[] known = tables.get(schema);
        if (known == null) {
            ByteSink bytes = new ByteSink(1024);
            putTable(new MessagePackOut(bytes), schema);
            known = bytes.toByteArray();
            if (tables.size() >= REMEMBERED) {
                tables.clear();
            }
            tables.put(schema, known);
        }
        return known;
    }

    /** Appends a DDL. */
    void ddl(SchemaChange change) {
        int frame = LogFrames.open(out);
        pack.map(3);
        pack.text("row");
        pack.nil();
        pack.text("ddl");
        pack.map(6);
        pack.text("startTs");
        pack.unsigned(change.commitTso());
        pack.text("commitTs");
        pack.unsigned(change.commitTso());
        pack.text("query");
        pack.text(change.query());
        pack.text("defaultSchema");
        pack.text(change.defaultSchema());
        pack.text("session");
        session(change.session());
        pack.text("changes");
        pack.array(change.changes().size());
        for (SchemaChange.Change part : change.changes()) {
            pack.map(6);
            pack.text("kind");
            pack.text(part.kind().name());
            pack.text("name");
            name(Optional.of(part.name()));
            pack.text("newName");
            name(part.newName());
            pack.text("before");
            table(part.before());
            pack.text("after");
            table(part.after());
            pack.text("query");
            pack.text(part.query());
        }
        pack.text("type");
        pack.number(TYPE_DDL);
        LogFrames.close(out, frame);
    }

    private void name(Optional<TableName> name) {
        if (name.isEmpty()) {
            pack.nil();
            return;
        }
        pack.array(2);
        pack.text(name.get().schema());
        pack.text(name.get().table());
    }

    private void table(Optional<TableSchema> schema) {
        if (schema.isEmpty()) {
            pack.nil();
        } else {
            putTable(pack, schema.get());
        }
    }

    private void session(SessionState session) {
        pack.map(7);
        pack.text("executedAtMicros");
        pack.number(session.executedAtMicros());
        pack.text("timeZone");
        pack.text(session.timeZone());
        pack.text("sqlModes");
        if (session.sqlModes().isEmpty()) {
            pack.nil();
        } else {
            texts(pack, session.sqlModes().get().stream().sorted().toList());
        }
        pack.text("connectionCollation");
        pack.text(session.connectionCollation());
        pack.text("serverCollation");
        pack.text(session.serverCollation());
        pack.text("utf8mb4Collation");
        pack.text(session.utf8mb4Collation());
        pack.text("explicitTimestampDefaults");
        if (session.explicitTimestampDefaults().isEmpty()) {
            pack.nil();
        } else {
            pack.flag(session.explicitTimestampDefaults().get());
        }
    }

    private static void texts(MessagePackOut pack, List<String> texts) {
        pack.array(texts.size());
        texts.forEach(pack::text);
    }

    private static void putTable(MessagePackOut pack, TableSchema schema) {
        pack.map(6);
        pack.text("id");
        pack.unsigned(schema.tableId());
        pack.text("version");
        pack.number(schema.version());
        pack.text("schema");
        pack.text(schema.name().schema());
        pack.text("name");
        pack.text(schema.name().table());
        pack.text("keys");
        pack.array(schema.keys().size());
        for (TableSchema.Key key : schema.keys()) {
            pack.map(3);
            pack.text("name");
            pack.text(key.name());
            pack.text("primary");
            pack.flag(key.primary());
            pack.text("columns");
            pack.array(key.columns().size());
            key.columns().forEach(ordinal -> pack.number(ordinal));
        }
        pack.text("columns");
        pack.array(schema.columns().size());
        for (Column column : schema.columns()) {
            pack.map(column.defaultValue().isPresent() ? 13 : 12);
            pack.text("name");
            pack.text(column.name());
            pack.text("kind");
            pack.text(column.kind().name());
            pack.text("type");
            pack.text(column.typeText());
            pack.text("unsigned");
            pack.flag(column.unsigned());
            pack.text("nullable");
            pack.flag(column.nullable());
            pack.text("length");
            pack.number(column.length());
            pack.text("scale");
            pack.number(column.scale());
            pack.text("charset");
            pack.text(column.charset());
            pack.text("collation");
            pack.text(column.collation());
            pack.text("elements");
            texts(pack, column.elements());
            pack.text("generated");
            pack.text(column.generated().name());
            pack.text("invisible");
            pack.flag(column.invisible());
            if (column.defaultValue().isPresent()) {
                pack.text("default");
                pack.text(column.defaultValue().get());
            }
        }
    }
}
