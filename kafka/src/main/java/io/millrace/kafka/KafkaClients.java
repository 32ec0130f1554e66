package io.millrace.kafka;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Makes producers and admin clients from a sink's settings. */
final class KafkaClients {
    /** Memory for records that were not sent yet; what bounds the sink's memory. */
    static final long BUFFER_BYTES = 64L << 20;

    /** Longest time that a call into the producer may hold up the engine's thread. */
    static final int MAX_BLOCK_MS = 20;

    /** The same in a transactional producer, whose calls about transactions need more. */
    private static final int TRANSACTIONAL_MAX_BLOCK_MS = 2_000;

    private static final int BATCH_BYTES = 256 << 10;

    /** Records wait this long for company: what small transactions pay in latency. */
    private static final int LINGER_MS = 5;

    private static final int MIN_REQUEST_BYTES = 4 << 20;

    /** The most that idempotence allows; see {@link Topics.Partition} for the first record. */
    private static final int MAX_IN_FLIGHT_REQUESTS = 5;

    private static final int MAX_BACKOFF_MS = 1_000;
    private static final Pattern CLIENT_ID_FOREIGN = Pattern.compile("[^A-Za-z0-9._-]");

    private final KafkaSinkConfig config;

    KafkaClients(KafkaSinkConfig config) {
        this.config = config;
    }

    /** A client id that names node and job, as TiCDC's quotas and dashboards know it. */
    static String clientId(KafkaSinkConfig config, String nodeAddress, String jobId) {
        return config.clientId()
                .orElseGet(() ->
                        CLIENT_ID_FOREIGN
                                .matcher(
                                        "TiCDC_producer_"
                                                + nodeAddress
                                                + "_"
                                                + jobId.replace('/', '_'))
                                .replaceAll("_"));
    }

    /**
     * An admin client whose calls end within the time-out.
     *
     * @throws org.apache.kafka.common.KafkaException when no broker name resolves
     */
    Admin admin(String clientId, long timeoutMs) {
        Map<String, Object> properties = common(clientId);
        properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) timeoutMs);
        properties.put(
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                (int) Math.min(timeoutMs, config.requestTimeout().toMillis()));
        return Admin.create(properties);
    }

    KafkaProducer<byte[], byte[]> producer(String clientId) {
        return producer(producerProperties(clientId));
    }

    /** A producer with transactions, which {@code initTransactions} was not called for yet. */
    KafkaProducer<byte[], byte[]> transactionalProducer(String clientId, String transactionalId) {
        Map<String, Object> properties = producerProperties(clientId);
        properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, transactionalId);
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, TRANSACTIONAL_MAX_BLOCK_MS);
        return producer(properties);
    }

    private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> properties) {
        return new KafkaProducer<>(
                properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    Map<String, Object> producerProperties(String clientId) {
        Map<String, Object> properties = common(clientId);
        int requestTimeoutMs = (int) config.requestTimeout().toMillis();
        properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, requestTimeoutMs);
        properties.put(
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                (int) Math.min(Integer.MAX_VALUE, config.deliveryTimeoutMs() + LINGER_MS));
        properties.put(ProducerConfig.ACKS_CONFIG, Integer.toString(config.requiredAcks()));
        // Without idempotence, order survives a retry only if requests go one by one.
        boolean retries = config.maxRetry().orElse(1) > 0;
        boolean idempotent = config.requiredAcks() == -1 && retries;
        properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, idempotent);
        properties.put(
                ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION,
                idempotent ? MAX_IN_FLIGHT_REQUESTS : 1);
        config.maxRetry().ifPresent(count -> properties.put(ProducerConfig.RETRIES_CONFIG, count));
        properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, config.compression());
        properties.put(
                ProducerConfig.BATCH_SIZE_CONFIG, Math.min(BATCH_BYTES, config.maxMessageBytes()));
        properties.put(ProducerConfig.LINGER_MS_CONFIG, LINGER_MS);
        properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, BUFFER_BYTES);
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, MAX_BLOCK_MS);
        properties.put(
                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                Math.max(
                        MIN_REQUEST_BYTES,
                        (int)
                                Math.min(
                                        Integer.MAX_VALUE,
                                        config.maxMessageBytes()
                                                + (long) KafkaSinkConfig.LIMIT_MARGIN)));
        return properties;
    }

    private Map<String, Object> common(String clientId) {
        Map<String, Object> properties = new HashMap<>();
        properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, config.brokers());
        properties.put(CommonClientConfigs.CLIENT_ID_CONFIG, clientId);
        properties.put(
                CommonClientConfigs.SOCKET_CONNECTION_SETUP_TIMEOUT_MS_CONFIG,
                config.dialTimeout().toMillis());
        properties.put(
                CommonClientConfigs.SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS_CONFIG,
                config.dialTimeout().toMillis());
        properties.put(CommonClientConfigs.RECONNECT_BACKOFF_MAX_MS_CONFIG, (long) MAX_BACKOFF_MS);
        properties.put(CommonClientConfigs.ENABLE_METRICS_PUSH_CONFIG, false);
        boolean tls = config.tls().isPresent();
        boolean sasl = config.sasl().isPresent();
        properties.put(
                CommonClientConfigs.SECURITY_PROTOCOL_CONFIG,
                sasl ? (tls ? "SASL_SSL" : "SASL_PLAINTEXT") : (tls ? "SSL" : "PLAINTEXT"));
        config.sasl().ifPresent(login -> login.put(properties));
        config.tls().ifPresent(settings -> putTls(settings, properties));
        return properties;
    }

    private static void putTls(KafkaSinkConfig.Tls tls, Map<String, Object> properties) {
        tls.files()
                .ifPresent(files -> {
                    properties.put(SslConfigs.SSL_TRUSTSTORE_TYPE_CONFIG, "PEM");
                    properties.put(
                            SslConfigs.SSL_TRUSTSTORE_CERTIFICATES_CONFIG,
                            KafkaSinkConfig.read("ca", files.ca()));
                    properties.put(SslConfigs.SSL_KEYSTORE_TYPE_CONFIG, "PEM");
                    properties.put(
                            SslConfigs.SSL_KEYSTORE_CERTIFICATE_CHAIN_CONFIG,
                            KafkaSinkConfig.read("cert", files.certificate()));
                    properties.put(
                            SslConfigs.SSL_KEYSTORE_KEY_CONFIG, KafkaSinkConfig.pkcs8(files.key()));
                });
        if (tls.skipVerify()) {
            properties.put(
                    SslConfigs.SSL_ENGINE_FACTORY_CLASS_CONFIG, TrustingSslEngineFactory.class);
            properties.put(SslConfigs.SSL_ENDPOINT_IDENTIFICATION_ALGORITHM_CONFIG, "");
        }
    }
}
