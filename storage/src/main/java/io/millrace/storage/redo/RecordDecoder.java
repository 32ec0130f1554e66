package io.millrace.storage.redo;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SessionState;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePackException;
import org.msgpack.core.MessageUnpacker;
import org.msgpack.value.Value;
import org.msgpack.value.ValueType;

/**
 * Reads records back. The same table version is the same {@link TableSchema} object for as long as
 * the decoder lives. Belongs to one thread.
 */
final class RecordDecoder {
    /** A record's place in the stream: TSO, then event; a DDL has the event -1. */
    record Key(long tso, int event) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int byTso = Long.compareUnsigned(tso, other.tso);
            return byTso != 0 ? byTso : Integer.compare(event, other.event);
        }
    }

    private static final int REMEMBERED = 1 << 12;

    private final Map<ByteBuffer, TableSchema> tables = new HashMap<>();

    /**
     * A record's place.
     *
     * @throws IOException not a record
     */
    Key key(byte[] record) throws IOException {
        try (MessageUnpacker in = MessagePack.newDefaultUnpacker(record)) {
            long tso = 0;
            int event = -1;
            int outer = in.unpackMapHeader();
            for (int i = 0; i < outer; i++) {
                in.unpackString();
                if (in.getNextFormat().getValueType() != ValueType.MAP) {
                    in.skipValue();
                    continue;
                }
                int entries = in.unpackMapHeader();
                int found = 0;
                for (int j = 0; j < entries; j++) {
                    switch (in.unpackString()) {
                        case "commitTs" -> {
                            tso = in.unpackBigInteger().longValue();
                            found++;
                        }
                        case "event" -> {
                            event = in.unpackInt();
                            found++;
                        }
                        default -> in.skipValue();
                    }
                    if (found == 2) {
                        return new Key(tso, event);
                    }
                }
            }
            return new Key(tso, event);
        } catch (MessagePackException e) {
            throw new IOException("a record is not what it should be: " + e.getMessage(), e);
        }
    }

    /** Whether it is a DDL. */
    static boolean isDdl(Key key) {
        return key.event() < 0;
    }

    /**
     * Rows.
     *
     * @param last whether no more of the transaction follow
     * @param inverted what undoes them: rows in reverse order, images exchanged
     * @param key under which place they are shown
     */
    RowBatch rows(byte[] record, boolean last, boolean inverted, Key key) throws IOException {
        try (MessageUnpacker in = MessagePack.newDefaultUnpacker(record)) {
            int outer = in.unpackMapHeader();
            for (int i = 0; i < outer; i++) {
                if (!in.unpackString().equals("row")) {
                    in.skipValue();
                    continue;
                }
                int entries = in.unpackMapHeader();
                int op = 0;
                TableSchema schema = null;
                // A log of an earlier version does not tell; the server's default is to check.
                boolean foreignKeys = true;
                for (int j = 0; j < entries; j++) {
                    switch (in.unpackString()) {
                        case "op" ->
                                op =
                                        switch (in.unpackString()) {
                                            case "insert" -> RowBatch.INSERT;
                                            case "update" -> RowBatch.UPDATE;
                                            default -> RowBatch.DELETE;
                                        };
                        case "fk" -> foreignKeys = in.unpackBoolean();
                        case "table" -> schema = table(record, in);
                        case "rows" -> {
                            if (op == 0 || schema == null) {
                                throw new IOException("a record's rows come before their table");
                            }
                            RedoRowBatch.Builder batch =
                                    new RedoRowBatch.Builder(
                                            schema,
                                            inverted ? inverse(op) : op,
                                            in.unpackArrayHeader(),
                                            record.length,
                                            last,
                                            key,
                                            // What undoes a row leaves the others alone.
                                            foreignKeys && !inverted);
                            return images(in, batch, inverted);
                        }
                        default -> in.skipValue();
                    }
                }
            }
            throw new IOException("a record of rows has none");
        } catch (MessagePackException e) {
            throw new IOException("a record is not what it should be: " + e.getMessage(), e);
        }
    }

    private static int inverse(int op) {
        return op == RowBatch.UPDATE ? op : RowBatch.INSERT + RowBatch.DELETE - op;
    }

    private static RowBatch images(MessageUnpacker in, RedoRowBatch.Builder batch, boolean inverted)
            throws IOException {
        int rows = batch.rows();
        for (int row = 0; row < rows; row++) {
            int entries = in.unpackMapHeader();
            int at = inverted ? rows - 1 - row : row;
            int index = row;
            for (int i = 0; i < entries; i++) {
                switch (in.unpackString()) {
                    case "index" -> index = in.unpackInt();
                    case "before" -> image(in, batch, at, inverted ? 1 : 0);
                    case "after" -> image(in, batch, at, inverted ? 0 : 1);
                    default -> in.skipValue();
                }
            }
            batch.index(at, inverted ? at : index);
        }
        return batch.build();
    }

    private static void image(MessageUnpacker in, RedoRowBatch.Builder batch, int row, int image)
            throws IOException {
        int columns = in.unpackArrayHeader();
        for (int column = 0; column < columns; column++) {
            switch (in.getNextFormat().getValueType()) {
                case NIL -> {
                    in.unpackNil();
                    batch.setNull(row, image, column);
                }
                case INTEGER -> batch.number(row, image, column, in.unpackBigInteger().longValue());
                case FLOAT ->
                        batch.number(
                                row, image, column, Double.doubleToRawLongBits(in.unpackDouble()));
                case STRING ->
                        batch.bytes(row, image, column, in.readPayload(in.unpackRawStringHeader()));
                case BINARY ->
                        batch.bytes(row, image, column, in.readPayload(in.unpackBinaryHeader()));
                default -> in.skipValue(); // not in the image
            }
        }
    }

    /** The definition at the unpacker's place, known by its bytes. */
    private TableSchema table(byte[] record, MessageUnpacker in) throws IOException {
        int from = (int) in.getTotalReadBytes();
        in.skipValue();
        int length = (int) in.getTotalReadBytes() - from;
        TableSchema known = tables.get(ByteBuffer.wrap(record, from, length));
        if (known != null) {
            return known;
        }
        byte[] own = java.util.Arrays.copyOfRange(record, from, from + length);
        try (MessageUnpacker again = MessagePack.newDefaultUnpacker(own)) {
            TableSchema schema = table(again.unpackValue());
            if (tables.size() >= REMEMBERED) {
                tables.clear();
            }
            tables.put(ByteBuffer.wrap(own), schema);
            return schema;
        }
    }

    /**
     * A DDL.
     *
     * @param key its place
     */
    SchemaChange ddl(byte[] record, Key key) throws IOException {
        try (MessageUnpacker in = MessagePack.newDefaultUnpacker(record)) {
            Map<String, Value> ddl = map(map(in.unpackValue()).get("ddl"));
            List<SchemaChange.Change> changes = new ArrayList<>();
            for (Value element : list(ddl.get("changes"))) {
                Map<String, Value> change = map(element);
                changes.add(
                        new SchemaChange.Change(
                                DdlKind.valueOf(text(change.get("kind"))),
                                name(change.get("name")).orElseThrow(),
                                name(change.get("newName")),
                                optionalTable(change.get("before")),
                                optionalTable(change.get("after")),
                                text(change.get("query"))));
            }
            return new SchemaChange(
                    key.tso(),
                    new RedoPosition(key.tso(), true),
                    text(ddl.get("query")),
                    text(ddl.get("defaultSchema")),
                    session(map(ddl.get("session"))),
                    changes);
        } catch (MessagePackException | java.util.NoSuchElementException e) {
            throw new IOException("a record is not what it should be: " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new IOException("a record was written by a later version: " + e.getMessage(), e);
        }
    }

    private static SessionState session(Map<String, Value> map) throws IOException {
        Value modes = map.get("sqlModes");
        Value explicit = map.get("explicitTimestampDefaults");
        Set<String> modeNames = new LinkedHashSet<>();
        if (isThere(modes)) {
            for (Value mode : list(modes)) {
                modeNames.add(text(mode));
            }
        }
        return new SessionState(
                number(map.get("executedAtMicros")),
                text(map.get("timeZone")),
                isThere(modes) ? Optional.of(modeNames) : Optional.empty(),
                text(map.get("connectionCollation")),
                text(map.get("serverCollation")),
                text(map.get("utf8mb4Collation")),
                isThere(explicit) ? Optional.of(flag(explicit)) : Optional.empty());
    }

    private static Optional<TableSchema> optionalTable(@Nullable Value value) throws IOException {
        return isThere(value) ? Optional.of(table(value)) : Optional.empty();
    }

    private static TableSchema table(@Nullable Value value) throws IOException {
        Map<String, Value> map = map(value);
        List<Column> columns = new ArrayList<>();
        for (Value element : list(map.get("columns"))) {
            Map<String, Value> column = map(element);
            List<String> elements = new ArrayList<>();
            for (Value name : list(column.get("elements"))) {
                elements.add(text(name));
            }
            columns.add(
                    new Column(
                            text(column.get("name")),
                            ColumnKind.valueOf(text(column.get("kind"))),
                            text(column.get("type")),
                            flag(column.get("unsigned")),
                            flag(column.get("nullable")),
                            (int) number(column.get("length")),
                            (int) number(column.get("scale")),
                            text(column.get("charset")),
                            text(column.get("collation")),
                            elements,
                            Column.Generated.valueOf(text(column.get("generated"))),
                            flag(column.get("invisible")),
                            column.containsKey("default")
                                    ? Optional.of(text(column.get("default")))
                                    : Optional.empty()));
        }
        List<TableSchema.Key> keys = new ArrayList<>();
        for (Value element : list(map.get("keys"))) {
            Map<String, Value> key = map(element);
            List<Integer> ordinals = new ArrayList<>();
            for (Value ordinal : list(key.get("columns"))) {
                ordinals.add((int) number(ordinal));
            }
            keys.add(
                    new TableSchema.Key(text(key.get("name")), flag(key.get("primary")), ordinals));
        }
        return new TableSchema(
                number(map.get("id")),
                number(map.get("version")),
                new TableName(text(map.get("schema")), text(map.get("name"))),
                columns,
                keys);
    }

    private static Optional<TableName> name(@Nullable Value value) throws IOException {
        if (!isThere(value)) {
            return Optional.empty();
        }
        List<Value> parts = list(value);
        return Optional.of(new TableName(text(parts.get(0)), text(parts.get(1))));
    }

    private static boolean isThere(@Nullable Value value) {
        return value != null && !value.isNilValue();
    }

    private static Value there(@Nullable Value value) throws IOException {
        if (value == null) {
            throw new IOException("a record lacks a field");
        }
        return value;
    }

    private static Map<String, Value> map(@Nullable Value value) throws IOException {
        Map<String, Value> out = new HashMap<>();
        for (Map.Entry<Value, Value> entry : there(value).asMapValue().entrySet()) {
            out.put(entry.getKey().asStringValue().asString(), entry.getValue());
        }
        return out;
    }

    private static List<Value> list(@Nullable Value value) throws IOException {
        return there(value).asArrayValue().list();
    }

    private static String text(@Nullable Value value) throws IOException {
        return there(value).asStringValue().asString();
    }

    private static long number(@Nullable Value value) throws IOException {
        return there(value).asIntegerValue().asBigInteger().longValue();
    }

    private static boolean flag(@Nullable Value value) throws IOException {
        return there(value).asBooleanValue().getBoolean();
    }
}
