package io.millrace.testkit.replay;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Replays a canal-json topic of one partition into a database, as a consumer of that format would:
 * rows in order, applied so that a repeated message changes nothing, DDL executed. Reads the
 * messages with a JSON library only.
 *
 * <p>Keys are the old image where there is one: an UPDATE that changes its key removes the old row.
 */
public final class CanalJsonReplay implements AutoCloseable {
    /** Results of a repeated DDL: exists already, or gone already. */
    private static final List<Integer> DONE_ALREADY =
            List.of(
                    1007, 1008, 1050, 1051, 1060, 1061, 1062, 1068, 1091, 1146, 1054, 1049, 4092,
                    4093);

    private static final List<String> BINARY =
            List.of(
                    "binary",
                    "varbinary",
                    "tinyblob",
                    "blob",
                    "mediumblob",
                    "longblob",
                    "geometry");

    private final Connection target;
    private final Statement ddl;
    private final ObjectMapper json = new ObjectMapper();
    private final Map<String, PreparedStatement> statements = new HashMap<>();
    private long rows;
    private long ddls;

    public CanalJsonReplay(Connection target) throws SQLException {
        this.target = target;
        this.ddl = target.createStatement();
        ddl.execute(
                "SET SESSION foreign_key_checks=0, time_zone='+00:00', sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
        target.setAutoCommit(false);
    }

    /** Rows applied. */
    public long rows() {
        return rows;
    }

    /** DDL statements applied. */
    public long ddls() {
        return ddls;
    }

    /** Applies everything that the topic holds now. */
    public void replay(String bootstrap, String topic) throws SQLException {
        Map<String, Object> settings =
                Map.of(
                        "bootstrap.servers",
                        bootstrap,
                        "enable.auto.commit",
                        false,
                        "isolation.level",
                        "read_committed",
                        "max.poll.records",
                        5000,
                        "fetch.max.bytes",
                        64 << 20);
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end =
                    consumer.endOffsets(List.of(partition)).values().stream()
                            .mapToLong(Long::longValue)
                            .sum();
            while (consumer.position(partition) < end) {
                for (ConsumerRecord<byte[], byte[]> message :
                        consumer.poll(Duration.ofMillis(200))) {
                    apply(message.value());
                }
                target.commit();
            }
        }
    }

    /** Applies one message. */
    public void apply(byte[] message) throws SQLException {
        JsonNode node;
        try {
            node = json.readTree(new String(message, StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(
                    "not JSON: " + new String(message, StandardCharsets.UTF_8), e);
        }
        String type = node.get("type").asText();
        if (type.equals("TIDB_WATERMARK")) {
            return;
        }
        if (node.get("isDdl").asBoolean()) {
            applyDdl(node);
            return;
        }
        String table =
                quoted(node.get("database").asText()) + "." + quoted(node.get("table").asText());
        JsonNode data = node.get("data").get(0);
        JsonNode types = node.get("mysqlType");
        switch (type) {
            case "INSERT" -> replace(table, data, types);
            case "UPDATE" -> {
                delete(table, node, mergedOld(node.get("old").get(0), data), types);
                replace(table, data, types);
            }
            case "DELETE" -> delete(table, node, data, types);
            default -> throw new IllegalStateException("unknown type " + type);
        }
        rows++;
    }

    /** The old row: with only-updated-columns the message holds just what changed. */
    private JsonNode mergedOld(JsonNode old, JsonNode data) {
        com.fasterxml.jackson.databind.node.ObjectNode merged = data.deepCopy();
        old.properties().forEach(entry -> merged.set(entry.getKey(), entry.getValue()));
        return merged;
    }

    private void applyDdl(JsonNode node) throws SQLException {
        target.commit();
        closeStatements();
        String database = node.get("database").asText("");
        String sql = node.get("sql").asText();
        try {
            if (!database.isEmpty() && !node.get("type").asText().equals("QUERY")) {
                ddl.execute("USE " + quoted(database));
            }
            ddl.execute(sql);
        } catch (SQLException e) {
            if (!DONE_ALREADY.contains(e.getErrorCode())) {
                throw new SQLException("replaying DDL failed: " + sql, e);
            }
        }
        ddls++;
    }

    private void replace(String table, JsonNode data, JsonNode types) throws SQLException {
        StringBuilder sql = new StringBuilder("REPLACE INTO ").append(table).append(" (");
        StringBuilder marks = new StringBuilder();
        List<String> columns = new ArrayList<>();
        for (Iterator<String> names = data.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            columns.add(name);
            sql.append(columns.size() > 1 ? "," : "").append(quoted(name));
            marks.append(columns.size() > 1 ? "," : "").append('?');
        }
        PreparedStatement statement = prepared(sql + ") VALUES (" + marks + ")");
        for (int i = 0; i < columns.size(); i++) {
            bind(statement, i + 1, data.get(columns.get(i)), types.get(columns.get(i)).asText());
        }
        statement.executeUpdate();
    }

    private void delete(String table, JsonNode node, JsonNode row, JsonNode types)
            throws SQLException {
        List<String> columns = new ArrayList<>();
        node.get("pkNames").forEach(name -> columns.add(name.asText()));
        if (columns.isEmpty()) {
            row.fieldNames().forEachRemaining(columns::add);
        }
        StringBuilder sql = new StringBuilder("DELETE FROM ").append(table).append(" WHERE ");
        for (int i = 0; i < columns.size(); i++) {
            sql.append(i > 0 ? " AND " : "").append(quoted(columns.get(i))).append("<=>?");
        }
        PreparedStatement statement = prepared(sql + " LIMIT 1");
        for (int i = 0; i < columns.size(); i++) {
            bind(statement, i + 1, row.get(columns.get(i)), types.get(columns.get(i)).asText());
        }
        statement.executeUpdate();
    }

    private static void bind(PreparedStatement statement, int at, JsonNode value, String type)
            throws SQLException {
        if (value.isNull()) {
            statement.setString(at, null);
        } else if (BINARY.contains(type)) {
            statement.setBytes(at, value.asText().getBytes(StandardCharsets.ISO_8859_1));
        } else if (type.startsWith("enum") || type.startsWith("set") || type.startsWith("bit")) {
            // Written as numbers; as text they would be taken for an element or for bytes.
            statement.setBigDecimal(at, new java.math.BigDecimal(value.asText()));
        } else {
            statement.setString(at, value.asText());
        }
    }

    private PreparedStatement prepared(String sql) throws SQLException {
        PreparedStatement statement = statements.get(sql);
        if (statement == null) {
            statement = target.prepareStatement(sql);
            statements.put(sql, statement);
        }
        return statement;
    }

    private void closeStatements() throws SQLException {
        for (PreparedStatement statement : statements.values()) {
            statement.close();
        }
        statements.clear();
    }

    private static String quoted(String identifier) {
        return "`" + identifier.replace("`", "``") + "`";
    }

    @Override
    public void close() throws SQLException {
        target.commit();
        closeStatements();
        ddl.close();
    }
}
