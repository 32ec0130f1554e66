package io.millrace.dialects.tiunimanager;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.control.SourceClusters;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.SinkSpec.DispatchRule;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Where a change feed task delivers to, in TiUniManager's members, and the way to a sink's address
 * and back. Pure. An empty text and a zero mean that a member is not set; they never reach the
 * sink.
 */
sealed interface Downstream {
    /**
     * How a stored password is shown. The stock client's form wants at least six characters, so
     * that this one passes it.
     */
    String MASK = "******";

    String TIDB = "tidb";
    String MYSQL = "mysql";
    String KAFKA = "kafka";

    /** In TiCDC's old words, the open protocol. */
    String DEFAULT_PROTOCOL = "default";

    int MAX_PORT = 65_535;

    /** Of a database sink whose address tells none. */
    int TIDB_PORT = 4000;

    /** Partition rules that need nothing but their name. */
    Set<String> DISPATCHERS = Set.of("", "default", "table", "ts", "index-value", "rowid");

    byte[] EMPTY = {'{', '}'};

    /** Letters of host names and addresses: nothing that could end the host's part of a URI. */
    Pattern HOST = Pattern.compile("[\\p{L}\\p{N}._-]+|\\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.%]*]?");

    /** Several brokers: all but the last one's port is in the text. */
    Pattern BROKERS = Pattern.compile("(?:[\\p{L}\\p{N}._-]+(?::[0-9]{1,5})?,)*[\\p{L}\\p{N}._-]+");

    /**
     * MySQL or TiDB.
     *
     * @param type {@link #TIDB} or {@link #MYSQL}
     * @param ip host name or address
     * @param concurrentThreads most connections that write at the same time
     * @param workerCount workers that the rows are spread over
     * @param targetClusterId a cluster that the target has to be
     */
    record Database(
            String type,
            String ip,
            int port,
            String username,
            String password,
            int concurrentThreads,
            int workerCount,
            int maxTxnRow,
            boolean tls,
            String targetClusterId)
            implements Downstream {
        /** Of an upstream whose address tells none. */
        private static final int CLUSTER_PORT = 3306;

        /** A worker has one connection of its own, so that the smaller number rules. */
        int writers() {
            return concurrentThreads == 0 || workerCount == 0
                    ? Math.max(concurrentThreads, workerCount)
                    : Math.min(concurrentThreads, workerCount);
        }

        /** Host and port, as the sink will have them. */
        String address() {
            return host(ip, false).toLowerCase(Locale.ROOT) + ":" + effectivePort();
        }

        int effectivePort() {
            return port != 0 ? port : type.equals(TIDB) ? TIDB_PORT : 3306;
        }

        Database withPassword(String other) {
            return new Database(
                    type,
                    ip,
                    port,
                    username,
                    other,
                    concurrentThreads,
                    workerCount,
                    maxTxnRow,
                    tls,
                    targetClusterId);
        }

        /**
         * What is left open, taken from the address of the cluster that it names.
         *
         * @param address of that cluster's server, with user and password
         */
        Database at(URI address) {
            if (!ip.isEmpty()) {
                return this;
            }
            int theirs = address.getPort() < 0 ? CLUSTER_PORT : address.getPort();
            if (port != 0 && port != theirs) {
                // Its user and password must not go elsewhere.
                throw invalid(
                        "downstream.port is not that of the cluster in targetClusterId; leave it"
                                + " out, or give ip, username and password too");
            }
            Login login = Login.of(address);
            boolean own = username.isEmpty();
            return new Database(
                    type,
                    String.valueOf(address.getHost()).replaceAll("^\\[|]$", ""),
                    theirs,
                    own ? login.user() : username,
                    own && password.isEmpty() ? login.password() : password,
                    concurrentThreads,
                    workerCount,
                    maxTxnRow,
                    tls || SourceClusters.isEncrypted(address),
                    targetClusterId);
        }

        @Override
        public String uri(Map<String, String> more) {
            Map<String, String> query = new LinkedHashMap<>();
            put(query, "worker-count", writers());
            put(query, "max-txn-row", maxTxnRow);
            query.putAll(more);
            String login =
                    username.isEmpty() && password.isEmpty()
                            ? ""
                            : encode(username)
                                    + (password.isEmpty() ? "" : ":" + encode(password))
                                    + "@";
            return (tls ? "mysql+ssl://" : "mysql://")
                    + login
                    + host(ip, false)
                    + ":"
                    + effectivePort()
                    + "/"
                    + text(query);
        }

        @Override
        public Set<String> parameters() {
            return Set.of("worker-count", "max-txn-row");
        }

        @Override
        public List<DispatchRule> dispatchRules() {
            return List.of();
        }

        @Override
        public ObjectNode shown() {
            ObjectNode out =
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("ip", ip)
                            .put("port", port)
                            .put("username", username)
                            .put("password", password.isEmpty() ? "" : MASK)
                            .put("concurrentThreads", concurrentThreads)
                            .put("workerCount", workerCount)
                            .put("maxTxnRow", maxTxnRow)
                            .put("tls", tls);
            return type.equals(TIDB) ? out.put("targetClusterId", targetClusterId) : out;
        }

        /** Without the password. */
        @Override
        public String toString() {
            return "Database[" + type + " " + username + "@" + ip + ":" + port + "]";
        }
    }

