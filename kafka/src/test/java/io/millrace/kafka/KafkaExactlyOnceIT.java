package io.millrace.kafka;

import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.codec.canaljson.CanalJsonDecoder;
import io.millrace.codec.canaljson.CanalJsonMessage;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestPosition;
import io.millrace.testkit.rows.TestRowBatch;
import io.millrace.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Rows and progress in Kafka transactions, read by a consumer that wants committed records. */
class KafkaExactlyOnceIT {
    private static final long TSO = 439749918821711874L;
    private static final TableSchema TABLE =
            new TableSchema(
                    1,
                    1,
                    new TableName("test", "t"),
                    List.of(Column.of("a", ColumnKind.INT)),
                    List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));

    private static KafkaServer kafka;

    @BeforeAll
    static void start() {
        kafka = KafkaServer.builder().start();
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void rowsThatWereCommittedAreNotWrittenAgain() {
        SinkSpec spec = spec("once");
        try (SinkDriver driver = new SinkDriver(spec)) {
            for (int i = 0; i < 20; i++) {
                sendTransaction(driver, i);
            }
            driver.drain();
            driver.send(batch(20, 0, false));
            // Closed in the middle of a transaction, which is aborted.
        }
        assertThat(committed("once")).containsExactlyElementsOf(numbers(40));
        try (SinkDriver driver = new SinkDriver(spec)) {
            // The engine begins with a checkpoint that lags behind.
            for (int i = 10; i < 25; i++) {
                sendTransaction(driver, i);
            }
            driver.drain();
        }
        assertThat(committed("once")).containsExactlyElementsOf(numbers(50));
    }

    @Test
    void aNewRunFencesAnOlderOneThatStillWrites() {
        SinkSpec spec = spec("fence");
        try (SinkDriver zombie = new SinkDriver(spec)) {
            sendTransaction(zombie, 0);
            zombie.drain();
            zombie.send(batch(1, 0, false));
            try (SinkDriver driver = new SinkDriver(spec)) {
                sendTransaction(driver, 1);
                driver.drain();
                zombie.sink().offer(2, batch(1, 1, true));
                assertThat(zombie.awaitFailure().code()).isEqualTo(ErrorCode.SINK_TRANSIENT);
            }
        }
        assertThat(committed("fence")).containsExactly(0, 1, 2, 3);
    }

    @Test
    void forgottenProgressMakesRowsComeAgain() {
        SinkSpec spec = spec("forget");
        try (SinkDriver driver = new SinkDriver(spec)) {
            sendTransaction(driver, 0);
            driver.drain();
        }
        new KafkaSinkFactory(new MemoryStores()).distrustProgress(spec, "default/test");
        new KafkaSinkFactory(new MemoryStores()).forget(spec, "default/test");
        try (SinkDriver driver = new SinkDriver(spec)) {
            sendTransaction(driver, 0);
            driver.drain();
        }
        assertThat(committed("forget")).containsExactly(0, 0, 1, 1);
    }

    @Test
    void aDdlIsWrittenOnceAndAtOnce() {
        SinkSpec spec = spec("ddl");
        SchemaChange change =
                new SchemaChange(
                        TSO + 1,
                        new TestPosition(TSO + 1, 0),
                        "CREATE TABLE t (a INT)",
                        "test",
                        List.of(
                                new SchemaChange.Change(
                                        DdlKind.CREATE_TABLE,
                                        TABLE.name(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        "CREATE TABLE t (a INT)")));
        for (int run = 0; run < 2; run++) {
            try (SinkDriver driver = new SinkDriver(spec)) {
                sendTransaction(driver, 0);
                driver.drain();
                driver.ddl(change);
                sendTransaction(driver, 1);
                driver.drain();
            }
        }
        assertThat(committed("ddl")).containsExactly(-1, 0, 1, 2, 3);
    }

    /** A transaction whose end does not come must not hold back acks for ever. */
    @Test
    void aLongTransactionIsCommittedInPieces() {
        SinkSpec spec = spec("pieces");
        try (SinkDriver driver = new SinkDriver(spec)) {
            driver.send(batch(0, 0, false));
            driver.drain();
        }
        assertThat(committed("pieces")).containsExactly(0);
        try (SinkDriver driver = new SinkDriver(spec)) {
            sendTransaction(driver, 0);
            driver.drain();
        }
        assertThat(committed("pieces")).containsExactly(0, 1);
    }

    /** Two batches with one row each, numbered throughout. */
    private static void sendTransaction(SinkDriver driver, int number) {
        driver.send(batch(number, 0, false));
        driver.send(batch(number, 1, true));
    }

    private static RowBatch batch(int transaction, int index, boolean last) {
        return TestRowBatch.insert(
                TABLE, TSO + 2L * transaction, index, last, row(2 * transaction + index));
    }

    private static SinkSpec spec(String topic) {
        return SinkSpec.of(
                "kafka://"
                        + kafka.bootstrapServers()
                        + "/"
                        + topic
                        + "?protocol=canal-json&partition-num=2&exactly-once=true");
    }

    private static List<Integer> numbers(int count) {
        return IntStream.range(0, count).boxed().toList();
    }

    /** Numbers of the committed rows, sorted; -1 for a DDL. */
    private static List<Integer> committed(String topic) {
        CanalJsonDecoder decoder = new CanalJsonDecoder();
        List<Integer> out = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        Map.of(
                                "bootstrap.servers",
                                kafka.bootstrapServers(),
                                "isolation.level",
                                "read_committed"),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer())) {
            List<TopicPartition> partitions =
                    IntStream.range(0, 2).mapToObj(p -> new TopicPartition(topic, p)).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = kafka.committedEnds(partitions);
            while (partitions.stream()
                    .anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                consumer.poll(Duration.ofMillis(200))
                        .forEach(record -> out.add(number(decoder.decode(record.value()))));
            }
        }
        return out.stream().sorted().toList();
    }

    private static int number(CanalJsonMessage message) {
        return message.ddl()
                ? -1
                : Integer.parseInt(
                        message.data()
                                .orElseThrow()
                                .getOrDefault("a", Optional.empty())
                                .orElseThrow());
    }
}
