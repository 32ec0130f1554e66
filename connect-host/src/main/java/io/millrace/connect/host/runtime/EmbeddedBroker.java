package io.millrace.connect.host.runtime;

import io.millrace.connect.host.BrokerLimits;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;
import org.jspecify.annotations.Nullable;

/**
 * A Kafka broker of one node (KRaft, broker and controller in one) in this process, reachable from
 * this machine only.
 *
 * <p>The folder must be {@linkplain FolderLock locked} and the port probed before.
 */
public final class EmbeddedBroker implements AutoCloseable {
    /** An orderly stop takes half a second; without one the next start repairs the logs. */
    public static final Duration STOP_LIMIT = Duration.ofSeconds(8);

    private static final String LOG_DIRS = "log.dirs";
    private static final String HOST = "127.0.0.1";
    private static final String DATA = "broker";
    private static final int NODE = 1;

    /** A segment is deleted as a whole, and the last one never: a limit wants many. */
    private static final int SEGMENTS_IN_LIMIT = 8;

    private static final long MAX_SEGMENT = 1L << 30;
    private static final long MIN_SEGMENT = 1L << 20;

    private final KafkaRaftServer server;
    private final DiskWatch disk;
    private final String logDirs;

    private EmbeddedBroker(KafkaRaftServer server, DiskWatch disk, String logDirs) {
        this.server = server;
        this.disk = disk;
        this.logDirs = logDirs;
    }

    /**
     * Starts a broker on a thread of its own.
     *
     * @param alwaysWritable topics that take records also when the disk limit is reached
     */
    public static CompletableFuture<EmbeddedBroker> starting(
            Path folder, int port, BrokerLimits limits, Set<String> alwaysWritable) {
        CompletableFuture<EmbeddedBroker> broker = new CompletableFuture<>();
        Thread.ofPlatform()
                .name("kafka-start")
                .daemon()
                .start(() -> {
                    try {
                        broker.complete(start(folder.resolve(DATA), port, limits, alwaysWritable));
                    } catch (Throwable t) {
                        broker.completeExceptionally(t);
                    }
                });
        return broker;
    }

    private static EmbeddedBroker start(
            Path data, int port, BrokerLimits limits, Set<String> alwaysWritable) {
        if (!Files.exists(data.resolve("meta.properties"))) {
            format(data);
        }
        Properties properties = properties(data, port, limits);
        String logDirs = properties.getProperty(LOG_DIRS);
        DiskGate gate = new DiskGate(logDirs, limits);
        DiskWatch disk = new DiskWatch(data, gate);
        FullDiskAuthorizer.register(logDirs, new FullDiskAuthorizer.Gate(gate, alwaysWritable));
        @Nullable KafkaRaftServer server = null;
        try {
            server = new KafkaRaftServer(KafkaConfig.fromProps(properties, false), Time.SYSTEM);
            server.startup();
            return new EmbeddedBroker(server, disk, logDirs);
        } catch (Throwable t) {
            disk.close();
            FullDiskAuthorizer.forget(logDirs);
            if (server != null) {
                // A part of it may run, and write into the folder.
                server.shutdown();
                server.awaitShutdown();
            }
            throw t;
        }
    }

    @Override
    public void close() {
        disk.close();
        server.shutdown();
        server.awaitShutdown();
        FullDiskAuthorizer.forget(logDirs);
    }

    static Properties properties(Path data, int port, BrokerLimits limits) {
        // Nobody else needs to know the controller's port, so any will do.
        int controllerPort = TcpPorts.free(HOST);
        while (controllerPort == port) {
            controllerPort = TcpPorts.free(HOST);
        }
        Properties p = new Properties();
        p.put("process.roles", "broker,controller");
        p.put("node.id", Integer.toString(NODE));
        p.put("controller.quorum.voters", NODE + "@" + HOST + ":" + controllerPort);
        p.put("controller.listener.names", "CONTROLLER");
        p.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        String broker = "PLAINTEXT://" + HOST + ":" + port;
        p.put("listeners", broker + ",CONTROLLER://" + HOST + ":" + controllerPort);
        p.put("advertised.listeners", broker);
        p.put(LOG_DIRS, data.toAbsolutePath().toString());
        p.put("log.retention.hours", Integer.toString(limits.retentionHours()));
        long kept = Long.MAX_VALUE;
        if (limits.retentionBytes() > 0) {
            p.put("log.retention.bytes", Long.toString(limits.retentionBytes()));
            kept = limits.retentionBytes();
        }
        if (limits.diskLimit() > 0) {
            kept = Math.min(kept, limits.diskLimit());
        }
        p.put(
                "log.segment.bytes",
                Long.toString(Math.clamp(kept / SEGMENTS_IN_LIMIT, MIN_SEGMENT, MAX_SEGMENT)));
        // By default it looks for what is too old every 5 minutes.
        p.put("log.retention.check.interval.ms", "30000");
        // The first look after the start, also for deleted topics, comes after 30 s by default.
        p.put("log.initial.task.delay.ms", "3000");
        // Deleted files go on taking space for a minute by default.
        p.put("log.segment.delete.delay.ms", "3000");
        p.put("authorizer.class.name", FullDiskAuthorizer.class.getName());
        // One broker: one copy of everything.
        p.put("offsets.topic.replication.factor", "1");
        p.put("transaction.state.log.replication.factor", "1");
        p.put("transaction.state.log.min.isr", "1");
        p.put("share.coordinator.state.topic.replication.factor", "1");
        p.put("share.coordinator.state.topic.min.isr", "1");
        // Each partition is a folder with files of its own; the defaults are 50.
        p.put("offsets.topic.num.partitions", "1");
        p.put("transaction.state.log.num.partitions", "1");
        p.put("share.coordinator.state.topic.num.partitions", "1");
        p.put("group.initial.rebalance.delay.ms", "0");
        // The default of 128 MiB would come out of this process's heap.
        p.put("log.cleaner.dedupe.buffer.size", "4194304");
        p.put("num.network.threads", "2");
        p.put("num.io.threads", "4");
        p.put("background.threads", "2");
        // After a crash the start waits until the session of the dead process has run out (9 s by
        // default). Broker and controller share a process, so a lost session tells nothing anyway.
        p.put("broker.session.timeout.ms", "2000");
        p.put("broker.heartbeat.interval.ms", "500");
        p.put("group.min.session.timeout.ms", "1000");
        return p;
    }

    private static void format(Path data) {
        try {
            Files.createDirectories(data);
            new Formatter()
                    .setPrintStream(
                            new PrintStream(
                                    OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
                    .setClusterId(Uuid.randomUuid().toString())
                    .setNodeId(NODE)
                    .setIgnoreFormatted(true)
                    .setReleaseVersion(MetadataVersion.latestProduction())
                    .setControllerListenerName("CONTROLLER")
                    .setMetadataLogDirectory(data.toAbsolutePath().toString())
                    .addDirectory(data.toAbsolutePath().toString())
                    .run();
        } catch (Exception e) {
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "cannot prepare the Kafka data folder "
                            + data.toAbsolutePath()
                            + ": "
                            + e.getMessage()
                            + "; check its rights and the free space",
                    e);
        }
    }
}
