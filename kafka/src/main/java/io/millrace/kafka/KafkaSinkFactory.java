package io.millrace.kafka;

import io.millrace.codec.EncoderContext;
import io.millrace.codec.LargeMessages;
import io.millrace.codec.Protocols;
import io.millrace.codec.RowEncoder;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.ColumnSelection;
import io.millrace.core.spi.ObjectStores;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
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

    private final ObjectStores stores;
    private final String clusterId;
    private final InProcessKafka inProcess;

    /**
     * @param stores for messages that are too large for a topic
     * @param clusterId name of this cluster, which some formats write
     * @param inProcess the broker that {@code kafka://embedded} means
     */
    public KafkaSinkFactory(ObjectStores stores, String clusterId, InProcessKafka inProcess) {
        this.stores = stores;
        this.clusterId = clusterId;
        this.inProcess = inProcess;
    }

    /** In a process without a broker. */
    public KafkaSinkFactory(ObjectStores stores, String clusterId) {
        this(stores, clusterId, InProcessKafka.none());
    }

    /** For a cluster without a name of its own. */
    public KafkaSinkFactory(ObjectStores stores) {
        this(stores, "default");
    }

    @Override
    public Set<String> schemes() {
        return Set.of("kafka", "kafka+ssl");
    }

    private KafkaSinkConfig parse(SinkSpec spec) {
        return KafkaSinkConfig.parse(spec, inProcess);
    }

    @Override
    public void validate(SinkSpec spec) {
        check(spec, parse(spec));
    }

    private void check(SinkSpec spec, KafkaSinkConfig config) {
        DispatchRules.compile(spec, config);
        ColumnSelection.of(spec);
        Optional<URI> storage = config.largeMessages().claimCheckStorage().map(SinkSpec::parseUri);
        if (storage.isPresent()) {
            String scheme = String.valueOf(storage.get().getScheme()).toLowerCase(Locale.ROOT);
            if (!stores.schemes().contains(scheme)) {
                throw new MillraceException(
                        ErrorCode.INVALID_CONFIG,
                        "claim-check-storage-uri: no storage has the scheme '"
                                + scheme
                                + "'; there are "
                                + String.join(", ", stores.schemes().stream().sorted().toList()));
            }
        }
    }

    private Optional<ClaimChecks> claimChecks(KafkaSinkConfig config) {
        LargeMessages options = config.largeMessages();
        return options.claimCheckStorage()
                .map(uri -> new ClaimChecks(stores.open(SinkSpec.parseUri(uri)), options));
    }

    @Override
    public void validateTables(SinkSpec spec, List<TableSchema> tables) {
        DispatchRules rules = DispatchRules.compile(spec, parse(spec));
        ColumnSelection columns = ColumnSelection.of(spec);
        for (TableSchema table : tables) {
            rules.partitioner(table);
            columns.of(table);
        }
    }

    @Override
    public String timestampZone(SinkSpec spec, String jobZone) {
        return Protocols.of(spec).timestampZone(jobZone);
    }

    @Override
    public void testOpen(SinkSpec spec) {
        KafkaSinkConfig config = parse(spec);
        check(spec, config);
        Optional<ClaimChecks> claimChecks = claimChecks(config);
        if (claimChecks.isPresent()) {
            try (ClaimChecks opened = claimChecks.get()) {
                opened.check();
            }
        }
        long timeoutMs = Math.min(TEST_TIMEOUT_MS, config.dialTimeout().toMillis());
        String clientId = KafkaClients.clientId(config, "millrace", "check");
        try (KerberosConfig held = KerberosConfig.hold(config);
                Admin admin = admin(config, clientId, timeoutMs)) {
            try {
                new TopicAdmin(config, admin, timeoutMs).check(config.topic());
            } catch (MillraceException e) {
                boolean ours = InProcessKafka.NAME.equals(spec.uri().getRawAuthority());
                if (!ours || e.code() != ErrorCode.SINK_CONNECTION) {
                    throw e;
                }
                // It starts with this process, and takes its time after a crash: the changefeed
                // tries again until it is there.
                LOG.info("the broker of this process does not answer yet cause={}", e.text());
            } finally {
                admin.close(Duration.ZERO);
            }
        }
        config.protocol().testOpen(spec);
    }

    @Override
    public Sink open(SinkSpec spec, SinkContext context) {
        KafkaSinkConfig config = parse(spec);
        String namespace = context.jobId().substring(0, context.jobId().indexOf('/'));
        return open(
                spec,
                context,
                config,
                config.protocol()
                        .encoder(
                                spec, new EncoderContext(Clock.systemUTC(), clusterId, namespace)));
    }

    /** Opens with an encoder of the caller's choice, which the sink closes. */
    Sink open(SinkSpec spec, SinkContext context, KafkaSinkConfig config, RowEncoder encoder) {
        KerberosConfig kerberos = null;
        Admin admin = null;
        KafkaProducer<byte[], byte[]> producer = null;
        Optional<ClaimChecks> claimChecks = Optional.empty();
        try {
            DispatchRules rules = DispatchRules.compile(spec, config);
            kerberos = KerberosConfig.hold(config);
            String clientId = KafkaClients.clientId(config, context.nodeAddress(), context.jobId());
            admin = admin(config, clientId, ADMIN_TIMEOUT_MS);
            claimChecks = claimChecks(config);
            KafkaClients clients = new KafkaClients(config);
            Optional<KafkaSink.TransactionsFactory> transactions = Optional.empty();
            if (config.exactlyOnce()) {
                ProgressGroup group = new ProgressGroup(context.jobId(), config.topic());
                producer = clients.transactionalProducer(clientId, group.name());
                transactions = Optional.of(begin(config, group, producer, admin));
            } else {
                producer = clients.producer(clientId);
            }
            Topics topics =
                    new Topics(
                            new TopicAdmin(config, admin, ADMIN_TIMEOUT_MS),
                            producer,
                            ADMIN_TIMEOUT_MS);
            // Readers wait for the watermarks of all topics, also of those where nothing happens.
            List<String> watermarked =
                    encoder.hasWatermarks() && rules.namesTopics()
                            ? context.tables().get().stream().map(rules::topic).toList()
                            : List.of();
            KafkaSink sink =
                    new KafkaSink(
                            config,
                            rules,
                            new KafkaSink.Content(
                                    encoder,
                                    ColumnSelection.of(spec),
                                    Bootstraps.Settings.of(spec),
                                    claimChecks),
                            new KafkaSink.Target(admin, producer, topics, transactions, kerberos),
                            context.acks(),
                            context.metrics());
            watermarked.forEach(topics::get);
            return sink;
        } catch (RuntimeException e) {
            if (producer != null) {
                producer.close(Duration.ZERO);
            }
            if (admin != null) {
                admin.close(Duration.ZERO);
            }
            if (kerberos != null) {
                kerberos.close();
            }
            encoder.close();
            claimChecks.ifPresent(ClaimChecks::close);
            throw e instanceof KafkaException refused ? failed(config, refused) : e;
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

    private void deleteProgress(SinkSpec spec, String jobId) {
        KafkaSinkConfig config = parse(spec);
        if (!config.exactlyOnce()) {
            return;
        }
        String clientId = KafkaClients.clientId(config, "millrace", "forget");
        try (KerberosConfig held = KerberosConfig.hold(config);
                Admin admin = admin(config, clientId, ADMIN_TIMEOUT_MS)) {
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
