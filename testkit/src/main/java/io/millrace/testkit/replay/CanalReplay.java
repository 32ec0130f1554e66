package io.millrace.testkit.replay;

import com.alibaba.otter.canal.protocol.CanalEntry;
import com.alibaba.otter.canal.protocol.CanalPacket;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Replays a canal topic, which it reads with Alibaba Canal's own message classes. */
public final class CanalReplay extends TopicReplay {
    public CanalReplay(Connection target) throws SQLException {
        super(target);
    }

    @Override
    public void apply(byte @Nullable [] key, byte @Nullable [] value) throws SQLException {
        try {
            CanalPacket.Packet packet = CanalPacket.Packet.parseFrom(value);
            for (ByteString entry :
                    CanalPacket.Messages.parseFrom(packet.getBody()).getMessagesList()) {
                apply(CanalEntry.Entry.parseFrom(entry));
            }
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("not a packet of Canal", e);
        }
    }

    private void apply(CanalEntry.Entry entry) throws SQLException, InvalidProtocolBufferException {
        CanalEntry.RowChange change = CanalEntry.RowChange.parseFrom(entry.getStoreValue());
        if (change.getIsDdl()) {
            boolean query = change.getEventType() == CanalEntry.EventType.QUERY;
            executeDdl(query ? "" : change.getDdlSchemaName(), change.getSql());
            return;
        }
        String schema = entry.getHeader().getSchemaName();
        String table = entry.getHeader().getTableName();
        for (CanalEntry.RowData data : change.getRowDatasList()) {
            Map<String, @Nullable Object> before = row(data.getBeforeColumnsList());
            Map<String, @Nullable Object> after = row(data.getAfterColumnsList());
            switch (change.getEventType()) {
                case INSERT -> insert(schema, table, after);
                case UPDATE ->
                        update(schema, table, keys(data.getBeforeColumnsList()), before, after);
                case DELETE -> delete(schema, table, keys(data.getBeforeColumnsList()), before);
                default ->
                        throw new IllegalStateException(
                                "rows of event type " + change.getEventType());
            }
        }
    }

    private static List<String> keys(List<CanalEntry.Column> columns) {
        List<String> out = new ArrayList<>();
        for (CanalEntry.Column column : columns) {
            if (column.getIsKey()) {
                out.add(column.getName());
            }
        }
        return out;
    }

    private static Map<String, @Nullable Object> row(List<CanalEntry.Column> columns) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (CanalEntry.Column column : columns) {
            out.put(
                    column.getName(),
                    column.getIsNull()
                            ? null
                            : CanalJsonReplay.value(column.getValue(), column.getMysqlType()));
        }
        return out;
    }
}