    /**
     * Kafka.
     *
     * @param ip host name or address; several brokers as {@code host1:port1,host2}
     * @param port of the (last) broker
     * @param protocol {@link #DEFAULT_PROTOCOL} or a name of a message format; empty is the default
     * @param dispatchers empty when never given, which is shown as null
     */
    record Kafka(
            String ip,
            int port,
            String version,
            String clientId,
            String topicName,
            String protocol,
            int partitions,
            int replicationFactor,
            int maxMessageBytes,
            int maxBatchSize,
            boolean tls,
            Optional<List<Dispatcher>> dispatchers)
            implements Downstream {
        public Kafka {
            dispatchers = dispatchers.map(List::copyOf);
        }

        @Override
        public String type() {
            return KAFKA;
        }

        /** Host and port, as the sink will have them. */
        String address() {
            return host(ip, true).toLowerCase(Locale.ROOT) + ":" + (port == 0 ? 9092 : port);
        }

        @Override
        public String uri(Map<String, String> more) {
            Map<String, String> query = new LinkedHashMap<>();
            put(query, "kafka-version", version);
            put(query, "partition-num", partitions);
            put(query, "max-message-bytes", maxMessageBytes);
            put(query, "replication-factor", replicationFactor);
            put(query, "max-batch-size", maxBatchSize);
            query.put(
                    "protocol",
                    protocol.isEmpty() || protocol.equals(DEFAULT_PROTOCOL)
                            ? "open-protocol"
                            : protocol);
            put(query, "kafka-client-id", clientId);
            if (tls) {
                query.put("enable-tls", "true");
            }
            query.putAll(more);
            return "kafka://"
                    + host(ip, true)
                    + (port == 0 ? "" : ":" + port)
                    + "/"
                    + encode(topicName)
                    + text(query);
        }

        @Override
        public Set<String> parameters() {
            return Set.of(
                    "kafka-version",
                    "partition-num",
                    "max-message-bytes",
                    "replication-factor",
                    "max-batch-size",
                    "protocol",
                    "kafka-client-id",
                    "enable-tls");
        }

        @Override
        public List<DispatchRule> dispatchRules() {
            return dispatchers.orElse(List.of()).stream().map(Dispatcher::rule).toList();
        }

        @Override
        public ObjectNode shown() {
            ObjectNode out =
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("ip", ip)
                            .put("port", port)
                            .put("version", version)
                            .put("clientId", clientId)
                            .put("topicName", topicName)
                            .put("protocol", protocol)
                            .put("partitions", partitions)
                            .put("replicationFactor", replicationFactor)
                            .put("maxMessageBytes", maxMessageBytes)
                            .put("maxBatchSize", maxBatchSize);
            if (dispatchers.isEmpty()) {
                out.putNull("dispatchers");
            } else {
                ArrayNode rules = out.putArray("dispatchers");
                for (Dispatcher rule : dispatchers.get()) {
                    rules.addObject()
                            .put("matcher", rule.matcher())
                            .put("dispatcher", rule.dispatcher());
                }
            }
            return out.put("tls", tls);
        }
    }

    /** Which rows go to which partition. */
    record Dispatcher(String matcher, String dispatcher) {
        /** An unknown one would silently be the default. */
        private DispatchRule rule() {
            if (!DISPATCHERS.contains(dispatcher.toLowerCase(Locale.ROOT))) {
                throw new MillraceException(
                        ErrorCode.DISPATCHER_INVALID,
                        "downstream.dispatchers: the dispatcher of "
                                + matcher
                                + " must be default, table, ts, index-value or rowid");
            }
            return new DispatchRule(List.of(matcher), dispatcher, "", List.of(), "");
        }
    }

    /**
     * A sink that TiUniManager has no word for: it is shown by its scheme and without members.
     *
     * @param type the scheme
     */
    record Other(String type) implements Downstream {
        @Override
        public boolean tls() {
            return false;
        }

        @Override
        public String uri(Map<String, String> more) {
            throw refused("downstreamType " + type + " cannot be made here");
        }

        @Override
        public Set<String> parameters() {
            return Set.of();
        }

