package io.millrace.kafka;

import io.millrace.codec.CodecOptions;
import io.millrace.codec.LargeMessages;
import io.millrace.codec.Protocol;
import io.millrace.codec.Protocols;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.tls.PemKey;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Settings of a Kafka sink, read from a URI {@code kafka://b1:9092,b2:9092/topic?...} and options;
 * {@code kafka://embedded/topic} is the broker of this process. An instance is valid; what is not
 * supported is refused by name.
 *
 * @param brokers bootstrap servers, {@code host:port}
 * @param topic default topic
 * @param protocol how messages are written
 * @param partitionNum partitions to use, and to create topics with; empty means all there are, or
 *     {@link #NEW_TOPIC_PARTITIONS} for a new topic
 * @param replicationFactor of topics that the sink creates
 * @param maxMessageBytes greatest size of a message: key, value and {@link #RECORD_OVERHEAD}; a
 *     topic's or broker's smaller limit wins
 * @param maxRetry how often a request is repeated; empty means until the delivery time-out
 * @param compression Kafka's name
 * @param clientId empty means one made of node and job
 * @param autoCreateTopic whether missing topics are created
 * @param dialTimeout for connecting
 * @param requestTimeout for writing a request and waiting for its answer
 * @param requiredAcks -1 (all in-sync replicas), 1 (the leader) or 0 (nobody)
 * @param outputRawChangeEvent updates that change a key stay updates
 * @param exactlyOnce rows and progress are written in Kafka transactions
 * @param largeMessages what happens to messages that are too large
 * @param sasl how to log in
 * @param tls how to encrypt
 */
record KafkaSinkConfig(
        List<String> brokers,
        String topic,
        Protocol protocol,
        OptionalInt partitionNum,
        short replicationFactor,
        int maxMessageBytes,
        OptionalInt maxRetry,
        String compression,
        Optional<String> clientId,
        boolean autoCreateTopic,
        Duration dialTimeout,
        Duration requestTimeout,
        int requiredAcks,
        boolean outputRawChangeEvent,
        boolean exactlyOnce,
        LargeMessages largeMessages,
        Optional<SaslLogin> sasl,
        Optional<Tls> tls) {

    static final int NEW_TOPIC_PARTITIONS = 3;

    /** What a record adds to key and value, by the reference's reckoning. */
    static final int RECORD_OVERHEAD = 36;

    /** How far below the topic's limit a message must stay, for the batch around it. */
    static final int LIMIT_MARGIN = 128;

    private static final Logger LOG = LoggerFactory.getLogger(KafkaSinkConfig.class);
    private static final int DEFAULT_PORT = 9092;
    private static final long MIN_DELIVERY_TIMEOUT_MS = 10_000;
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);
    private static final Pattern CLIENT_ID = Pattern.compile("[A-Za-z0-9._-]+");
    private static final Pattern VERSION =
            Pattern.compile("(\\d{1,9})\\.(\\d{1,9})\\.(\\d+)(?:\\.\\d+)?");
    private static final Set<String> COMPRESSIONS = Set.of("none", "gzip", "snappy", "lz4", "zstd");

    /**
     * Encryption; without files the system's trust store is used.
     *
     * @param files certificates and key
     * @param skipVerify trust any server
     */
    record Tls(Optional<PemFiles> files, boolean skipVerify) {}

    /** PEM files on the server. */
    record PemFiles(Path ca, Path certificate, Path key) {}

    /** {@link #parse(SinkSpec, InProcessKafka)} in a process without a broker. */
    static KafkaSinkConfig parse(SinkSpec spec) {
        return parse(spec, InProcessKafka.none());
    }

    /** Reads and checks; throws a USER error that names the option. */
    static KafkaSinkConfig parse(SinkSpec spec, InProcessKafka inProcess) {
        SinkOptions options = new SinkOptions(spec, ErrorCode.KAFKA_INVALID_CONFIG);
        Protocol protocol = Protocols.of(spec);
        protocol.validate(spec);
        boolean embedded = InProcessKafka.NAME.equals(spec.uri().getRawAuthority());
        List<String> brokers = embedded ? List.of(inProcess.address()) : brokers(spec.uri());
        String topic = topic(spec.uri());
        checkAtomicity(options);
        checkVersion(options);
        OptionalInt partitionNum = options.number("partition-num");
        if (partitionNum.isPresent() && partitionNum.getAsInt() <= 0) {
            throw new MillraceException(
                    ErrorCode.KAFKA_INVALID_PARTITION_NUM,
                    "partition-num must be positive: " + partitionNum.getAsInt());
        }
        int replicationFactor = options.number("replication-factor").orElse(1);
        if (replicationFactor <= 0 || replicationFactor > Short.MAX_VALUE) {
            throw invalid("replication-factor must be between 1 and 32767: " + replicationFactor);
        }
        if (embedded && replicationFactor != 1) {
            throw invalid(
                    "replication-factor must be 1 with kafka://embedded, which is a single broker,"
                            + " not "
                            + replicationFactor);
        }
        int maxMessageBytes = CodecOptions.of(spec).maxMessageBytes();
        OptionalInt maxRetry = options.number("max-retry");
        if (maxRetry.isPresent() && maxRetry.getAsInt() < 0) {
            maxRetry = OptionalInt.empty(); // as documented for TiCDC: negative means unset
        }
        String compression = options.text("compression", "none").toLowerCase(Locale.ROOT);
        if (!COMPRESSIONS.contains(compression)) {
            LOG.warn(
                    "compression '{}' is none of gzip, snappy, lz4 and zstd: using none",
                    compression);
            compression = "none";
        }
        Optional<String> clientId = options.text("kafka-client-id");
        if (clientId.isPresent() && !CLIENT_ID.matcher(clientId.get()).matches()) {
            throw new MillraceException(
                    ErrorCode.KAFKA_INVALID_CLIENT_ID,
                    "kafka-client-id may only hold letters, digits, '.', '_' and '-': '"
                            + clientId.get()
                            + "'");
        }
        int requiredAcks = options.number("required-acks").orElse(-1);
        if (requiredAcks < -1 || requiredAcks > 1) {
            throw new MillraceException(
                    ErrorCode.KAFKA_INVALID_REQUIRED_ACKS,
                    "required-acks must be -1, 0 or 1: " + requiredAcks);
        }
        Duration writeTimeout = options.duration("write-timeout", DEFAULT_TIMEOUT);
        Duration readTimeout = options.duration("read-timeout", DEFAULT_TIMEOUT);
        Optional<SaslLogin> sasl = SaslLogin.of(options);
        Optional<Tls> tls = tls(spec, options);
        if (embedded && (sasl.isPresent() || tls.isPresent())) {
            throw invalid(
                    (sasl.isPresent() ? "sasl-mechanism" : "enable-tls")
                            + ": the broker of kafka://embedded has neither login nor encryption;"
                            + " it is reached from this machine only");
        }
        return new KafkaSinkConfig(
                brokers,
                topic,
                protocol,
                partitionNum,
                (short) replicationFactor,
                maxMessageBytes,
                maxRetry,
                compression,
                clientId,
                options.flag("auto-create-topic", true),
                options.duration("dial-timeout", DEFAULT_TIMEOUT),
                // The client knows one time-out for a request and its answer.
                writeTimeout.plus(readTimeout),
                requiredAcks,
                options.flag("output-raw-change-event", false),
                exactlyOnce(options, requiredAcks, maxRetry),
                LargeMessages.of(spec),
                sasl,
                tls);
    }

    static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.KAFKA_INVALID_CONFIG, message);
    }

    /** How long a record may wait for its acknowledgement before the run ends with an error. */
    long deliveryTimeoutMs() {
        return Math.max(MIN_DELIVERY_TIMEOUT_MS, 2 * requestTimeout.toMillis());
    }

    private static boolean exactlyOnce(
            SinkOptions options, int requiredAcks, OptionalInt maxRetry) {
        boolean wanted = options.flag("exactly-once", false);
        if (wanted && requiredAcks != -1) {
            throw invalid("exactly-once=true needs required-acks=-1, not " + requiredAcks);
        }
        if (wanted && maxRetry.isPresent() && maxRetry.getAsInt() == 0) {
            throw invalid("exactly-once=true cannot be used with max-retry=0");
        }
        return wanted;
    }

    private static void checkAtomicity(SinkOptions options) {
        String atomicity = options.text("transaction-atomicity", "none");
        if (!atomicity.equals("none")) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "transaction-atomicity '" + atomicity + "' is not supported by a Kafka sink");
        }
    }

    /** Versions are negotiated with each broker; the option can only be no version at all. */
    private static void checkVersion(SinkOptions options) {
        Optional<String> version = options.text("kafka-version");
        if (version.isEmpty()) {
            return;
        }
        var parts = VERSION.matcher(version.get());
        if (!parts.matches()) {
            throw new MillraceException(
                    ErrorCode.KAFKA_INVALID_VERSION,
                    "kafka-version must look like 2.4.0, not '" + version.get() + "'");
        }
        long major = Long.parseLong(parts.group(1));
        long minor = Long.parseLong(parts.group(2));
        if (major < 2 || major == 2 && minor < 1) {
            LOG.warn(
                    "kafka-version {} has no effect: versions are negotiated, and brokers have to"
                            + " be of 2.1.0 or later",
                    version.get());
        }
    }

    private static List<String> brokers(URI uri) {
        String authority = uri.getRawAuthority();
        if (authority == null || authority.isBlank()) {
            throw invalid("no broker is specified in sink-uri: kafka://host:port/topic");
        }
        if (authority.indexOf('@') >= 0) {
            throw invalid(
                    "user and password do not belong into the authority of a Kafka sink-uri: use"
                            + " sasl-user, sasl-password and sasl-mechanism");
        }
        List<String> brokers = new ArrayList<>();
        for (String broker : authority.split(",")) {
            brokers.add(broker(broker.trim()));
        }
        return List.copyOf(brokers);
    }

    private static String broker(String text) {
        int colon = text.lastIndexOf(':');
        boolean bracketed = text.startsWith("[") && text.indexOf(']') > 0;
        if (!bracketed && text.indexOf(':') != colon) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "an IPv6 address in sink-uri needs brackets: [" + text + "]");
        }
        if (text.isEmpty()) {
            throw invalid("an empty broker name in sink-uri");
        }
        if (colon < 0 || bracketed && text.endsWith("]")) {
            return text + ":" + DEFAULT_PORT;
        }
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            if (port > 0 && port <= 65_535 && colon > 0) {
                return text;
            }
        } catch (NumberFormatException e) {
            LOG.debug("broker {} has no numeric port", text, e);
        }
        throw invalid("broker '" + text + "' in sink-uri must be host:port");
    }

    private static String topic(URI uri) {
        String path = uri.getPath() == null ? "" : uri.getPath();
        String topic = path.replaceAll("^/+|/+$", "");
        if (topic.isEmpty()) {
            throw invalid("no topic is specified in sink-uri: kafka://host:port/topic");
        }
        if (!TopicExpression.isTopicName(topic)) {
            throw invalid(
                    "topic '"
                            + topic
                            + "' in sink-uri: a topic name has 1 to 249 letters, digits, '.', '_'"
                            + " and '-'");
        }
        return topic;
    }

    private static Optional<Tls> tls(SinkSpec spec, SinkOptions options) {
        Optional<String> ca = options.text("ca");
        Optional<String> certificate = options.text("cert");
        Optional<String> key = options.text("key");
        boolean anyFile = ca.isPresent() || certificate.isPresent() || key.isPresent();
        boolean byScheme = spec.scheme().equals("kafka+ssl");
        boolean skipVerify = options.flag("insecure-skip-verify", false);
        boolean enabled = options.flag("enable-tls", anyFile || byScheme);
        if (!enabled) {
            if (anyFile) {
                throw invalid("enable-tls=false contradicts ca, cert and key");
            }
            if (byScheme) {
                LOG.warn("enable-tls=false: no encryption in spite of the scheme kafka+ssl");
            }
            if (skipVerify) {
                LOG.warn("insecure-skip-verify has no effect without enable-tls=true");
            }
            return Optional.empty();
        }
        Optional<PemFiles> files = Optional.empty();
        if (anyFile) {
            if (ca.isEmpty() || certificate.isEmpty() || key.isEmpty()) {
                throw invalid("ca, cert and key must be given together");
            }
            files =
                    Optional.of(
                            new PemFiles(
                                    readable("ca", ca.get()),
                                    readable("cert", certificate.get()),
                                    readable("key", key.get())));
            pkcs8(files.get().key());
        }
        return Optional.of(new Tls(files, skipVerify));
    }

    /** A file that there is; the option is for the message. */
    static Path readable(String option, String path) {
        Path file = Path.of(path);
        if (!Files.isReadable(file) || !Files.isRegularFile(file)) {
            throw invalid(option + ": file '" + path + "' cannot be read by the server");
        }
        return file;
    }

    /** The private key, in the one form that Kafka's client reads. */
    static String pkcs8(Path key) {
        @Nullable IllegalArgumentException failure;
        try {
            return PemKey.read(read("key", key)).text();
        } catch (IllegalArgumentException e) {
            failure = e;
        }
        throw new MillraceException(
                ErrorCode.KAFKA_INVALID_CONFIG,
                "key: '" + key + "' cannot be used: " + failure.getMessage(),
                failure);
    }

    /** Text of a PEM file. */
    static String read(String option, Path file) {
        @Nullable IOException failure;
        try {
            return Files.readString(file);
        } catch (IOException e) {
            failure = e;
        }
        throw new MillraceException(
                ErrorCode.KAFKA_INVALID_CONFIG,
                option + ": file '" + file + "' cannot be read: " + failure.getMessage(),
                failure);
    }
}
