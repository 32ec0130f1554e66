package io.millrace.connect.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.testkit.servers.DbServer;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Tables of a MySQL with ids 1, 2, 3…, connectors for them, and a look whether all ids arrived. */
final class ShopTables {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(90);

    private final DbServer mysql;

    ShopTables(DbServer mysql) {
        this.mysql = mysql;
        mysql.execute("CREATE DATABASE shop");
    }

    /** An empty table. */
    void create(String table) {
        mysql.execute(
                "CREATE TABLE shop."
                        + table
                        + " (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100))");
    }

    /** Body of a request for a connector of the table's name; its topic is {@link #topic}. */
    static String connector(DbServer mysql, String table, String kafka, int serverId) {
        ObjectNode config = JSON.createObjectNode();
        config.put("connector.class", "io.debezium.connector.mysql.MySqlConnector");
        config.put("database.hostname", mysql.host());
        config.put("database.port", Integer.toString(mysql.port()));
        config.put("database.user", mysql.rootUser());
        config.put("database.password", mysql.rootPassword());
        config.put("database.server.id", Integer.toString(serverId));
        config.put("topic.prefix", table);
        config.put("table.include.list", "shop." + table);
        config.put("schema.history.internal.kafka.bootstrap.servers", kafka);
        config.put("schema.history.internal.kafka.topic", table + "-history");
        config.put("poll.interval.ms", "50");
        // By default it looks every 60 s whether the MySQL is still there, and believes it when
        // it was gone at two looks.
        config.put("connect.keep.alive.interval.ms", "2000");
        ObjectNode body = JSON.createObjectNode();
        body.put("name", table);
        body.set("config", config);
        return body.toString();
    }

    static String topic(String table) {
        return table + ".shop." + table;
    }

    /** Adds rows until it is closed; goes on when the server was away. */
    final class Load implements AutoCloseable {
        private final AtomicInteger written = new AtomicInteger();
        private final Thread thread;
        private volatile boolean closed;

        Load(String... tables) {
            thread = Thread.ofPlatform().name("load").start(() -> run(tables));
        }

        private void run(String... tables) {
            while (!closed) {
                try (Connection connection = mysql.connect("shop")) {
                    while (!closed) {
                        for (String table : tables) {
                            try (PreparedStatement insert =
                                    connection.prepareStatement(
                                            "INSERT INTO " + table + " (name) VALUES ('row')")) {
                                insert.executeUpdate();
                            }
                        }
                        written.incrementAndGet();
                        pause(5);
                    }
                } catch (SQLException e) {
                    pause(100); // the server is restarted
                }
            }
        }

        /** Waits until this many more rows are in each table. */
        void awaitMore(int rows) {
            int wanted = written.get() + rows;
            long deadline = System.nanoTime() + PATIENCE_NANOS;
            while (written.get() < wanted) {
                assertThat(System.nanoTime()).as("rows are written").isLessThan(deadline);
                pause(10);
            }
        }

        @Override
        public void close() throws InterruptedException {
            closed = true;
            thread.join();
        }
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Records in the topic, duplicates counted; 0 when there is no topic. */
    static long records(String kafka, String table) {
        try (KafkaConsumer<String, String> consumer = consumer(kafka)) {
            TopicPartition at = new TopicPartition(topic(table), 0);
            return consumer.partitionsFor(at.topic()).isEmpty()
                    ? 0
                    : consumer.endOffsets(List.of(at)).getOrDefault(at, 0L);
        }
    }

    /** Waits until each row of the table is in the topic; the number of records there. */
    long awaitComplete(String kafka, String table) throws IOException {
        BitSet wanted = ids(table);
        long records = 0;
        BitSet found = new BitSet();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        try (KafkaConsumer<String, String> consumer = consumer(kafka)) {
            TopicPartition at = new TopicPartition(topic(table), 0);
            consumer.assign(List.of(at));
            consumer.seekToBeginning(List.of(at));
            while (true) {
                for (ConsumerRecord<String, String> record :
                        consumer.poll(Duration.ofMillis(200))) {
                    JsonNode key = JSON.readTree(record.key());
                    found.set(key.path("id").asInt());
                    records++;
                }
                BitSet missing = (BitSet) wanted.clone();
                missing.andNot(found);
                if (missing.isEmpty()) {
                    return records;
                }
                if (System.nanoTime() > deadline) {
                    throw new AssertionError(
                            missing.cardinality()
                                    + " of "
                                    + wanted.cardinality()
                                    + " rows are missing in "
                                    + at.topic()
                                    + ", the first is "
                                    + missing.nextSetBit(0)
                                    + ", the last "
                                    + missing.length());
                }
            }
        }
    }

    private BitSet ids(String table) {
        BitSet ids = new BitSet();
        try (Connection connection = mysql.connect("shop");
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT id FROM " + table)) {
            while (rows.next()) {
                ids.set(rows.getInt(1));
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
        assertThat(ids.isEmpty()).as("rows in %s", table).isFalse();
        return ids;
    }

    private static KafkaConsumer<String, String> consumer(String kafka) {
        return new KafkaConsumer<>(
                Map.of(
                        "bootstrap.servers",
                        kafka,
                        "auto.offset.reset",
                        "earliest",
                        "allow.auto.create.topics",
                        "false"),
                new StringDeserializer(),
                new StringDeserializer());
    }
}
