package io.millrace.kafka;

import io.millrace.codec.EncoderContext;
import io.millrace.codec.RowEncoder;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;

/** Kafka sinks: {@code kafka://} and {@code kafka+ssl://}. */
public final class KafkaSinkFactory implements SinkFactory {
    /** How long a test of the connection may take in all. */
    private static final long TEST_TIMEOUT_MS = 10_000;

    /** How long a running sink waits for an answer about topics. */
    private static final long ADMIN_TIMEOUT_MS = 30_000;

    @Override
    public Set<String> schemes() {
        return Set.of("kafka", "kafka+ssl");
    }

    @Override
    public void validate(SinkSpec spec) {
        DispatchRules.compile(spec, KafkaSinkConfig.parse(spec));
    }

    @Override
    public void validateTables(SinkSpec spec, List<TableSchema> tables) {
        DispatchRules rules = DispatchRules.compile(spec, KafkaSinkConfig.parse(spec));
        tables.forEach(rules::partitioner);
    }

    @Override
    public void testOpen(SinkSpec spec) {
        KafkaSinkConfig config = KafkaSinkConfig.parse(spec);
        DispatchRules.compile(spec, config);
        long timeoutMs = Math.min(TEST_TIMEOUT_MS, config.dialTimeout().toMillis());
        String clientId = KafkaClients.clientId(config, "millrace", "check");
        try (Admin admin = admin(config, clientId, timeoutMs)) {
            try {
                new TopicAdmin(config, admin, timeoutMs).check(config.topic());
            } finally {
                admin.close(Duration.ZERO);
            }
        }
    }

    @Override
    public Sink open(SinkSpec spec, SinkContext context) {
        KafkaSinkConfig config = KafkaSinkConfig.parse(spec);
        return open(
                spec,
                context,
                config,
                config.protocol().encoder(spec, EncoderContext.of(Clock.systemUTC())));
    }

    /** Opens with an encoder of the caller's choice, which the sink closes. */
    static Sink open(
            SinkSpec spec, SinkContext context, KafkaSinkConfig config, RowEncoder encoder) {
        DispatchRules rules = DispatchRules.compile(spec, config);
        String clientId = KafkaClients.clientId(config, context.nodeAddress(), context.jobId());
        Admin admin = admin(config, clientId, ADMIN_TIMEOUT_MS);
        KafkaProducer<byte[], byte[]> producer;
        try {
            producer = new KafkaClients(config).producer(clientId);
        } catch (KafkaException e) {
            admin.close(Duration.ZERO);
            throw failed(config, e);
        }
        return new KafkaSink(
                config,
                rules,
                encoder,
                context.acks(),
                admin,
                producer,
                new Topics(
                        new TopicAdmin(config, admin, ADMIN_TIMEOUT_MS),
                        producer,
                        ADMIN_TIMEOUT_MS));
    }

    private static Admin admin(KafkaSinkConfig config, String clientId, long timeoutMs) {
        try {
            return new KafkaClients(config).admin(clientId, timeoutMs);
        } catch (KafkaException e) {
            throw failed(config, e);
        }
    }

    private static MillraceException failed(KafkaSinkConfig config, KafkaException e) {
        return KafkaErrors.admin(String.join(",", config.brokers()), "connecting", e);
    }
}
