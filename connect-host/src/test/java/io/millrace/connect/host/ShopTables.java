package io.millrace.connect.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DebeziumPlugins;
import io.millrace.testkit.servers.PostgresServer;
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

/**
 * A database with tables whose ids are 1, 2, 3…, connectors for them, and a look whether all ids
 * arrived. Closing it ends the database.
 */
final class ShopTables implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(90);

    /** The databases that there are real connectors and real servers for. */
    enum Kind {
        MYSQL("io.debezium.connector.mysql.MySqlConnector"),
        MARIADB("io.debezium.connector.mariadb.MariaDbConnector"),
        POSTGRES("io.debezium.connector.postgresql.PostgresConnector");

        final String connector;

        Kind(String connector) {
            this.connector = connector;
        }

        /** What the connector of each is loaded from, as {@link HostUnderTest} takes it. */
        static String plugins() {
            return DebeziumPlugins.mysql()
                    + ","
                    + DebeziumPlugins.mariadb()
                    + ","
                    + DebeziumPlugins.postgres();
        }
    }

    final Kind kind;
    private final Server server;

    /** What the kinds of servers have in common. */
    private interface Server extends AutoCloseable {
        String host();

        int port();

        String user();

        String password();

        Connection connect() throws SQLException;

        void start();

        void kill();

        @Override
        void close();
    }

    private record MySqlLike(DbServer server) implements Server {
        @Override
        public String host() {
            return server.host();
        }

        @Override
        public int port() {
            return server.port();
        }

        @Override
        public String user() {
            return server.rootUser();
        }

        @Override
        public String password() {
            return server.rootPassword();
        }

        @Override
        public Connection connect() throws SQLException {
            return server.connect();
        }

        @Override
        public void start() {
            server.start();
        }

        @Override
        public void kill() {
            server.kill9();
        }

        @Override
        public void close() {
            server.close();
        }
    }

    private record Postgres(PostgresServer server) implements Server {
        private static final String DATABASE = "postgres";

        @Override
        public String host() {
            return server.host();
        }

        @Override
        public int port() {
            return server.port();
        }

        @Override
        public String user() {
            return server.user();
        }

        @Override
        public String password() {
            return server.password();
        }

        @Override
        public Connection connect() throws SQLException {
            return server.connect(DATABASE);
        }

        @Override
        public void start() {
            server.start();
        }

        @Override
        public void kill() {
            server.kill();
        }

        @Override
        public void close() {
            server.close();
        }
    }

    /** Starts a server of the kind. */
    ShopTables(Kind kind) {
        this.kind = kind;
        server =
                switch (kind) {
                    case MYSQL -> new MySqlLike(DbServer.mysql().start());
                    case MARIADB -> new MySqlLike(DbServer.mariadb().start());
                    case POSTGRES -> new Postgres(PostgresServer.launch());
                };
        execute("CREATE " + (kind == Kind.POSTGRES ? "SCHEMA" : "DATABASE") + " shop");
    }

    /** Runs statements one by one on one connection. */
    void execute(String... statements) {
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    /** An empty table. */
    void create(String table) {
        String number = kind == Kind.POSTGRES ? "SERIAL" : "INT AUTO_INCREMENT";
        execute(
                "CREATE TABLE shop."
                        + table
                        + " (id "
                        + number
                        + " PRIMARY KEY, name VARCHAR(100))");
    }

    /** Adds rows to a table. */
    void fill(String table, int rows) {
        String insert = "INSERT INTO shop." + table + " (name) ";
        String numbers =
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<"
                        + rows
                        + ") SELECT CONCAT('row ',i) FROM n";
        switch (kind) {
            case MYSQL -> execute("SET SESSION cte_max_recursion_depth=" + rows, insert + numbers);
            case MARIADB ->
                    execute("SET SESSION max_recursive_iterations=" + rows, insert + numbers);
            case POSTGRES -> execute(insert + numbers);
        }
    }

    /** Body of a request for a connector of the table's name; its topic is {@link #topic}. */
    String connector(String table, String kafka, int serverId) {
        ObjectNode config = JSON.createObjectNode();
        config.put("connector.class", kind.connector);
        config.put("database.hostname", server.host());
        config.put("database.port", Integer.toString(server.port()));
        config.put("database.user", server.user());
        config.put("database.password", server.password());
        config.put("topic.prefix", table);
        config.put("table.include.list", "shop." + table);
        config.put("poll.interval.ms", "50");
        config.put("retriable.restart.connector.wait.ms", "500");
        if (kind == Kind.POSTGRES) {
            config.put("database.dbname", Postgres.DATABASE);
            config.put("plugin.name", "pgoutput");
            config.put("slot.name", "slot_" + table);
            config.put("publication.name", "publication_" + table);
            config.put("publication.autocreate.mode", "filtered");
        } else {
            config.put("database.server.id", Integer.toString(serverId));
            config.put("schema.history.internal.kafka.bootstrap.servers", kafka);
            config.put("schema.history.internal.kafka.topic", table + "-history");
            // By default it looks every 60 s whether the MySQL is still there, and believes it when
            // it was gone at two looks.
            config.put("connect.keep.alive.interval.ms", "2000");
        }
        ObjectNode body = JSON.createObjectNode();
        body.put("name", table);
        body.set("config", config);
        return body.toString();
    }

    /** Ends the server at once. */
    void kill() {
        server.kill();
    }

    /** Starts it again. */
    void start() {
        server.start();
    }

    @Override
    public void close() {
        server.close();
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
                try (Connection connection = server.connect()) {
                    while (!closed) {
                        for (String table : tables) {
                            try (PreparedStatement insert =
                                    connection.prepareStatement(
                                            "INSERT INTO shop."
                                                    + table
                                                    + " (name) VALUES ('row')")) {
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
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT id FROM shop." + table)) {
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
