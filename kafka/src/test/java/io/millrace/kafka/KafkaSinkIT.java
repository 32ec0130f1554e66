package io.millrace.kafka;

import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.millrace.codec.canaljson.CanalJsonDecoder;
import io.millrace.codec.canaljson.CanalJsonMessage;
import io.millrace.core.engine.JobMetrics;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.SinkSpec.DispatchRule;
import io.millrace.testkit.rows.TestPosition;
import io.millrace.testkit.rows.TestRowBatch;
import io.millrace.testkit.servers.KafkaServer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The sink against a real broker. */
class KafkaSinkIT {
    private static final long TSO = 439749918821711874L;
    private static final CanalJsonDecoder DECODER = new CanalJsonDecoder();

    /** Without bootstrap messages. */
    private static final String SILENT = "&send-bootstrap-interval-in-sec=0";

    private static KafkaServer kafka;

    private record Received(int partition, CanalJsonMessage message) {
        /** A value of the row; fails for NULL and for a column that is not there. */
        String text(String column) {
            return message.data()
                    .orElseThrow()
                    .getOrDefault(column, Optional.empty())
                    .orElseThrow();
        }

        int number(String column) {
            return Integer.parseInt(text(column));
        }
    }

    @BeforeAll
    static void start() {
        kafka = KafkaServer.builder().start();
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void rowsGoToTheTopicsAndPartitionsOfTheirRules() throws Exception {
        SinkSpec spec =
                spec(
                        "dispatch?protocol=canal-json&partition-num=16",
                        new DispatchRule(List.of("test.t1"), "index-value", "", List.of(), ""),
                        new DispatchRule(List.of("test.t2"), "ts", "", List.of(), "by_{schema}"),
                        new DispatchRule(
                                List.of("test.t3"),
                                "columns",
                                "",
                                List.of("b"),
                                "{schema}.{table}"));
        TableSchema t1 = table("t1", 0);
        TableSchema t2 = table("t2", 0);
        TableSchema t3 = table("t3", 0);
        TableSchema t4 = table("t4", 0);
        try (SinkDriver driver = new SinkDriver(spec)) {
            for (TableSchema each : List.of(t1, t2, t3, t4)) {
                for (int i = 0; i < 8; i++) {
                    driver.send(
                            TestRowBatch.insert(
                                    each, TSO + i, 0, true, row(i, i, "x"), row(i + 100, i, "y")));
                }
            }
            driver.drain();
        }
        DispatchRules rules = DispatchRules.compile(spec, "dispatch", false);
        assertThat(kafka.admin().listTopics().names().get())
                .contains("dispatch", "by_test", "test.t3");
        int rows = 0;
        for (Map.Entry<String, List<TableSchema>> each :
                Map.of("dispatch", List.of(t1, t4), "by_test", List.of(t2), "test.t3", List.of(t3))
                        .entrySet()) {
            for (Received received : consume(each.getKey(), each.getValue().size() * 16)) {
                TableSchema schema =
                        each.getValue().stream()
                                .filter(t -> t.name().table().equals(received.message().table()))
                                .findFirst()
                                .orElseThrow();
                int a = received.number("a");
                int b = received.number("b");
                RowBatch same = TestRowBatch.insert(schema, TSO + a % 100, 0, true, row(a, b, "x"));
                var view = same.rows();
                view.next();
                assertThat(received.partition())
                        .isEqualTo(
                                rules.partitioner(schema)
                                        .partition(view, 1, false, same.commitTso(), 16));
                rows++;
            }
        }
        assertThat(rows).isEqualTo(64);
    }

    @Test
    void existingTopicsMayHaveMorePartitionsThanAreUsed() throws Exception {
        create("five", 5, Map.of());
        TableSchema schema = table("t", 0);
        try (SinkDriver driver =
                new SinkDriver(
                        spec(
                                "five?protocol=canal-json&partition-num=2",
                                new DispatchRule(
                                        List.of("*.*"), "index-value", "", List.of(), "")))) {
            for (int i = 0; i < 50; i++) {
                driver.send(TestRowBatch.insert(schema, TSO, i, true, row(i, i, "")));
            }
            driver.drain();
            for (SinkMetric metric :
                    List.of(
                            SinkMetric.MQ_SEND_DURATION,
                            SinkMetric.MQ_BATCH_DURATION,
                            SinkMetric.MQ_BATCH_SIZE,
                            SinkMetric.BATCH_ROW_COUNT)) {
                assertThat(recorded(driver, metric)).as("%s", metric).isEqualTo(50);
            }
        }
        assertThat(consume("five", 50)).extracting(Received::partition).containsOnly(0, 1);
    }

    private static long recorded(SinkDriver driver, SinkMetric metric) {
        JobMetrics.Histogram histogram = Objects.requireNonNull(driver.metrics.histogram(metric));
        long count = 0;
        for (int i = 0; i < histogram.size(); i++) {
            count += histogram.count(i);
        }
        return count;
    }

    @Test
    void ddlGoesToPartitionZeroOfTheOldTablesTopic() throws Exception {
        SinkSpec spec =
                spec(
                        "ddl?protocol=canal-json&enable-tidb-extension=true",
                        new DispatchRule(
                                List.of("test.old*"), "", "", List.of(), "ddl_{schema}_{table}"));
        try (SinkDriver driver = new SinkDriver(spec)) {
            driver.ddl(ddl(DdlKind.CREATE_SCHEMA, "test", "", "", "CREATE DATABASE test"));
            driver.ddl(ddl(DdlKind.CREATE_TABLE, "test", "old1", "", "CREATE TABLE old1 (a INT)"));
            driver.ddl(
                    ddl(DdlKind.RENAME_TABLE, "test", "old1", "new1", "RENAME TABLE old1 TO new1"));
        }
        List<Received> schemaLevel = consume("ddl", 1);
        assertThat(schemaLevel.getFirst().message().type()).isEqualTo("QUERY");
        List<Received> tableLevel = consume("ddl_test_old1", 2);
        assertThat(tableLevel).extracting(Received::partition).containsOnly(0);
        assertThat(tableLevel)
                .extracting(r -> r.message().type() + " " + r.message().table())
                .containsExactly("CREATE old1", "RENAME new1");
        assertThat(tableLevel.get(1).message().sql()).isEqualTo("RENAME TABLE old1 TO new1");
        assertThat(tableLevel.get(1).message().commitTso()).contains(TSO);
    }

    @Test
    void watermarksGoToEveryPartitionOfEveryActiveTopicAboutOnceASecond() throws Exception {
        SinkSpec spec =
                spec(
                        "marks?protocol=canal-json&enable-tidb-extension=true",
                        new DispatchRule(
                                List.of("test.t1"), "", "", List.of(), "marks_{schema}_{table}"));
        try (SinkDriver driver = new SinkDriver(spec)) {
            driver.send(TestRowBatch.insert(table("t1", 0), TSO, 0, true, row(1, 1, "")));
            driver.drain();
            driver.sink().resolved(TSO);
            long now = 0;
            long step = 400_000_000L;
            for (int i = 0; i < 6; i++) {
                driver.sink().resolved(TSO + i);
                driver.sink().doWork(now += step);
                settle(driver, now);
                if (i == 0) {
                    // The first record of a partition travels alone: wait until it is there.
                    consume("marks", 3);
                    consume("marks_test_t1", 4);
                    settle(driver, now);
                }
            }
            for (String topic : List.of("marks", "marks_test_t1")) {
                int rows = topic.equals("marks") ? 0 : 1;
                List<Received> all = consume(topic, 3 * 2 + rows);
                for (int partition = 0; partition < 3; partition++) {
                    int wanted = partition;
                    assertThat(all)
                            .filteredOn(r -> r.partition() == wanted && r.message().watermark())
                            .extracting(r -> r.message().watermarkTso().orElseThrow())
                            .containsExactly(TSO, TSO + 3);
                }
            }
        }
    }

    @Test
    void watermarksGoToTheTopicsOfTablesWithoutRows() throws Exception {
        SinkSpec spec =
                spec(
                        "calm?protocol=canal-json&enable-tidb-extension=true&partition-num=2",
                        new DispatchRule(
                                List.of("test.t*"), "", "", List.of(), "calm_{schema}_{table}"));
        List<TableName> tables =
                List.of(
                        new TableName("test", "t1"),
                        new TableName("test", "t2"),
                        new TableName("test", "other"));
        // The second run gets no row at all.
        for (int run = 1; run <= 2; run++) {
            try (SinkDriver driver = new SinkDriver(spec, tables)) {
                if (run == 1) {
                    driver.send(TestRowBatch.insert(table("t1", 0), TSO, 0, true, row(1, 1, "")));
                    driver.drain();
                }
                long now = System.nanoTime();
                for (String topic : List.of("calm", "calm_test_t1", "calm_test_t2")) {
                    long began = System.nanoTime();
                    while (watermarks(topic) < 2 * run) {
                        assertThat(System.nanoTime() - began)
                                .as("waiting for watermarks in %s, run %s", topic, run)
                                .isLessThan(TimeUnit.SECONDS.toNanos(20));
                        driver.sink().resolved(TSO + (now >> 20));
                        settle(driver, now += TimeUnit.SECONDS.toNanos(2));
                    }
                }
            }
        }
        assertThat(kafka.admin().listTopics().names().get())
                .filteredOn(name -> name.startsWith("calm"))
                .containsExactlyInAnyOrder("calm", "calm_test_t1", "calm_test_t2");
    }

    /** In how many rounds each partition got one; 0 for a topic that is not there. */
    private static long watermarks(String topic) throws Exception {
        if (!kafka.admin().listTopics().names().get().contains(topic)) {
            return 0;
        }
        Map<Integer, Long> counts = new HashMap<>(Map.of(0, 0L, 1, 0L));
        for (ConsumerRecord<byte[], byte[]> each : readAll(topic)) {
            if (DECODER.decode(each.value()).watermark()) {
                counts.merge(each.partition(), 1L, Long::sum);
            }
        }
        return counts.values().stream().mapToLong(Long::longValue).min().orElseThrow();
    }

    @Test
    void furtherTopicsHaveThePartitionsOfTheDefaultTopicOrTheirOwn() throws Exception {
        create("many", 5, Map.of());
        create("many_test_t2", 2, Map.of());
        TableSchema t1 = table("t1", 0);
        TableSchema t2 = table("t2", 0);
        TableSchema t3 = table("t3", 0);
        DispatchRule rule =
                new DispatchRule(
                        List.of("*.*"), "index-value", "", List.of(), "many_{schema}_{table}");
        try (SinkDriver driver = new SinkDriver(spec("many?protocol=canal-json", rule))) {
            driver.send(TestRowBatch.insert(t1, TSO, 0, true, row(1, 1, "")));
            driver.drain();
        }
        try (SinkDriver driver =
                new SinkDriver(spec("many?protocol=canal-json&partition-num=4", rule))) {
            for (int i = 0; i < 20; i++) {
                driver.send(TestRowBatch.insert(t2, TSO, i, true, row(i, i, "")));
            }
            driver.send(TestRowBatch.insert(t3, TSO, 0, true, row(1, 1, "")));
            driver.drain();
        }
        assertThat(
                        kafka.admin()
                                .describeTopics(
                                        List.of("many_test_t1", "many_test_t2", "many_test_t3"))
                                .allTopicNames()
                                .get())
                .hasEntrySatisfying(
                        "many_test_t1", topic -> assertThat(topic.partitions()).hasSize(5))
                .hasEntrySatisfying(
                        "many_test_t3", topic -> assertThat(topic.partitions()).hasSize(4));
        assertThat(consume("many_test_t2", 20)).extracting(Received::partition).contains(0, 1);
    }

    @Test
    void keyChangingUpdatesAreSplitUnlessRawEventsAreWanted() throws Exception {
        TableSchema schema = table("t", 0);
        RowBatch batch =
                TestRowBatch.update(
                        schema,
                        TSO,
                        0,
                        true,
                        row(1, 1, "a"),
                        row(2, 1, "a"),
                        row(3, 1, "a"),
                        row(3, 2, "a"));
        try (SinkDriver driver =
                new SinkDriver(spec("split?protocol=canal-json&partition-num=1"))) {
            driver.send(batch);
            driver.drain();
        }
        assertThat(consume("split", 3))
                .extracting(r -> r.message().type() + r.text("a"))
                .containsExactly("DELETE1", "INSERT2", "UPDATE3");
        try (SinkDriver driver =
                new SinkDriver(
                        spec(
                                "raw?protocol=canal-json&partition-num=1"
                                        + "&output-raw-change-event=true"))) {
            driver.send(TestRowBatch.update(schema, TSO, 0, true, row(1, 1, "a"), row(2, 1, "a")));
            driver.drain();
        }
        assertThat(consume("raw", 1)).extracting(r -> r.message().type()).containsExactly("UPDATE");
    }

    @Test
    void anUpdateThatIsNotCompleteIsNotSplit() throws Exception {
        TableSchema schema = table("t", 0);
        RowBatch batch =
                TestRowBatch.update(
                        schema,
                        TSO,
                        0,
                        true,
                        row(1, TestRowBatch.ABSENT, TestRowBatch.ABSENT),
                        row(2, TestRowBatch.ABSENT, TestRowBatch.ABSENT));
        try (SinkDriver driver =
                new SinkDriver(spec("minimal?protocol=canal-json&partition-num=1"))) {
            driver.send(batch);
            driver.drain();
        }
        assertThat(consume("minimal", 1))
                .extracting(r -> r.message().type(), r -> r.message().old(), r -> r.text("a"))
                .containsExactly(tuple("UPDATE", Optional.of(Map.of("a", Optional.of("1"))), "2"));
    }

    /** The old partition would keep the old key for ever. */
    @Test
    void anUpdateThatIsNotCompleteDoesNotCrossPartitions() throws Exception {
        TableSchema schema = table("t", 0);
        DispatchRule byKey = new DispatchRule(List.of("*.*"), "index-value", "", List.of(), "");
        try (SinkDriver driver =
                new SinkDriver(spec("crossing?protocol=canal-json&partition-num=16", byKey))) {
            assertThatThrownBy(
                            () -> {
                                for (int id = 1; id < 40; id++) {
                                    driver.send(
                                            TestRowBatch.update(
                                                    schema,
                                                    TSO,
                                                    id,
                                                    true,
                                                    row(
                                                            id,
                                                            TestRowBatch.ABSENT,
                                                            TestRowBatch.ABSENT),
                                                    row(
                                                            id + 100,
                                                            TestRowBatch.ABSENT,
                                                            TestRowBatch.ABSENT)));
                                }
                            })
                    .hasRootCauseInstanceOf(MillraceException.class);
            MillraceException failure = driver.awaitFailure();
            assertThat(failure.code()).isEqualTo(ErrorCode.SINK_DATA);
            assertThat(failure.text()).contains("test.t moves a row to another partition");
        }
    }

    @Test
    void aMessageThatIsTooLargeStopsTheSinkAndIsNamed() throws Exception {
        create("small", 1, Map.of("max.message.bytes", "2128"));
        TableSchema schema = table("wide", 0);
        try (SinkDriver driver =
                new SinkDriver(spec("small?protocol=canal-json&max-message-bytes=1000000"))) {
            driver.send(TestRowBatch.insert(schema, TSO, 0, true, row(1, 1, "x".repeat(1500))));
            driver.drain();
            driver.send(TestRowBatch.insert(schema, TSO, 1, true, row(77, 1, "x".repeat(3000))));
            MillraceException failure = driver.awaitFailure();
            assertThat(failure.code()).isEqualTo(ErrorCode.MESSAGE_TOO_LARGE);
            assertThat(failure.text())
                    .contains("test.wide", "a=77", "topic small takes 2000")
                    .containsPattern("has 3\\d\\d\\d bytes");
            assertThat(driver.acked()).isEqualTo(1);
            assertThat(
                            driver.sink()
                                    .offer(
                                            9,
                                            TestRowBatch.insert(
                                                    schema, TSO, 2, true, row(1, 1, ""))))
                    .isFalse();
        }
        assertThat(consume("small", 1)).hasSize(1);
    }

    @Test
    void messagesUpToTheLimitAreTaken() throws Exception {
        create("brim", 1, Map.of("max.message.bytes", "100000"));
        TableSchema schema = table("t", 0);
        int overhead;
        try (SinkDriver driver = new SinkDriver(spec("brim?protocol=canal-json"))) {
            driver.send(TestRowBatch.insert(schema, TSO, 0, true, row(1, 1, "")));
            driver.drain();
        }
        overhead = rawSizes("brim", 1).getFirst() + KafkaSinkConfig.RECORD_OVERHEAD;
        int largest = 100_000 - KafkaSinkConfig.LIMIT_MARGIN - overhead;
        try (SinkDriver driver = new SinkDriver(spec("brim?protocol=canal-json"))) {
            driver.send(TestRowBatch.insert(schema, TSO, 1, true, row(1, 1, "x".repeat(largest))));
            driver.drain();
            driver.send(
                    TestRowBatch.insert(schema, TSO, 1, true, row(1, 1, "x".repeat(largest + 1))));
            assertThat(driver.awaitFailure().code()).isEqualTo(ErrorCode.MESSAGE_TOO_LARGE);
        }
    }

    @Test
    void aBatchLargerThanTheBufferIsDeliveredPieceByPiece() throws Exception {
        TableSchema schema = table("huge", 0);
        String text = "x".repeat(900_000);
        Object[][] rows = new Object[90][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = row(i, 1, text);
        }
        TestRowBatch batch = TestRowBatch.insert(schema, TSO, 0, true, rows);
        try (SinkDriver driver = new SinkDriver(spec("huge?protocol=canal-json"))) {
            long began = System.nanoTime();
            assertThat(driver.sink().offer(0, batch)).isTrue();
            while (batch.recycledTimes() == 0 && driver.acked() == 0) {
                long before = System.nanoTime();
                driver.sink().doWork(before);
                assertThat(System.nanoTime() - before).isLessThan(2_000_000_000L);
                assertThat(System.nanoTime() - began).isLessThan(60_000_000_000L);
            }
            driver.await("ack", () -> driver.acked() == 1);
            assertThat(batch.recycledTimes()).isEqualTo(1);
        }
        assertThat(rawSizes("huge", 90)).hasSize(90);
    }

    @Test
    void nothingIsMissingOrOutOfOrderWhenTheBrokerRestarts() throws Exception {
        try (KafkaServer other = KafkaServer.builder().start()) {
            TableSchema schema = table("t", 0);
            int events = 6_000;
            AtomicBoolean restarted = new AtomicBoolean();
            SinkSpec spec =
                    new SinkSpec(
                            URI.create(
                                    "kafka://"
                                            + other.bootstrapServers()
                                            + "/restart?protocol=canal-json&partition-num=4"),
                            Map.of(),
                            List.of(
                                    new DispatchRule(
                                            List.of("*.*"), "index-value", "", List.of(), "")),
                            true,
                            false,
                            "UTC");
            try (SinkDriver driver = new SinkDriver(spec)) {
                Thread restart =
                        Thread.ofPlatform()
                                .unstarted(() -> {
                                    other.restart();
                                    restarted.set(true);
                                });
                for (int i = 0; i < events; i++) {
                    driver.send(
                            TestRowBatch.insert(
                                    schema, TSO + i, 0, true, row(i % 50, i, "v".repeat(200))));
                    if (i == events / 3) {
                        restart.start();
                    }
                    if (i > events / 3 && !restarted.get()) {
                        // Keep writing all through the outage.
                        Thread.sleep(1);
                    }
                }
                driver.drain();
                restart.join();
            }
            Map<String, Integer> last = new HashMap<>();
            List<Received> all = consume(other, "restart", events);
            for (Received received : all) {
                int value = received.number("b");
                Integer before = last.put(received.text("a"), value);
                assertThat(before == null || before == value - 50)
                        .as("key %s: %d after %s", received.text("a"), value, before)
                        .isTrue();
            }
            assertThat(all).hasSize(events);
        }
    }

    @Test
    void testOpenSaysWhatIsWrongWithTheTarget() throws Exception {
        KafkaSinkFactory factory = new KafkaSinkFactory(new MemoryStores());
        create("two", 2, Map.of());
        create("isr", 1, Map.of("min.insync.replicas", "2"));
        factory.testOpen(spec("two?protocol=canal-json"));
        factory.testOpen(spec("fresh?protocol=canal-json"));
        assertThat(kafka.admin().listTopics().names().get()).doesNotContain("fresh");

        long began = System.nanoTime();
        refused(
                SinkSpec.of("kafka://127.0.0.1:1/t?protocol=canal-json&dial-timeout=2s"),
                ErrorCode.SINK_CONNECTION,
                "127.0.0.1:1");
        assertThat(System.nanoTime() - began).isLessThan(8_000_000_000L);
        refused(
                SinkSpec.of("kafka://no.such.host.invalid:1/t?protocol=canal-json"),
                ErrorCode.SINK_CONNECTION,
                "no.such.host.invalid");
        refused(
                spec("none?protocol=canal-json&auto-create-topic=false"),
                ErrorCode.KAFKA_INVALID_CONFIG,
                "auto-create-topic");
        refused(
                spec("two?protocol=canal-json&partition-num=3"),
                ErrorCode.KAFKA_INVALID_PARTITION_NUM,
                "2 partitions");
        refused(
                spec("fresh?protocol=canal-json&replication-factor=2"),
                ErrorCode.KAFKA_INVALID_CONFIG,
                "replication-factor");
        refused(
                spec("isr?protocol=canal-json"),
                ErrorCode.KAFKA_INVALID_CONFIG,
                "min.insync.replicas");
        factory.testOpen(spec("isr?protocol=canal-json&required-acks=1"));
    }

    @Test
    void aTopicThatMayNotBeCreatedFailsTheRun() {
        try (SinkDriver driver =
                new SinkDriver(spec("never?protocol=canal-json&auto-create-topic=false"))) {
            driver.send(TestRowBatch.insert(table("t", 0), TSO, 0, true, row(1, 1, "")));
            assertThat(driver.awaitFailure().code()).isEqualTo(ErrorCode.KAFKA_INVALID_CONFIG);
        }
    }

    @Test
    void weakerAcksCompressionAndNoRetryWorkToo() throws Exception {
        TableSchema schema = table("t", 0);
        int n = 0;
        for (String parameters :
                List.of(
                        "&required-acks=1&compression=gzip",
                        "&required-acks=0&compression=snappy",
                        "&max-retry=0&compression=lz4",
                        "&max-retry=2&compression=zstd&kafka-client-id=me")) {
            String topic = "variant" + n++;
            try (SinkDriver driver =
                    new SinkDriver(spec(topic + "?protocol=canal-json" + parameters))) {
                for (int i = 0; i < 100; i++) {
                    driver.send(TestRowBatch.insert(schema, TSO, i, true, row(i, i, "abc")));
                }
                driver.drain();
                assertThat(consume(topic, 100)).hasSize(100);
            }
        }
    }

    @Test
    void rowsShareMessagesAndKeepTheirOrderPerPartition() {
        TableSchema schema = table("t", 0);
        Object[][] rows = new Object[20][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = row(i % 4, 1, "v" + i);
        }
        TextEncoder encoder = new TextEncoder(3);
        try (SinkDriver driver =
                new SinkDriver(
                        spec(
                                "shared?protocol=canal-json&partition-num=3" + SILENT,
                                new DispatchRule(List.of("*.*"), "index-value", "", List.of(), "")),
                        encoder)) {
            driver.send(TestRowBatch.insert(schema, TSO, 0, true, rows));
            driver.send(TestRowBatch.insert(schema, TSO + 1, 0, true, row(0, 1, "later")));
            driver.drain();
        }
        assertThat(encoder.isClosed()).isTrue();
        Map<Integer, String> texts = new HashMap<>();
        for (ConsumerRecord<byte[], byte[]> each : readAll("shared")) {
            String text = text(each.value());
            assertThat(text(each.key())).isEqualTo("shared");
            assertThat(text).matches("(I\\d=\\w+;){1,3}\\.");
            texts.merge(each.partition(), text.replace(".", ""), String::concat);
        }
        assertThat(String.join("", texts.values()).split(";")).hasSize(21);
        for (String text : texts.values()) {
            Map<String, Integer> last = new HashMap<>();
            for (String one : text.split(";")) {
                int value = one.endsWith("later") ? 100 : Integer.parseInt(one.substring(4));
                Integer before = last.put(one.substring(0, 2), value);
                assertThat(before == null || before < value).as(text).isTrue();
            }
        }
    }

    @Test
    void aMessageOfSeveralRowsStaysBelowTheLimit() throws Exception {
        create("limited", 1, Map.of("max.message.bytes", "2128"));
        TableSchema schema = table("t", 0);
        String text = "x".repeat(800);
        try (SinkDriver driver =
                new SinkDriver(spec("limited?protocol=canal-json" + SILENT), new TextEncoder(10))) {
            driver.send(
                    TestRowBatch.insert(
                            schema,
                            TSO,
                            0,
                            true,
                            row(1, 1, text),
                            row(2, 1, text),
                            row(3, 1, text),
                            row(4, 1, "x".repeat(2100)),
                            row(5, 1, text)));
            driver.drain();
        }
        assertThat(readAll("limited"))
                .extracting(each -> text(each.value()).replaceAll("x+", ""))
                .containsExactly("I1=;I2=;.", "I3=;.", "I4@nowhere.", "I5=;.");
    }

    @Test
    void deletesMayBeTombstones() {
        TableSchema schema = table("t", 0);
        try (SinkDriver driver =
                new SinkDriver(
                        spec("tombs?protocol=canal-json&partition-num=1" + SILENT),
                        new TextEncoder(1))) {
            driver.send(TestRowBatch.insert(schema, TSO, 0, true, row(1, 1, "a"), row(2, 1, "b")));
            driver.send(TestRowBatch.delete(schema, TSO, 1, true, row(1, 1, "a")));
            driver.drain();
        }
        List<ConsumerRecord<byte[], byte[]>> all = readAll("tombs");
        assertThat(all).hasSize(3);
        assertThat(text(all.get(0).value())).isEqualTo("I1=a;.");
        assertThat(all.get(2).value()).isNull();
        assertThat(text(all.get(2).key())).isEqualTo("tombs");
    }

    @Test
    void ddlAndWatermarksMayHaveKeysAndGoEverywhere() throws Exception {
        try (SinkDriver driver =
                new SinkDriver(
                        spec("everywhere?protocol=canal-json&partition-num=4"),
                        new TextEncoder(1))) {
            driver.ddl(ddl(DdlKind.CREATE_TABLE, "test", "quiet", "", "not told"));
            assertThat(driver.acked()).isEqualTo(1);
            driver.ddl(ddl(DdlKind.CREATE_TABLE, "test", "t", "", "told"));
            assertThat(driver.acked()).isEqualTo(2);
            driver.sink().resolved(TSO);
            settle(driver, 0);
        }
        List<ConsumerRecord<byte[], byte[]>> all = readAll("everywhere");
        assertThat(all).hasSize(8);
        for (int partition = 0; partition < 4; partition++) {
            int wanted = partition;
            assertThat(all)
                    .filteredOn(each -> each.partition() == wanted)
                    .extracting(each -> text(each.key()) + (each.value() == null))
                    .containsExactly("ddlfalse", "marktrue");
        }
    }

    @Test
    void aSchemaIsToldBeforeTheFirstRowAndAgainAfterMany() {
        for (boolean everywhere : new boolean[] {true, false}) {
            String topic = "schemas" + everywhere;
            try (SinkDriver driver =
                    new SinkDriver(
                            spec(
                                    topic
                                            + "?protocol=canal-json&partition-num=2"
                                            + "&send-bootstrap-in-msg-count=3"
                                            + "&send-bootstrap-to-all-partition="
                                            + everywhere,
                                    new DispatchRule(
                                            List.of("*.*"), "index-value", "", List.of(), "")),
                            new TextEncoder(1))) {
                for (int i = 0; i < 4; i++) {
                    driver.send(
                            TestRowBatch.insert(table("t", 0), TSO + i, 0, true, row(i, i, "x")));
                }
                driver.drain();
            }
            List<ConsumerRecord<byte[], byte[]>> all = readAll(topic);
            for (int partition = 0; partition < 2; partition++) {
                int wanted = partition;
                List<String> keys =
                        all.stream()
                                .filter(each -> each.partition() == wanted)
                                .map(each -> text(each.key()))
                                .toList();
                int expected = everywhere || partition == 0 ? 2 : 0;
                assertThat(keys).filteredOn("schema"::equals).hasSize(expected);
                if (expected > 0) {
                    assertThat(keys.getFirst()).isEqualTo("schema");
                }
            }
        }
    }

    /** What lay in the topic is lost with it; what comes then is not. */
    @Test
    void aTopicThatIsDeletedMeanwhileEndsTheRunAndIsMadeAnew() throws Exception {
        SinkSpec spec =
                spec("gone?protocol=canal-json&partition-num=2&write-timeout=1s&read-timeout=1s");
        TableSchema schema = table("t", 0);
        try (SinkDriver driver = new SinkDriver(spec)) {
            driver.send(TestRowBatch.insert(schema, TSO, 0, true, row(1, 1, "")));
            driver.drain();
            try (Admin admin = kafka.admin()) {
                admin.deleteTopics(List.of("gone")).all().get();
                // The controller answers before the broker has dropped the partitions.
                awaitNoPartitions(admin, "gone");
            }
            driver.send(TestRowBatch.insert(schema, TSO + 1, 0, true, row(2, 1, "")));
            MillraceException failure = driver.awaitFailure();
            assertThat(failure.code()).isEqualTo(ErrorCode.SINK_TRANSIENT);
            assertThat(driver.acked()).isEqualTo(1);
        }
        try (SinkDriver driver = new SinkDriver(spec)) {
            driver.send(TestRowBatch.insert(schema, TSO + 1, 0, true, row(2, 1, "")));
            driver.drain();
        }
        assertThat(consume("gone", 1)).extracting(r -> r.text("a")).containsExactly("2");
    }

    private static void awaitNoPartitions(Admin admin, String topic) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (true) {
            int broker = admin.describeCluster().nodes().get().iterator().next().id();
            boolean any =
                    admin.describeLogDirs(List.of(broker)).allDescriptions().get().values().stream()
                            .flatMap(folders -> folders.values().stream())
                            .flatMap(folder -> folder.replicaInfos().keySet().stream())
                            .anyMatch(partition -> partition.topic().equals(topic));
            if (!any) {
                return;
            }
            assertThat(System.nanoTime()).as("partitions of " + topic).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    @Test
    void aMessageThatIsTooLargeGoesIntoTheClaimCheckStorage() throws Exception {
        create("claims", 1, Map.of("max.message.bytes", "2128"));
        MemoryStores stores = new MemoryStores();
        TableSchema schema = table("t", 0);
        SinkSpec spec =
                spec(
                        "claims?protocol=canal-json&enable-tidb-extension=true"
                                + "&large-message-handle-option=claim-check"
                                + "&claim-check-storage-uri=memory://here/a");
        new KafkaSinkFactory(stores).testOpen(spec);
        try (SinkDriver driver = new SinkDriver(spec, new TextEncoder(10), stores)) {
            driver.send(
                    TestRowBatch.insert(
                            schema,
                            TSO,
                            0,
                            true,
                            row(1, 1, "a"),
                            row(2, 1, "x".repeat(3000)),
                            row(3, 1, "b")));
            driver.drain();
        }
        Map<String, String> files = stores.texts();
        assertThat(files).hasSize(1);
        String name = files.keySet().iterator().next();
        assertThat(name)
                .matches("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\\.json");
        java.util.Base64.Encoder base64 = java.util.Base64.getEncoder();
        assertThat(files.get(name))
                .isEqualTo(
                        "{\"key\":\""
                                + base64.encodeToString(utf8("claims"))
                                + "\",\"value\":\""
                                + base64.encodeToString(utf8("I2=" + "x".repeat(3000) + ";."))
                                + "\"}");
        assertThat(readAll("claims"))
                .filteredOn(each -> !text(each.key()).equals("schema"))
                .extracting(each -> text(each.value()))
                .containsExactly("I1=a;.", "I2@memory://here/a/" + name + ".", "I3=b;.");
    }

    @Test
    void aClaimCheckStorageThatCannotBeUsedIsTold() throws Exception {
        String handling =
                "?protocol=canal-json&enable-tidb-extension=true"
                        + "&large-message-handle-option=claim-check"
                        + "&claim-check-storage-uri=";
        create("unclaimed", 1, Map.of("max.message.bytes", "2128"));
        refused(
                spec("unclaimed" + handling + "ftp://x"),
                ErrorCode.INVALID_CONFIG,
                "claim-check-storage-uri");
        SinkSpec broken = spec("unclaimed" + handling + "memory://broken/");
        refused(broken, ErrorCode.SINK_CONNECTION, "claim check storage memory://broken/");
        try (SinkDriver driver = new SinkDriver(broken, new TextEncoder(10))) {
            driver.send(
                    TestRowBatch.insert(table("t", 0), TSO, 0, true, row(2, 1, "x".repeat(3000))));
            MillraceException failure = driver.awaitFailure();
            assertThat(failure.code()).isEqualTo(ErrorCode.SINK_TRANSIENT);
            assertThat(failure.text()).contains("memory://broken/", "the store is broken");
        }
    }

    @Test
    void onlySelectedColumnsAreEncodedAndKeysAreThoseOfTheWholeRow() throws Exception {
        SinkSpec whole = spec("selected?protocol=canal-json&partition-num=1");
        SinkSpec spec =
                new SinkSpec(
                        whole.uri(),
                        whole.options(),
                        whole.dispatchers(),
                        List.of(new SinkSpec.ColumnSelector(List.of("test.*"), List.of("a", "c"))),
                        true,
                        false,
                        "UTC");
        try (SinkDriver driver = new SinkDriver(spec)) {
            driver.send(
                    TestRowBatch.update(
                            table("t", 0, 1), TSO, 0, true, row(1, 5, "x"), row(1, 6, "y")));
            MillraceException failure = driver.awaitFailure();
            assertThat(failure.code()).isEqualTo(ErrorCode.COLUMN_SELECTOR_INVALID);
        }
        try (SinkDriver driver = new SinkDriver(spec)) {
            driver.send(TestRowBatch.insert(table("t", 0), TSO, 0, true, row(1, 5, "x")));
            driver.drain();
        }
        assertThat(consume("selected", 1))
                .extracting(r -> r.message().data().orElseThrow().keySet())
                .containsExactly(java.util.Set.of("a", "c"));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Gives acknowledgements time to arrive while the sink's clock stands still. */
    private static void settle(SinkDriver driver, long now) throws InterruptedException {
        for (int i = 0; i < 100; i++) {
            driver.sink().doWork(now);
            Thread.sleep(5);
        }
    }

    private static SinkSpec spec(String topicAndParameters, DispatchRule... rules) {
        return new SinkSpec(
                URI.create("kafka://" + kafka.bootstrapServers() + "/" + topicAndParameters),
                Map.of(),
                List.of(rules),
                true,
                false,
                "UTC");
    }

    private static void refused(SinkSpec spec, ErrorCode code, String named) {
        assertThatThrownBy(() -> new KafkaSinkFactory(new MemoryStores()).testOpen(spec))
                .as("%s", spec.uri())
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining(named)
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(code);
    }

    private static void create(String topic, int partitions, Map<String, String> settings)
            throws Exception {
        try (Admin admin = kafka.admin()) {
            admin.createTopics(
                            List.of(new NewTopic(topic, partitions, (short) 1).configs(settings)))
                    .all()
                    .get();
        }
    }

    private static SchemaChange ddl(
            DdlKind kind, String schema, String table, String newTable, String query) {
        return new SchemaChange(
                TSO,
                new TestPosition(TSO, 0),
                query,
                schema,
                List.of(
                        new SchemaChange.Change(
                                kind,
                                new TableName(schema, table),
                                newTable.isEmpty()
                                        ? Optional.empty()
                                        : Optional.of(new TableName(schema, newTable)),
                                Optional.empty(),
                                Optional.empty(),
                                query)));
    }

    private static TableSchema table(String name, Integer... key) {
        return new TableSchema(
                1,
                1,
                new TableName("test", name),
                List.of(
                        Column.of("a", ColumnKind.INT),
                        Column.of("b", ColumnKind.INT),
                        Column.of("c", ColumnKind.LONGTEXT)),
                List.of(new TableSchema.Key("PRIMARY", true, List.of(key))));
    }

    private static List<Received> consume(String topic, int expected) {
        return consume(kafka, topic, expected);
    }

    private static List<Received> consume(KafkaServer server, String topic, int expected) {
        List<Received> out = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> each : read(server, topic, expected)) {
            assertThat(each.key()).isNull();
            out.add(new Received(each.partition(), DECODER.decode(each.value())));
        }
        return out;
    }

    private static List<Integer> rawSizes(String topic, int expected) {
        return read(kafka, topic, expected).stream().map(each -> each.value().length).toList();
    }

    private static List<ConsumerRecord<byte[], byte[]>> readAll(String topic) {
        return readAtLeast(kafka, topic, 0);
    }

    /** Waits for so many messages, and reads all; fails when there are more. */
    private static List<ConsumerRecord<byte[], byte[]>> read(
            KafkaServer server, String topic, int expected) {
        List<ConsumerRecord<byte[], byte[]>> out = readAtLeast(server, topic, expected);
        assertThat(out).as("messages in %s", topic).hasSize(expected);
        return out;
    }

    private static List<ConsumerRecord<byte[], byte[]>> readAtLeast(
            KafkaServer server, String topic, int expected) {
        List<ConsumerRecord<byte[], byte[]>> out = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", server.bootstrapServers()),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer())) {
            List<TopicPartition> partitions =
                    consumer.partitionsFor(topic).stream()
                            .map(info -> new TopicPartition(topic, info.partition()))
                            .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long deadline = System.nanoTime() + 20_000_000_000L;
            while (out.size() < expected && System.nanoTime() < deadline) {
                consumer.poll(Duration.ofMillis(100)).forEach(out::add);
            }
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream()
                    .anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                consumer.poll(Duration.ofMillis(500)).forEach(out::add);
            }
        }
        return out;
    }
}