        @Override
        public List<DispatchRule> dispatchRules() {
            return List.of();
        }

        @Override
        public ObjectNode shown() {
            return JsonNodeFactory.instance.objectNode();
        }
    }

    /** The {@code downstreamType}. */
    String type();

    /** Whether the connection is encrypted. */
    boolean tls();

    /**
     * The sink's address.
     *
     * @param more parameters that no member stands for
     * @throws MillraceException INVALID_PARAMETER when there is no host, or it is none
     */
    String uri(Map<String, String> more);

    /** Parameters of the address that members stand for. */
    Set<String> parameters();

    /**
     * What {@code dispatchers} stand for.
     *
     * @throws MillraceException DISPATCHER_INVALID
     */
    List<DispatchRule> dispatchRules();

    /** The object for an answer, a password hidden. */
    ObjectNode shown();

    /** Whether a type is one of the three. */
    static boolean isType(String text) {
        return text.equals(TIDB) || text.equals(MYSQL) || text.equals(KAFKA);
    }

    /**
     * Reads the object of a request; unknown members and those of another type mean nothing.
     *
     * @param type one of the three
     * @param request its member {@code downstream} may be missing or null: then nothing is set
     * @throws UniException 10001 that names a member of a wrong type or size
     */
    static Downstream read(String type, Body request) {
        String struct =
                switch (type) {
                    case KAFKA -> "KafkaDownstream";
                    case MYSQL -> "MysqlDownstream";
                    default -> "TiDBDownstream";
                };
        Body members =
                request.object("downstream", struct, UniCode.PARAMETER_INVALID)
                        .orElseGet(() -> Body.parse(EMPTY, struct));
        return type.equals(KAFKA)
                ? new Kafka(
                        members.text("ip"),
                        number(members, "port", MAX_PORT),
                        members.text("version"),
                        members.text("clientId"),
                        members.text("topicName"),
                        members.text("protocol"),
                        number(members, "partitions", Integer.MAX_VALUE),
                        number(members, "replicationFactor", Integer.MAX_VALUE),
                        number(members, "maxMessageBytes", Integer.MAX_VALUE),
                        number(members, "maxBatchSize", Integer.MAX_VALUE),
                        members.flag("tls"),
                        members.has("dispatchers")
                                ? Optional.of(
                                        members.objects("dispatchers", "Dispatcher").stream()
                                                .map(rule ->
                                                        new Dispatcher(
                                                                rule.text("matcher"),
                                                                rule.text("dispatcher")))
                                                .toList())
                                : Optional.empty())
                : new Database(
                        type,
                        members.text("ip"),
                        number(members, "port", MAX_PORT),
                        members.text("username"),
                        members.text("password"),
                        number(members, "concurrentThreads", Integer.MAX_VALUE),
                        number(members, "workerCount", Integer.MAX_VALUE),
                        number(members, "maxTxnRow", Integer.MAX_VALUE),
                        members.flag("tls"),
                        type.equals(TIDB) ? members.text("targetClusterId") : "");
    }

    /**
     * What a sink is in these words. Members that the address cannot tell are not set.
     *
     * @param type what a database was called, when that is known
     */
    static Downstream of(SinkSpec sink, Optional<String> type) {
        String scheme = sink.scheme();
        URI uri = sink.uri();
        String authority = uri.getRawAuthority() == null ? "" : uri.getRawAuthority();
        Address address = Address.of(authority.substring(authority.lastIndexOf('@') + 1));
        if (scheme.startsWith("kafka")) {
            String protocol = sink.option("protocol").orElse("");
            return new Kafka(
                    address.host(),
                    address.port(),
                    sink.option("kafka-version").orElse(""),
                    sink.option("kafka-client-id").orElse(""),
                    uri.getPath() == null ? "" : uri.getPath().replaceAll("^/+|/+$", ""),
                    protocol.equals("open-protocol") ? DEFAULT_PROTOCOL : protocol,
                    number(sink, "partition-num"),
                    number(sink, "replication-factor"),
                    number(sink, "max-message-bytes"),
                    number(sink, "max-batch-size"),
                    isTls(sink),
                    sink.dispatchers().isEmpty()
                            ? Optional.empty()
                            : Optional.of(dispatchers(sink.dispatchers())));
        }
        boolean tidb = scheme.startsWith(TIDB);
        if (!tidb && !scheme.startsWith(MYSQL) && !scheme.startsWith("mariadb")) {
            return new Other(scheme);
        }
        Login login = Login.of(uri);
        return new Database(
                tidb ? TIDB : type.filter(TIDB::equals).orElse(MYSQL),
                address.host(),
                // An address without one means TiDB's port to the sink, whatever its scheme.
                address.port() == 0 ? TIDB_PORT : address.port(),
                login.user(),
                login.password(),
                0,
                number(sink, "worker-count"),
                number(sink, "max-txn-row"),
                scheme.endsWith("+ssl")
                        || sink.option("ssl-ca").isPresent()
                        || sink.option("ssl-cert").isPresent(),
                "");
    }

