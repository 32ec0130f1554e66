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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Kafka sinks: {@code kafka://} and {@code kafka+ssl://}. */
public final class KafkaSinkFactory implements SinkFactory {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaSinkFactory.class);

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
        config.protocol().testOpen(spec);
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
        KafkaProducer<byte[], byte[]> producer = null;
        try {
            KafkaClients clients = new KafkaClients(config);
            Optional<KafkaSink.TransactionsFactory> transactions = Optional.empty();
            if (config.exactlyOnce()) {
                ProgressGroup group = new ProgressGroup(context.jobId(), config.topic());
                producer = clients.transactionalProducer(clientId, group.name());
                transactions = Optional.of(begin(config, group, producer, admin));
            } else {
                producer = clients.producer(clientId);
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
                            ADMIN_TIMEOUT_MS),
                    Bootstraps.Settings.of(spec),
                    transactions);
        } catch (KafkaException | MillraceException e) {
            if (producer != null) {
                producer.close(Duration.ZERO);
            }
            admin.close(Duration.ZERO);
            encoder.close();
            throw e instanceof MillraceException ours ? ours : failed(config, e);
        }
    }

    /** Fences older runs, ends what they left open, and only then reads how far they came. */
    private static KafkaSink.TransactionsFactory begin(
            KafkaSinkConfig config,
            ProgressGroup group,
            KafkaProducer<byte[], byte[]> producer,
            Admin admin) {
        Transactions.patiently(
                System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ADMIN_TIMEOUT_MS),
                producer::initTransactions);
        Progress before = group.read(admin, String.join(",", config.brokers()), ADMIN_TIMEOUT_MS);
        LOG.info("group={} progress={}", group.name(), before);
        return (acks, failure) ->
                new Transactions(
                        producer, group, before, acks, config.deliveryTimeoutMs(), failure);
    }

    @Override
    public void forget(SinkSpec spec, String jobId) {
        deleteProgress(spec, jobId);
    }

    /** Rows that were written come again then: nothing tells which tables they belong to. */
    @Override
    public void distrustProgress(SinkSpec spec, String jobId) {
        deleteProgress(spec, jobId);
    }

    private static void deleteProgress(SinkSpec spec, String jobId) {
        KafkaSinkConfig config = KafkaSinkConfig.parse(spec);
        if (!config.exactlyOnce()) {
            return;
        }
        String clientId = KafkaClients.clientId(config, "millrace", "forget");
        try (Admin admin = admin(config, clientId, ADMIN_TIMEOUT_MS)) {
            try {
                new ProgressGroup(jobId, config.topic())
                        .delete(admin, String.join(",", config.brokers()), ADMIN_TIMEOUT_MS);
            } finally {
                admin.close(Duration.ZERO);
            }
        }
    }

    private static Admin admin(KafkaSinkConfig config, String clientId, long timeoutMs) {
        try {
            return new KafkaClients(config).admin(clientId, timeoutMs);
        } catch (KafkaException e) {
            throw failed(config, e);
        }
    }

    private static MillraceException failed(KafkaSinkConfig config, RuntimeException e) {
        return KafkaErrors.admin(String.join(",", config.brokers()), "connecting", e);
    }
}
