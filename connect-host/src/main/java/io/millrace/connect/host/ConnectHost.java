package io.millrace.connect.host;

import io.millrace.connect.host.runtime.ConnectWorker;
import io.millrace.connect.host.runtime.EmbeddedBroker;
import io.millrace.connect.host.runtime.ExitGuard;
import io.millrace.connect.host.runtime.FolderLock;
import io.millrace.connect.host.runtime.OrderedStop;
import io.millrace.connect.host.runtime.TcpPorts;
import io.millrace.connect.host.runtime.WorkerProperties;
import io.millrace.connect.host.runtime.WorkerTls;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running Kafka Connect worker with its REST API, and the broker under it if none is given.
 *
 * <p>A host that was started must be closed. When Kafka's own code wants to end the process,
 * because a part of it is broken beyond repair, the host tells it to whoever started it and goes on
 * in an unknown state: the process must end then. All methods may be called from any thread.
 */
public final class ConnectHost implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectHost.class);

    /** A worker reads its topics and joins its group within this, unless Kafka is not there. */
    public static final Duration USUAL_START = Duration.ofSeconds(60);

    private static final Duration RETRY = Duration.ofSeconds(10);

    /** Less than a batch of records. */
    private static final long FULL_BYTES = 2L << 20;

    private final Deque<OrderedStop.Stage> stages = new ArrayDeque<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final String bootstrapServers;
    private final ConnectWorker worker;

    private ConnectHost(ConnectSettings settings, Consumer<String> onFatal) {
        AtomicBoolean brokerRuns = new AtomicBoolean();
        try {
            TcpPorts.requireFree("connect.addr", settings.host(), settings.port());
            Optional<CompletableFuture<EmbeddedBroker>> broker = Optional.empty();
            int kafkaPort = 0;
            switch (settings.kafka()) {
                case ConnectSettings.Embedded embedded -> {
                    // Before anything of Kafka opens a file: a second broker damages the log of the
                    // first before it notices that it is the second.
                    FolderLock lock = FolderLock.take(embedded.dataDir());
                    stages.push(
                            new OrderedStop.Stage(
                                    "data folder",
                                    Duration.ZERO,
                                    () -> letGo(lock, brokerRuns.get())));
                    TcpPorts.requireFree(
                            "connect.kafka-port", ConnectSettings.DEFAULT_HOST, embedded.port());
                    kafkaPort =
                            embedded.port() == 0
                                    ? TcpPorts.free(ConnectSettings.DEFAULT_HOST)
                                    : embedded.port();
                    bootstrapServers = ConnectSettings.DEFAULT_HOST + ":" + kafkaPort;
                }
                case ConnectSettings.External external ->
                        bootstrapServers = external.bootstrapServers();
            }
            Map<String, String> properties = WorkerProperties.of(settings, bootstrapServers);
            if (settings.tls().isPresent()
                    && settings.kafka() instanceof ConnectSettings.External
                    && !WorkerTls.isGiven(settings.worker())) {
                WorkerTls calls = WorkerTls.of(settings.tls().get());
                stages.push(new OrderedStop.Stage("keys of calls", Duration.ZERO, calls::close));
                properties.putAll(calls.settings());
            }
            ExitGuard guard =
                    ExitGuard.install(why -> onFatal.accept(why + fullDisk(settings.kafka())));
            stages.push(new OrderedStop.Stage("exit guard", Duration.ZERO, guard::close));
            if (settings.kafka() instanceof ConnectSettings.Embedded embedded) {
                brokerRuns.set(true);
                broker =
                        Optional.of(
                                EmbeddedBroker.starting(
                                        embedded.dataDir(),
                                        kafkaPort,
                                        embedded.limits(),
                                        WorkerProperties.ownTopics(properties)));
                CompletableFuture<EmbeddedBroker> starting = broker.get();
                stages.push(
                        new OrderedStop.Stage(
                                "broker",
                                EmbeddedBroker.STOP_LIMIT,
                                () -> {
                                    stopWhenStarted(starting);
                                    brokerRuns.set(false);
                                }));
            }
            // Plug-ins are looked for while the broker starts; the API answers 503 from then on.
            worker = ConnectWorker.listen(properties, settings);
            stages.push(
                    new OrderedStop.Stage("worker", ConnectWorker.STOP_LIMIT, worker::stopHerder));
            stages.push(
                    new OrderedStop.Stage("REST", ConnectWorker.REST_STOP_LIMIT, worker::stopRest));
            broker.ifPresent(ConnectHost::await);
            runWhenKafkaAnswers(settings);
        } catch (RuntimeException | Error e) {
            // An Error comes of a plug-in's classes.
            OrderedStop.run(stages);
            throw e;
        }
        LOG.info("connect listening url={} kafka={}", worker.url(), bootstrapServers);
    }

    /** A Kafka elsewhere may come later; until then the API answers 503. */
    private void runWhenKafkaAnswers(ConnectSettings settings) {
        while (true) {
            try {
                worker.run();
                return;
            } catch (MillraceException e) {
                if (e.code() != ErrorCode.UPSTREAM_CONNECTION
                        || settings.kafka() instanceof ConnectSettings.Embedded) {
                    throw e;
                }
                LOG.error(
                        "connect has no kafka, trying again seconds={} cause={}",
                        RETRY.toSeconds(),
                        e.text());
                try {
                    Thread.sleep(RETRY);
                } catch (InterruptedException interrupt) {
                    Thread.currentThread().interrupt();
                    throw e;
                }
            }
        }
    }

    /**
     * Fails at once when a start would, because the data folder or a port is in use. Loads nothing
     * of Kafka.
     *
     * @throws MillraceException INVALID_CONFIG
     */
    public static void requireRoom(ConnectSettings settings) {
        TcpPorts.requireFree("connect.addr", settings.host(), settings.port());
        if (settings.kafka() instanceof ConnectSettings.Embedded embedded) {
            FolderLock.take(embedded.dataDir()).close();
            TcpPorts.requireFree(
                    "connect.kafka-port", ConnectSettings.DEFAULT_HOST, embedded.port());
        }
    }

    /** A port that a worker can listen on at this moment. */
    public static int freePort(String host) {
        return TcpPorts.free(host);
    }

    /**
     * Starts a worker; returns when its API listens and Kafka answers, some time before the worker
     * is {@linkplain #isReady() ready}. Waits for a Kafka elsewhere as long as it takes; an
     * interrupt ends that.
     *
     * @param onFatal told why, at most once, when Kafka's code wants the process to end; must not
     *     block
     * @throws MillraceException INVALID_CONFIG when the data folder or a port is in use or a
     *     setting is wrong; UPSTREAM_CONNECTION when a Kafka elsewhere did not answer until the
     *     thread was interrupted
     */
    public static ConnectHost start(ConnectSettings settings, Consumer<String> onFatal) {
        return new ConnectHost(settings, onFatal);
    }

    /** Whether the worker has joined its group and serves requests. */
    public boolean isReady() {
        return worker.isReady();
    }

    /** Waits until the worker is ready; false when it is not in time, or was closed. */
    public boolean awaitReady(Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!closed.get() && System.nanoTime() < deadline) {
            if (isReady()) {
                return true;
            }
            Thread.sleep(20);
        }
        return isReady();
    }

    /**
     * The connectors of the group, by name, as seen within the last second; empty before the worker
     * is ready.
     */
    public List<HostedConnector> connectors() {
        return worker.connectors();
    }

    /**
     * Where connectors stand, as stored in Kafka, in few words by name. A connector without a
     * position, or that did not tell it in time, is missing.
     */
    public Map<String, String> positions(Duration limit) throws InterruptedException {
        return worker.positions(limit);
    }

    /** Base address of the REST API, such as {@code http://127.0.0.1:8083}. */
    public URI url() {
        return worker.url();
    }

    /** {@code host:port} of the brokers, for clients and for settings of connectors. */
    public String bootstrapServers() {
        return bootstrapServers;
    }

    /**
     * Stops the API, the connectors and the broker, in this order. Each gets a time of its own; one
     * that does not end in it is left behind, which the log tells, so that this returns within 30
     * s.
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            OrderedStop.run(stages);
        }
    }

    /** Adds the most frequent cause, if it is that; empty otherwise. */
    private static String fullDisk(ConnectSettings.Kafka kafka) {
        if (kafka instanceof ConnectSettings.Embedded embedded) {
            try {
                long free = Files.getFileStore(embedded.dataDir()).getUsableSpace();
                if (free < FULL_BYTES) {
                    return ". The disk of the broker's folder "
                            + embedded.dataDir().toAbsolutePath()
                            + " is full ("
                            + free
                            + " bytes free): make space and start again; connect.disk-reserve"
                            + " keeps it from getting there";
                }
            } catch (IOException e) {
                LOG.debug("no free space known", e);
            }
        }
        return "";
    }

    private static EmbeddedBroker await(CompletableFuture<EmbeddedBroker> starting) {
        try {
            return starting.join();
        } catch (CompletionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof MillraceException known) {
                throw known;
            }
            throw new MillraceException(
                    ErrorCode.INTERNAL,
                    "the Kafka broker of this process did not start: " + cause,
                    e);
        }
    }

    /** A broker that was left behind may still write: nobody else may have its folder. */
    private static void letGo(FolderLock lock, boolean brokerRuns) {
        if (brokerRuns) {
            LOG.error("the data folder stays locked until this process ends");
        } else {
            lock.close();
        }
    }

    private static void stopWhenStarted(CompletableFuture<EmbeddedBroker> starting) {
        try {
            starting.join().close();
        } catch (CompletionException | CancellationException e) {
            LOG.debug("no broker to stop", e);
        }
    }
}
