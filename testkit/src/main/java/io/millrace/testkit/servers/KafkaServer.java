package io.millrace.testkit.servers;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;
import org.jspecify.annotations.Nullable;

/**
 * A Kafka broker of one node (KRaft, broker and controller in one) inside this JVM, on a free
 * loopback port.
 *
 * <p>Topics must be created; each internal topic has one replica. Stopping and starting keeps port
 * and data. The methods exclude each other and may be called from any thread.
 */
public final class KafkaServer implements AutoCloseable {
    private static final String HOST = "127.0.0.1";
    private static final int NODE = 1;
    private static final int ADMIN_TIMEOUT_MS = 60_000;
    private static final long MARKERS_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Path base;
    private final int port;
    private final Map<String, String> settings;
    private boolean closed;
    private @Nullable KafkaRaftServer server;

    private KafkaServer(Builder builder) {
        port = builder.port == 0 ? Ports.free() : builder.port;
        int controllerPort = Ports.free();
        LiveServers.sweepLeftovers();
        try {
            base = Files.createTempDirectory("millrace-kafka-");
        } catch (IOException e) {
            throw new TestServerException("cannot make the folder of a Kafka broker", e);
        }
        LiveServers.add(base);
        Map<String, String> all = new LinkedHashMap<>();
        all.put("process.roles", "broker,controller");
        all.put("node.id", Integer.toString(NODE));
        all.put("controller.quorum.voters", NODE + "@" + HOST + ":" + controllerPort);
        all.put("controller.listener.names", "CONTROLLER");
        all.put(
                "listeners",
                "PLAINTEXT://"
                        + HOST
                        + ":"
                        + port
                        + ",CONTROLLER://"
                        + HOST
                        + ":"
                        + controllerPort);
        all.put("advertised.listeners", "PLAINTEXT://" + HOST + ":" + port);
        all.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        all.put("log.dirs", base.resolve("data").toString());
        all.put("auto.create.topics.enable", "false");
        all.put("num.network.threads", "2");
        all.put("num.io.threads", "2");
        all.put("num.recovery.threads.per.data.dir", "1");
        // The default of 128 MiB would come out of the heap of the tests.
        all.put("log.cleaner.dedupe.buffer.size", "4194304");
        all.put("offsets.topic.replication.factor", "1");
        all.put("offsets.topic.num.partitions", "1");
        all.put("transaction.state.log.replication.factor", "1");
        all.put("transaction.state.log.min.isr", "1");
        all.put("transaction.state.log.num.partitions", "1");
        all.put("share.coordinator.state.topic.replication.factor", "1");
        all.put("share.coordinator.state.topic.min.isr", "1");
        all.put("share.coordinator.state.topic.num.partitions", "1");
        all.put("group.initial.rebalance.delay.ms", "0");
        all.put("controlled.shutdown.enable", "false");
        all.putAll(builder.settings);
        settings = Map.copyOf(all);
        format();
    }

    /** A broker to be configured. */
    public static Builder builder() {
        return new Builder();
    }

    /** {@code host:port} for {@code bootstrap.servers}. */
    public String bootstrapServers() {
        return HOST + ":" + port;
    }

    public String host() {
        return HOST;
    }

    public int port() {
        return port;
    }

    /** A new admin client; the caller closes it. */
    public Admin admin() {
        return Admin.create(
                Map.of(
                        AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
                        bootstrapServers(),
                        AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                        ADMIN_TIMEOUT_MS));
    }

    /**
     * Ends of partitions for readers of committed records. A commit is answered before its markers
     * are in the partitions, so this waits until there is nothing open in them, but not long: a
     * transaction may have been left open.
     */
    public Map<TopicPartition, Long> committedEnds(Collection<TopicPartition> partitions) {
        try (Admin admin = admin()) {
            long deadline = System.nanoTime() + MARKERS_NANOS;
            while (true) {
                Map<TopicPartition, Long> committed =
                        ends(admin, partitions, IsolationLevel.READ_COMMITTED);
                if (committed.equals(ends(admin, partitions, IsolationLevel.READ_UNCOMMITTED))
                        || System.nanoTime() > deadline) {
                    return committed;
                }
                Thread.sleep(20);
            }
        } catch (InterruptedException | ExecutionException e) {
            throw new TestServerException("no ends of " + partitions, e);
        }
    }

