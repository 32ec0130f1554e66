package io.millrace.connect.host;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a {@link ConnectHost} is started with. An instance is always valid.
 *
 * @param host address on which the REST API listens
 * @param port its port; 0 takes a free one
 * @param advertised {@code host:port} by which other workers of the group reach this one; empty
 *     means the address listened on
 * @param kafka where records and the worker's own topics live
 * @param groupId name of the Connect group; workers with the same name on the same Kafka share the
 *     connectors. The worker's topics are called by it unless {@code worker} names them
 * @param pluginPath folders that hold one folder (or jar) per plug-in; those that do not exist are
 *     passed over
 * @param login user and password that every request needs; empty asks for none
 * @param tls certificate of the API, which then speaks HTTPS
 * @param watch what is done about connectors that fail or stand still
 * @param worker further settings of the worker in Kafka Connect's own words; they override the
 *     defaults of this host
 */
public record ConnectSettings(
        String host,
        int port,
        Optional<String> advertised,
        Kafka kafka,
        String groupId,
        List<Path> pluginPath,
        Optional<Login> login,
        Optional<Tls> tls,
        Watch watch,
        Map<String, String> worker) {
    public static final String DEFAULT_HOST = "127.0.0.1";
    public static final int DEFAULT_PORT = 8083;
    public static final int DEFAULT_KAFKA_PORT = 19_092;
    public static final String DEFAULT_GROUP = "connect";
    private static final int MAX_PORT = 65_535;

    /** Where records go. */
    public sealed interface Kafka permits Embedded, External {}

    /**
     * A broker in this process, bound to 127.0.0.1. It is the only one of its cluster, so what is
     * in it lives on one disk.
     *
     * @param dataDir its data, and the lock that keeps other processes out
     * @param port its port; connectors whose settings name brokers name this one, so it should stay
     * @param limits how much it keeps
     */
    public record Embedded(Path dataDir, int port, BrokerLimits limits) implements Kafka {
        public Embedded {
            checkPort("connect.kafka-port", port);
        }

        /** With default limits. */
        public Embedded(Path dataDir, int port) {
            this(dataDir, port, BrokerLimits.DEFAULT);
        }
    }

    /**
     * A Kafka cluster elsewhere; several processes with the same group then share the work.
     *
     * @param bootstrapServers {@code host:port}, comma-separated
     */
    public record External(String bootstrapServers) implements Kafka {
        public External {
            if (bootstrapServers.isBlank()) {
                throw invalid("connect.bootstrap-servers", "must not be empty");
            }
        }
    }

    /** Basic authentication. */
    public record Login(String user, String password) {
        @Override
        public String toString() {
            return "Login[" + user + "]";
        }
    }

    /**
     * HTTPS.
     *
     * @param identity holds the key and its certificates
     * @param password of the key in it
     * @param clients authorities; when given, clients must show a certificate of theirs
     * @param folder for the key stores with which workers call each other; made, and deleted at the
     *     end, by a worker that shares a Kafka with others
     */
    public record Tls(KeyStore identity, String password, Optional<KeyStore> clients, Path folder) {
        @Override
        public String toString() {
            return "Tls[clients=" + clients.isPresent() + "]";
        }
    }

    /**
     * What is done about connectors that fail or stand still.
     *
     * @param stalledAfter a running connector that does not move for so long is shown as stalled
     * @param autoRestart whether tasks and connectors that failed are restarted
     * @param restartWait before the first restart; it doubles with each further one
     * @param restartMaxWait the wait does not grow beyond it; what has been well for so long begins
     *     with the first wait again
     */
    public record Watch(
            Duration stalledAfter,
            boolean autoRestart,
            Duration restartWait,
            Duration restartMaxWait) {
        public static final Watch DEFAULTS =
                new Watch(
                        Duration.ofSeconds(30),
                        false,
                        Duration.ofSeconds(10),
                        Duration.ofMinutes(5));

        public Watch {
            if (stalledAfter.toMillis() < 1000) {
                throw invalid("connect.stalled-after", "must be at least 1s");
            }
            if (restartWait.toMillis() < 1000) {
                throw invalid("connect.restart-wait", "must be at least 1s");
            }
            if (restartMaxWait.compareTo(restartWait) < 0) {
                throw invalid(
                        "connect.restart-max-wait", "must not be less than connect.restart-wait");
            }
        }
    }

    public ConnectSettings {
        pluginPath = List.copyOf(pluginPath);
        worker = Map.copyOf(worker);
        checkPort("connect.addr", port);
        if (groupId.isBlank()) {
            throw invalid("connect.group-id", "must not be empty");
        }
        for (Path path : pluginPath) {
            if (path.toString().indexOf(',') >= 0) {
                throw invalid("connect.plugin-path", "a folder's name can't hold a comma: " + path);
            }
        }
    }

    /** All defaults: REST on 127.0.0.1:8083, a broker in this process with data in the folder. */
    public static ConnectSettings embedded(Path dataDir, Path plugins) {
        return new ConnectSettings(
                DEFAULT_HOST,
                DEFAULT_PORT,
                Optional.empty(),
                new Embedded(dataDir, DEFAULT_KAFKA_PORT),
                DEFAULT_GROUP,
                List.of(plugins),
                Optional.empty(),
                Optional.empty(),
                Watch.DEFAULTS,
                Map.of());
    }

    /** The worker's further settings may hold passwords. */
    @Override
    public String toString() {
        return "ConnectSettings["
                + host
                + ":"
                + port
                + ", "
                + kafka
                + ", group="
                + groupId
                + ", plugins="
                + pluginPath
                + ", worker keys="
                + worker.keySet()
                + "]";
    }

    /** The same with this port. */
    public ConnectSettings onPort(int known) {
        return new ConnectSettings(
                host, known, advertised, kafka, groupId, pluginPath, login, tls, watch, worker);
    }

    /** {@code http://host:port} or with https; 0 stands for the port of the settings. */
    public String url(int openPort) {
        return (tls.isPresent() ? "https://" : "http://")
                + (host.indexOf(':') < 0 ? host : "[" + host + "]")
                + ":"
                + (openPort == 0 ? port : openPort);
    }

    private static void checkPort(String key, int port) {
        if (port < 0 || port > MAX_PORT) {
            throw invalid(key, "the port must be 0.." + MAX_PORT + ", not " + port);
        }
    }

    private static MillraceException invalid(String key, String why) {
        return new MillraceException(ErrorCode.INVALID_CONFIG, key + " - " + why);
    }
}
