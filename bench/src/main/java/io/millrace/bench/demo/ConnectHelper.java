package io.millrace.bench.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.Ports;
import io.millrace.testkit.servers.PostgresServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.StringJoiner;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * What {@code docs/examples/connect.sh} needs beside curl: databases of its own, an eye for JSON, a
 * reader of topics, and a compiler for the example plug-in.
 *
 * <p>First line of output: two free ports. Second line: the ports of MySQL, MariaDB and PostgreSQL.
 * Then each line of input, a command with fields separated by tabs, is answered with one line:
 *
 * <ul>
 *   <li>{@code check FILE POINTER EXPECTED}: see {@link ExampleHelper}
 *   <li>{@code sql SERVER STATEMENT}: runs it; {@code ok}, or for a query its rows, as {@code
 *       a,b;c,d}
 *   <li>{@code consume HOST:PORT TOPIC COUNT FILE}: reads the topic from its beginning until it has
 *       so many records, and writes them as a JSON array; {@code ok}, or how many there are
 *   <li>{@code plugin SOURCES FOLDER}: compiles and packs a plug-in; {@code ok}
 * </ul>
 *
 * The databases stop when the input ends.
 */
final class ConnectHelper {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration CONSUME_LIMIT = Duration.ofSeconds(30);
    private static final String DB = "shop";

    private final DbServer mysql;
    private final DbServer mariadb;
    private final PostgresServer postgres;

    private ConnectHelper(DbServer mysql, DbServer mariadb, PostgresServer postgres) {
        this.mysql = mysql;
        this.mariadb = mariadb;
        this.postgres = postgres;
    }

    static void run() throws IOException {
        say(Ports.free() + " " + Ports.free());
        CompletableFuture<DbServer> first =
                CompletableFuture.supplyAsync(() -> DbServer.mysql().start());
        CompletableFuture<DbServer> second =
                CompletableFuture.supplyAsync(() -> DbServer.mariadb().start());
        try (PostgresServer third = PostgresServer.launch();
                DbServer mariadb = second.join();
                DbServer mysql = first.join()) {
            ConnectHelper helper = new ConnectHelper(mysql, mariadb, third);
            mysql.execute("CREATE DATABASE " + DB);
            mariadb.execute("CREATE DATABASE " + DB);
            third.execute("postgres", "CREATE DATABASE " + DB);
            say(mysql.port() + " " + mariadb.port() + " " + third.port());
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            String line;
            while ((line = in.readLine()) != null) {
                say(helper.answer(line.split("\t", -1)).replace('\n', ' '));
            }
        }
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private String answer(String[] fields) {
        try {
            return switch (fields[0]) {
                case "check" -> ExampleHelper.check(Path.of(fields[1]), fields[2], fields[3]);
                case "sql" -> sql(fields[1], fields[2]);
                case "consume" ->
                        consume(
                                fields[1],
                                fields[2],
                                Integer.parseInt(fields[3]),
                                Path.of(fields[4]));
                case "plugin" -> plugin(Path.of(fields[1]), Path.of(fields[2]));
                default -> "unknown command " + fields[0];
            };
        } catch (IOException | SQLException | RuntimeException e) {
            return "error " + e;
        }
    }

    private String sql(String server, String text) throws SQLException {
        try (Connection connection =
                        switch (server) {
                            case "mysql" -> mysql.connect(DB);
                            case "mariadb" -> mariadb.connect(DB);
                            default -> postgres.connect(DB);
                        };
                Statement statement = connection.createStatement()) {
            if (!statement.execute(text)) {
                return "ok";
            }
            try (ResultSet rows = statement.getResultSet()) {
                StringJoiner all = new StringJoiner(";");
                while (rows.next()) {
                    StringJoiner row = new StringJoiner(",");
                    for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                        row.add(String.valueOf(rows.getString(i)));
                    }
                    all.add(row.toString());
                }
                return all.toString();
            }
        }
    }

    private static String consume(String brokers, String topic, int count, Path file)
            throws IOException {
        ArrayNode found = JSON.createArrayNode();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", brokers, "auto.offset.reset", "earliest"),
                        new StringDeserializer(),
                        new StringDeserializer())) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            long deadline = System.nanoTime() + CONSUME_LIMIT.toNanos();
            while (found.size() < count && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> record :
                        consumer.poll(Duration.ofMillis(100))) {
                    ObjectNode entry = found.addObject();
                    entry.set("key", parsed(record.key()));
                    entry.set("value", parsed(record.value()));
                    for (Header header : record.headers()) {
                        entry.withObject("/headers")
                                .put(
                                        header.key(),
                                        new String(header.value(), StandardCharsets.UTF_8));
                    }
                }
            }
        }
        JSON.writeValue(file.toFile(), found);
        return found.size() >= count ? "ok" : found.size() + " records";
    }

    private static JsonNode parsed(@Nullable String text) {
        if (text == null) {
            return JSON.nullNode();
        }
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            return JSON.getNodeFactory().textNode(text);
        }
    }

    private static String plugin(Path sources, Path folder) throws IOException {
        JavaCompiler compiler =
                Objects.requireNonNull(ToolProvider.getSystemJavaCompiler(), "needs a JDK");
        Path classes = Files.createDirectories(folder.resolve("classes"));
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "-proc:none",
                                "-d",
                                classes.toString(),
                                "-cp",
                                System.getProperty("java.class.path")));
        List<Path> services;
        try (Stream<Path> files = Files.walk(sources)) {
            List<Path> all = files.filter(Files::isRegularFile).toList();
            all.stream()
                    .map(Path::toString)
                    .filter(name -> name.endsWith(".java"))
                    .forEach(arguments::add);
            services = all.stream().filter(file -> file.toString().contains("META-INF")).toList();
        }
        if (compiler.run(null, System.err, System.err, arguments.toArray(String[]::new)) != 0) {
            return "the compiler refuses " + sources;
        }
        Path jar = folder.resolve("plugin.jar");
        try (FileSystem zip = FileSystems.newFileSystem(jar, Map.of("create", "true"));
                Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                pack(zip, classes, file);
            }
            for (Path file : services) {
                pack(zip, sources, file);
            }
        }
        io.millrace.testkit.servers.Folders.delete(classes);
        return "ok";
    }

    private static void pack(FileSystem zip, Path root, Path file) throws IOException {
        Path target = zip.getPath("/" + root.relativize(file));
        Files.createDirectories(Objects.requireNonNull(target.getParent()));
        Files.copy(file, target);
    }
}