    private static Map<TopicPartition, Long> ends(
            Admin admin, Collection<TopicPartition> partitions, IsolationLevel isolation)
            throws InterruptedException, ExecutionException {
        Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
        partitions.forEach(partition -> wanted.put(partition, OffsetSpec.latest()));
        Map<TopicPartition, Long> ends = new HashMap<>();
        admin.listOffsets(wanted, new ListOffsetsOptions(isolation))
                .all()
                .get()
                .forEach((partition, found) -> ends.put(partition, found.offset()));
        return ends;
    }

    /** Starts a stopped broker on the same port and data, and waits until it answers. */
    public synchronized void start() {
        if (closed) {
            throw new TestServerException(
                    "the Kafka broker at " + bootstrapServers() + " is closed");
        }
        if (server != null) {
            return;
        }
        Properties properties = new Properties();
        properties.putAll(settings);
        KafkaRaftServer starting =
                new KafkaRaftServer(KafkaConfig.fromProps(properties, false), Time.SYSTEM);
        server = starting;
        starting.startup();
        try (Admin admin = admin()) {
            admin.describeCluster().nodes().get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TestServerException("interrupted while starting Kafka", e);
        } catch (java.util.concurrent.ExecutionException e) {
            throw new TestServerException("Kafka at " + bootstrapServers() + " does not answer", e);
        }
    }

    /** Shuts the broker down; its topics stay. No effect when it isn't running. */
    public synchronized void stop() {
        KafkaRaftServer current = server;
        if (current == null) {
            return;
        }
        server = null;
        current.shutdown();
        current.awaitShutdown();
    }

    public synchronized void restart() {
        stop();
        start();
    }

    public synchronized boolean isRunning() {
        return server != null;
    }

    /** Stops the broker and deletes its data. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        stop();
        LiveServers.remove(base);
        Folders.delete(base);
    }

    @Override
    public String toString() {
        return "Kafka at " + bootstrapServers();
    }

    private void format() {
        Formatter formatter = new Formatter();
        formatter
                .setPrintStream(
                        new PrintStream(
                                OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
                .setClusterId(Uuid.randomUuid().toString())
                .setNodeId(NODE)
                .setReleaseVersion(MetadataVersion.latestProduction())
                .setControllerListenerName("CONTROLLER")
                .setMetadataLogDirectory(base.resolve("data").toString())
                .addDirectory(base.resolve("data").toString());
        try {
            formatter.run();
        } catch (Exception e) {
            throw new TestServerException(
                    "cannot format the storage of a Kafka broker in " + base, e);
        }
    }

    /** Settings of a broker; each {@link #start()} makes a new one. */
    public static final class Builder {
        private final Map<String, String> settings = new LinkedHashMap<>();
        private int port;

        private Builder() {}

        /** Any broker setting, in the words of {@code server.properties}. */
        public Builder option(String name, String value) {
            settings.put(name, value);
            return this;
        }

        /** Largest record batch that the broker takes, in bytes. */
        public Builder messageMaxBytes(int bytes) {
            return option("message.max.bytes", Integer.toString(bytes));
        }

        /** Lets clients create topics by using them; off unless called. */
        public Builder autoCreateTopics() {
            return option("auto.create.topics.enable", "true");
        }

        /** A fixed port instead of a free one. */
        public Builder port(int fixedPort) {
            port = fixedPort;
            return this;
        }

        /** Starts the broker and returns when it answers. */
        public KafkaServer start() {
            KafkaServer kafka = new KafkaServer(this);
            try {
                kafka.start();
                return kafka;
            } catch (RuntimeException e) {
                kafka.close();
                throw e;
            }
        }
    }
}
