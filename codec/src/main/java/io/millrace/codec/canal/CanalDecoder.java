package io.millrace.codec.canal;

import io.millrace.codec.canaljson.SqlTypes;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.decode.MessageDecoder;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads canal messages. Values are typed by what the message says of the column: ENUM, SET and BIT
 * are numbers, dates and times are texts. The format does not tell commit TSOs. Thread-safe.
 */
public final class CanalDecoder implements MessageDecoder {
    private static final int BATCH_SIZE_GUESS = 16;

    @Override
    public List<DecodedEvent> decode(byte @Nullable [] key, byte @Nullable [] value) {
        if (value == null) {
            throw WireReader.malformed("it has no value");
        }
        List<DecodedEvent> out = new ArrayList<>(BATCH_SIZE_GUESS);
        long type = 0;
        WireReader packet = new WireReader(value);
        while (packet.next()) {
            switch (packet.field()) {
                case CanalEncoder.PACKET_TYPE -> type = packet.number();
                case CanalEncoder.PACKET_BODY -> {
                    if (type != CanalEncoder.TYPE_MESSAGES) {
                        throw WireReader.malformed("a packet of type " + type);
                    }
                    WireReader messages = packet.message();
                    while (messages.next()) {
                        if (messages.field() == CanalEncoder.MESSAGES_ENTRY) {
                            entry(messages.message(), out);
                        }
                    }
                }
                default -> {}
            }
        }
        return out;
    }

    private static void entry(WireReader entry, List<DecodedEvent> out) {
        String schema = "";
        String table = "";
        while (entry.next()) {
            if (entry.field() == CanalEncoder.ENTRY_HEADER) {
                WireReader header = entry.message();
                while (header.next()) {
                    switch (header.field()) {
                        case CanalEncoder.HEADER_SCHEMA -> schema = header.text();
                        case CanalEncoder.HEADER_TABLE -> table = header.text();
                        default -> {}
                    }
                }
            } else if (entry.field() == CanalEncoder.ENTRY_STORE_VALUE) {
                change(new TableName(schema, table), entry.message(), out);
            }
        }
    }

    private static void change(TableName table, WireReader change, List<DecodedEvent> out) {
        CanalEventType type = CanalEventType.QUERY;
        boolean ddl = false;
        String sql = "";
        while (change.next()) {
            switch (change.field()) {
                case CanalEncoder.CHANGE_EVENT_TYPE -> type = CanalEventType.of(change.number());
                case CanalEncoder.CHANGE_IS_DDL -> ddl = change.number() != 0;
                case CanalEncoder.CHANGE_SQL -> sql = change.text();
                case CanalEncoder.CHANGE_ROW_DATAS -> out.add(row(table, type, change.message()));
                default -> {}
            }
        }
        if (ddl) {
            out.add(new DecodedEvent.Ddl(table, 0, type.name(), sql));
        }
    }

    private static DecodedEvent.Row row(TableName table, CanalEventType type, WireReader row) {
        Map<String, @Nullable Object> before = new LinkedHashMap<>();
        Map<String, @Nullable Object> after = new LinkedHashMap<>();
        while (row.next()) {
            if (row.field() == CanalEncoder.ROW_BEFORE) {
                column(row.message(), before);
            } else if (row.field() == CanalEncoder.ROW_AFTER) {
                column(row.message(), after);
            }
        }
        int op =
                switch (type) {
                    case INSERT -> RowBatch.INSERT;
                    case UPDATE -> RowBatch.UPDATE;
                    case DELETE -> RowBatch.DELETE;
                    default -> throw WireReader.malformed("rows of event type " + type);
                };
        return new DecodedEvent.Row(table, op, 0, before, after);
    }

    private static void column(WireReader column, Map<String, @Nullable Object> out) {
        int sqlType = 0;
        String name = "";
        boolean isNull = false;
        String text = "";
        String mysqlType = "";
        while (column.next()) {
            switch (column.field()) {
                case CanalColumns.SQL_TYPE -> sqlType = (int) column.number();
                case CanalColumns.NAME -> name = column.text();
                case CanalColumns.IS_NULL -> isNull = column.number() != 0;
                case CanalColumns.VALUE -> text = column.text();
                case CanalColumns.MYSQL_TYPE -> mysqlType = column.text();
                default -> {}
            }
        }
        out.put(name, isNull ? null : SqlTypes.parse(sqlType, mysqlType, text));
    }
}
