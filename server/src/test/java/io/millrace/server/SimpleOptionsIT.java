package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.KafkaServer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What formats need an upstream for: simple's schemas at the start and row checksums, debezium's
 * instants.
 */
final class SimpleOptionsIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit fills it in
    private Path folder;

    @Test
    void schemasOfAllTablesComeFirstAndRowsHaveChecksums() throws Exception {
        try (DbServer upstream = DbServer.mariadb().start();
                KafkaServer kafka = KafkaServer.builder().start()) {
            upstream.execute(
                    "CREATE DATABASE shop",
                    "CREATE TABLE shop.quiet (id INT PRIMARY KEY)",
                    "CREATE TABLE shop.orders (id INT PRIMARY KEY, v VARCHAR(9))",
                    "CREATE TABLE shop.keyless (id INT)",
                    "CREATE DATABASE zoned",
                    "CREATE TABLE zoned.t (id INT PRIMARY KEY, at TIMESTAMP, body TEXT)");
            ServerConfig config =
                    ServerConfig.of(
                            new Settings()
                                    .set("addr", "127.0.0.1:0")
                                    .set("data-dir", folder.toString())
                                    .set("time-zone", "Europe/Berlin")
                                    .set("upstream", upstream.uri()));
            try (MillraceNode node =
                    MillraceNode.start(config, Main.upstreams(folder), Main.sinks(config))) {
                ApiClient api = new ApiClient(node.url());
                assertThat(
                                api.create(
                                                "{\"changefeed_id\":\"s\",\"sink_uri\":\"kafka://"
                                                        + kafka.bootstrapServers()
                                                        + "/simple?protocol=simple&partition-num=1\","
                                                        + "\"replica_config\":{"
                                                        + "\"ignore_ineligible_table\":true,"
                                                        + "\"enable_table_monitor\":true,"
                                                        + "\"filter\":{\"rules\":[\"shop.*\"]},"
                                                        + "\"integrity\":{\"integrity_check_level\":"
                                                        + "\"correctness\"},\"sink\":{"
                                                        + "\"send-all-bootstrap-at-start\":true}}}")
                                        .status())
                        .isEqualTo(200);
                assertThat(
                                api.create(
                                                "{\"changefeed_id\":\"d\",\"sink_uri\":\"kafka://"
                                                        + kafka.bootstrapServers()
                                                        + "/instants?protocol=debezium&partition-num=1"
                                                        + "&debezium-disable-schema=true\","
                                                        + "\"replica_config\":{\"filter\":"
                                                        + "{\"rules\":[\"zoned.*\"]}}}")
                                        .status())
                        .isEqualTo(200);
                // Both are 02:30 in Berlin, where the hour comes twice.
                upstream.execute(
                        "SET time_zone='+00:00'",
                        "INSERT INTO zoned.t VALUES (1, '2026-10-25 00:30:00', ''),"
                                + " (2, '2026-10-25 01:30:00', REPEAT('x', 3000))");
                assertThat(rows(read(kafka, "instants", all -> rows(all).size() >= 2)))
                        .extracting(each -> each.at("/payload/after/at").asText())
                        .containsExactly("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z");
                String page = api.get("/metrics").text();
                for (String value :
                        List.of(
                                "large_row_size_count%s 1",
                                "batch_row_count_sum%s 2",
                                "mq_worker_batch_size_sum%s 2",
                                "mq_worker_batch_duration_count%s ",
                                "mq_worker_send_message_duration_count%s ")) {
                    assertThat(page).contains("\nticdc_sink_" + value.formatted(labels("d")));
                }
                List<JsonNode> start =
                        read(kafka, "simple", all -> of(all, "BOOTSTRAP").size() >= 2);
                assertThat(of(start, "BOOTSTRAP"))
                        .extracting(each -> each.path("tableSchema").path("table").asText())
                        .containsExactlyInAnyOrder("quiet", "orders");

                upstream.execute("INSERT INTO shop.orders VALUES (7, 'x')");
                List<JsonNode> all = read(kafka, "simple", each -> !of(each, "INSERT").isEmpty());
                JsonNode insert = of(all, "INSERT").getFirst();
                CRC32 crc = new CRC32();
                crc.update(
                        ByteBuffer.allocate(13)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putLong(7)
                                .putInt(1)
                                .put((byte) 'x')
                                .array());
                assertThat(insert.path("checksum").path("current").asLong())
                        .isEqualTo(crc.getValue());
                Set<Long> versions =
                        of(all, "BOOTSTRAP").stream()
                                .map(each -> each.path("tableSchema"))
                                .filter(schema -> schema.path("table").asText().equals("orders"))
                                .map(schema -> schema.path("version").asLong())
                                .collect(Collectors.toSet());
                assertThat(versions).contains(insert.path("schemaVersion").asLong());
                assertThat(api.get("/metrics").text())
                        .contains(
                                "millrace_table_rows_total{namespace=\"default\",changefeed=\"s\","
                                        + "table=\"shop.orders\"} 1\n");
                outage(api, upstream, kafka);
            }
        }
    }

    private static String labels(String feed) {
        return "{namespace=\"default\",changefeed=\"" + feed + "\"}";
    }

    /** The broker goes away and comes back: a warning meanwhile, and nothing is lost. */
    private static void outage(ApiClient api, DbServer upstream, KafkaServer kafka)
            throws Exception {
        String status = "\nticdc_owner_status" + labels("d") + " ";
        assertThat(api.get("/metrics").text()).contains(status + "0");
        kafka.stop();
        upstream.execute("INSERT INTO zoned.t VALUES (3, '2026-10-25 02:00:00', '')");
        api.await("d", "error");
        assertThat(api.get("/api/v2/changefeeds/d/status").body().at("/last_warning/message"))
                .asString()
                .contains(kafka.bootstrapServers());
        assertThat(api.get("/metrics").text()).contains(status + "1");
        kafka.start();
        api.await("d", "normal");
        assertThat(api.get("/metrics").text()).contains(status + "0");
        assertThat(rows(read(kafka, "instants", all -> rows(all).size() >= 3)))
                .extracting(each -> each.at("/payload/after/id").asInt())
                .startsWith(1, 2)
                .contains(3);
    }

    /** Debezium's, without the DDL of the second in which the changefeed began. */
    private static List<JsonNode> rows(List<JsonNode> messages) {
        return messages.stream().filter(each -> each.at("/payload/after").has("at")).toList();
    }

    private static List<JsonNode> of(List<JsonNode> messages, String type) {
        return messages.stream().filter(each -> each.path("type").asText().equals(type)).toList();
    }

    /** Reads the topic from its beginning until the condition holds. */
    private static List<JsonNode> read(
            KafkaServer kafka, String topic, Predicate<List<JsonNode>> enough) throws Exception {
        List<JsonNode> out = new ArrayList<>();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", kafka.bootstrapServers()),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer())) {
            TopicPartition only = new TopicPartition(topic, 0);
            consumer.assign(List.of(only));
            consumer.seekToBeginning(List.of(only));
            while (!enough.test(out)) {
                assertThat(System.nanoTime()).as("messages: %s", out).isLessThan(deadline);
                for (var each : consumer.poll(Duration.ofMillis(200))) {
                    out.add(JSON.readTree(each.value()));
                }
            }
        }
        return out;
    }
}