    private static List<Dispatcher> dispatchers(List<DispatchRule> rules) {
        List<Dispatcher> out = new ArrayList<>();
        for (DispatchRule rule : rules) {
            rule.matcher().forEach(matcher -> out.add(new Dispatcher(matcher, rule.partition())));
        }
        return out;
    }

    /** As the Kafka sink decides it. */
    private static boolean isTls(SinkSpec sink) {
        return sink.option("enable-tls")
                .map(flag -> Set.of("true", "t", "1").contains(flag.toLowerCase(Locale.ROOT)))
                .orElseGet(() ->
                        sink.scheme().equals("kafka+ssl")
                                || sink.option("ca").isPresent()
                                || sink.option("cert").isPresent());
    }

    private static int number(SinkSpec sink, String option) {
        try {
            return Integer.parseInt(sink.option(option).orElse("0").trim());
        } catch (NumberFormatException outOfRange) {
            return 0;
        }
    }

    /** Host or brokers, and the (last) port; 0 when there is none. */
    record Address(String host, int port) {
        static Address of(String text) {
            int colon = text.lastIndexOf(':');
            if (colon < 0
                    || text.endsWith("]")
                    || !text.substring(colon + 1).matches("[0-9]{1,5}")) {
                return new Address(text.replaceAll("^\\[|]$", ""), 0);
            }
            return new Address(
                    text.substring(0, colon).replaceAll("^\\[|]$", ""),
                    Integer.parseInt(text.substring(colon + 1)));
        }
    }

    /** Of an address, decoded. */
    record Login(String user, String password) {
        static Login of(URI uri) {
            String authority = uri.getRawAuthority() == null ? "" : uri.getRawAuthority();
            int at = authority.lastIndexOf('@');
            String info = at < 0 ? "" : authority.substring(0, at);
            int colon = info.indexOf(':');
            return new Login(
                    decode(colon < 0 ? info : info.substring(0, colon)),
                    colon < 0 ? "" : decode(info.substring(colon + 1)));
        }

        private static String decode(String text) {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        }

        @Override
        public String toString() {
            return "Login[" + user + "]";
        }
    }

    /** A host for a URI, without what clients put around it. */
    private static String host(String ip, boolean several) {
        String host = ip.trim();
        for (String prefix : List.of("http://", "https://")) {
            if (host.toLowerCase(Locale.ROOT).startsWith(prefix)) {
                host = host.substring(prefix.length());
            }
        }
        host = host.replaceAll("/+$", "");
        if (host.isEmpty()) {
            throw refused("downstream.ip is missing: the address of the target");
        }
        if (several && BROKERS.matcher(host).matches()) {
            return host;
        }
        if (!HOST.matcher(host).matches()) {
            throw refused("downstream.ip is no host name or address");
        }
        return host.indexOf(':') < 0 || host.startsWith("[") ? host : "[" + host + "]";
    }

    private static void put(Map<String, String> query, String name, int value) {
        if (value != 0) {
            query.put(name, Integer.toString(value));
        }
    }

    private static void put(Map<String, String> query, String name, String value) {
        if (!value.isEmpty()) {
            query.put(name, value);
        }
    }

    private static String text(Map<String, String> query) {
        StringBuilder out = new StringBuilder();
        query.forEach((name, value) ->
                out.append(out.isEmpty() ? '?' : '&')
                        .append(encode(name))
                        .append('=')
                        .append(encode(value)));
        return out.toString();
    }

    /** Everything but letters, digits and {@code -._~} as percent escapes of UTF-8. */
    static String encode(String text) {
        StringBuilder out = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            if (c >= 'a' && c <= 'z'
                    || c >= 'A' && c <= 'Z'
                    || c >= '0' && c <= '9'
                    || "-._~".indexOf(c) >= 0) {
                out.append(c);
            } else {
                out.append(String.format(Locale.ROOT, "%%%02X", (int) c));
            }
        }
        return out.toString();
    }

    private static MillraceException refused(String why) {
        return new MillraceException(ErrorCode.SINK_URI_INVALID, why);
    }

    private static int number(Body members, String name, int most) {
        long value = members.integer(name);
        if (value < 0 || value > most) {
            throw invalid(
                    "downstream." + name + " must be a whole number of 0 (not set) to " + most);
        }
        return (int) value;
    }

    private static UniException invalid(String why) {
        return new UniException(UniCode.PARAMETER_INVALID, why);
    }
}
