package io.millrace.server;

import io.millrace.connect.host.ConnectSettings;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.net.URI;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Everything that a server is started with. An instance is always valid.
 *
 * @param listen where the API listens
 * @param advertiseAddress {@code host:port} by which others reach this node; empty means the one
 *     listened on
 * @param dataDir where metadata and the key file live
 * @param upstreams URIs by name; {@code default} is the one of jobs that name none
 * @param logLevel debug, info, warn, error or fatal
 * @param timeZone of times in answers and of TIMESTAMP texts of new jobs
 * @param clusterId shown by status
 * @param retryInterval first wait between retries of a job
 * @param maxBodyBytes largest request body
 * @param tls certificate and key of the listener
 * @param login user and password that every request needs
 * @param retryingWord how TiCDC's API calls a retrying job: error or warning
 * @param connect the Kafka Connect worker; empty runs none
 * @param tiUniManager where TiUniManager's API listens; empty serves none
 */
record ServerConfig(
        Endpoint listen,
        Optional<String> advertiseAddress,
        Path dataDir,
        Map<String, URI> upstreams,
        String logLevel,
        ZoneId timeZone,
        String clusterId,
        Duration retryInterval,
        long maxBodyBytes,
        Optional<Tls> tls,
        Optional<Login> login,
        String retryingWord,
        Optional<ConnectSettings> connect,
        Optional<Endpoint> tiUniManager) {
    static final String DEFAULT_ADDR = "127.0.0.1:8300";
    static final String DEFAULT_TIUNIMANAGER_ADDR = "127.0.0.1:4116";
    static final Path DEFAULT_DATA_DIR = Path.of("millrace-data");
    static final long DEFAULT_MAX_BODY_BYTES = 4L << 20;
    static final Duration DEFAULT_RETRY_INTERVAL = Duration.ofSeconds(10);
    static final Set<String> LOG_LEVELS = Set.of("debug", "info", "warn", "error", "fatal");

    /**
     * An address to listen on.
     *
     * @param port 0 takes a free one
     * @param key of the setting that it comes from
     */
    record Endpoint(String host, int port, String key) {
        Endpoint {
            if (port < 0 || port > 65_535) {
                throw invalid(key, "the port must be 0..65535");
            }
        }

        /**
         * Reads {@code host:port}, an IPv6 address in brackets; no host is every address.
         *
         * @param usual an example for messages
         */
        static Endpoint parse(String key, String addr, String usual) {
            int colon = addr.lastIndexOf(':');
            if (colon < 0) {
                throw invalid(key, "must be host:port, such as " + usual);
            }
            String host = addr.substring(0, colon).replaceAll("^\\[|]$", "");
            if (host.indexOf(':') >= 0 && !addr.startsWith("[")) {
                throw invalid(key, "an IPv6 address needs brackets: [" + host + "]:PORT");
            }
            return new Endpoint(
                    host.isEmpty() ? "0.0.0.0" : host, number(key, addr.substring(colon + 1)), key);
        }

        boolean isEveryAddress() {
            return host.equals("0.0.0.0") || host.equals("::");
        }

        /** {@code host:port}, an IPv6 address in brackets. */
        String hostAndPort(int openPort) {
            return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + openPort;
        }
    }

    /**
     * PEM files.
     *
     * @param ca when given, clients must show a certificate that it signed
     */
    record Tls(Path cert, Path key, Optional<Path> ca) {}

    /** Basic authentication. */
    record Login(String user, String password) {
        @Override
        public String toString() {
            return "Login[" + user + "]";
        }
    }

    ServerConfig {
        upstreams = Map.copyOf(new TreeMap<>(upstreams));
        if (!LOG_LEVELS.contains(logLevel)) {
            throw invalid("log-level", "must be one of debug, info, warn, error, fatal");
        }
        if (!retryInterval.isPositive()) {
            throw invalid("retry-interval", "must be positive");
        }
        if (maxBodyBytes < 1024) {
            throw invalid("max-body-bytes", "must be at least 1024");
        }
        if (!retryingWord.equals("error") && !retryingWord.equals("warning")) {
            throw invalid("ticdc.retrying-state", "must be error or warning");
        }
    }

    static ServerConfig of(Settings settings) {
        String addr = settings.get("addr").orElse(DEFAULT_ADDR);
        Endpoint listen = Endpoint.parse("addr", addr, DEFAULT_ADDR);
        Map<String, URI> upstreams = new TreeMap<>();
        settings.table("upstreams")
                .forEach((name, uri) -> upstreams.put(name, uri("upstreams." + name, uri)));
        settings.get("upstream").ifPresent(uri -> upstreams.put("default", uri("upstream", uri)));
        Optional<String> advertise = settings.get("advertise-addr");
        if (advertise.isEmpty() && listen.isEveryAddress()) {
            throw invalid(
                    "advertise-addr",
                    "must be given when the server listens on all addresses, because others cannot"
                            + " reach it as "
                            + addr);
        }
        Path dataDir = settings.get("data-dir").map(Path::of).orElse(DEFAULT_DATA_DIR);
        Optional<Tls> tls = tls(settings);
        Optional<Login> login = login(settings);
        return new ServerConfig(
                listen,
                advertise,
                dataDir,
                upstreams,
                settings.get("log-level").orElse("info").toLowerCase(Locale.ROOT),
                settings.get("time-zone").map(ServerConfig::zone).orElse(ZoneId.systemDefault()),
                settings.get("cluster-id").orElse("default"),
                settings.get("retry-interval")
                        .map(text -> duration("retry-interval", text))
                        .orElse(DEFAULT_RETRY_INTERVAL),
                settings.get("max-body-bytes")
                        .map(text -> (long) number("max-body-bytes", text))
                        .orElse(DEFAULT_MAX_BODY_BYTES),
                tls,
                login,
                settings.get("ticdc.retrying-state").orElse("error"),
                ConnectConfig.of(settings, dataDir, tls, login),
                tiUniManager(settings));
    }

    /** Off unless switched on, so that a server in a test takes no fixed port. */
    private static Optional<Endpoint> tiUniManager(Settings settings) {
        String enabled = settings.get("tiunimanager.enabled").orElse("false");
        if (!enabled.equals("true") && !enabled.equals("false")) {
            throw invalid("tiunimanager.enabled", "must be true or false");
        }
        return enabled.equals("false")
                ? Optional.empty()
                : Optional.of(
                        Endpoint.parse(
                                "tiunimanager.addr",
                                settings.get("tiunimanager.addr").orElse(DEFAULT_TIUNIMANAGER_ADDR),
                                DEFAULT_TIUNIMANAGER_ADDR));
    }

    /**
     * All settings under their names in the configuration file. Holds passwords: hide them before
     * showing it.
     */
    Map<String, String> shown() {
        Map<String, String> all = new TreeMap<>();
        all.put("addr", listen.hostAndPort(listen.port()));
        advertiseAddress.ifPresent(address -> all.put("advertise-addr", address));
        all.put("data-dir", dataDir.toString());
        all.put("log-level", logLevel);
        all.put("time-zone", timeZone.getId());
        all.put("cluster-id", clusterId);
        all.put("retry-interval", retryInterval.toMillis() + "ms");
        all.put("max-body-bytes", Long.toString(maxBodyBytes));
        all.put("ticdc.retrying-state", retryingWord);
        upstreams.forEach((name, uri) -> all.put("upstreams." + name, uri.toString()));
        tls.ifPresent(files -> {
            all.put("tls.cert", files.cert().toString());
            all.put("tls.key", files.key().toString());
            files.ca().ifPresent(ca -> all.put("tls.ca", ca.toString()));
        });
        all.put("connect.enabled", Boolean.toString(connect.isPresent()));
        connect.ifPresent(given -> all.putAll(ConnectConfig.shown(given)));
        all.put("tiunimanager.enabled", Boolean.toString(tiUniManager.isPresent()));
        tiUniManager.ifPresent(at -> all.put("tiunimanager.addr", at.hostAndPort(at.port())));
        login.ifPresent(known -> {
            all.put("auth.user", known.user());
            all.put("auth.password", known.password());
        });
        return all;
    }

    private static Optional<Tls> tls(Settings settings) {
        Optional<String> cert = settings.get("tls.cert");
        Optional<String> key = settings.get("tls.key");
        if (cert.isPresent() != key.isPresent()) {
            throw invalid("tls", "cert and key belong together: give both or neither");
        }
        if (cert.isEmpty() || key.isEmpty()) {
            if (settings.get("tls.ca").isPresent()) {
                throw invalid("tls.ca", "needs tls.cert and tls.key");
            }
            return Optional.empty();
        }
        return Optional.of(
                new Tls(
                        Path.of(cert.get()),
                        Path.of(key.get()),
                        settings.get("tls.ca").map(Path::of)));
    }

    private static Optional<Login> login(Settings settings) {
        Optional<String> user = settings.get("auth.user");
        Optional<String> password = settings.get("auth.password");
        if (user.isPresent() != password.isPresent()) {
            throw invalid("auth", "user and password belong together: give both or neither");
        }
        return user.isEmpty() || password.isEmpty()
                ? Optional.empty()
                : Optional.of(new Login(user.get(), password.get()));
    }

    private static URI uri(String key, String text) {
        try {
            return io.millrace.core.spi.SinkSpec.parseUri(text);
        } catch (MillraceException e) {
            throw invalid(key, "is not a URI: " + e.text());
        }
    }

    private static ZoneId zone(String text) {
        try {
            return text.equalsIgnoreCase("system") ? ZoneId.systemDefault() : ZoneId.of(text);
        } catch (DateTimeException e) {
            throw invalid("time-zone", "unknown zone " + text + "; use a name like Europe/Berlin");
        }
    }

    static int number(String key, String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw invalid(key, "'" + text + "' is not a number");
        }
    }

    static Duration duration(String key, String text) {
        var matcher = java.util.regex.Pattern.compile("(\\d+)(ms|s|m|h)").matcher(text);
        if (!matcher.matches()) {
            throw invalid(key, "must be a duration like 500ms, 10s or 5m");
        }
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            default -> Duration.ofHours(amount);
        };
    }

    /** No colon behind the key: what follows {@code password:} is hidden before it is printed. */
    static MillraceException invalid(String key, String why) {
        return new MillraceException(
                ErrorCode.INVALID_CONFIG, "server configuration: " + key + " - " + why);
    }
}
