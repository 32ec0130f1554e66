package io.millrace.server;

import io.millrace.connect.host.BrokerLimits;
import io.millrace.connect.host.ConnectSettings;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.kafka.InProcessKafka;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The table {@code connect} of the configuration. */
final class ConnectConfig {
    private static final String DEFAULT_ADDR =
            ConnectSettings.DEFAULT_HOST + ":" + ConnectSettings.DEFAULT_PORT;

    /** Settings of the broker in this process. */
    private static final List<String> BROKER_KEYS =
            List.of(
                    "connect.kafka-port",
                    "connect.data-dir",
                    "connect.retention-hours",
                    "connect.retention-bytes",
                    "connect.disk-limit",
                    "connect.disk-reserve");

    private static final List<String> UNITS = List.of("", "KiB", "MiB", "GiB", "TiB");
    private static final Pattern SIZE = Pattern.compile("(\\d{1,18})\\s*([KMGT]iB)?");

    /** In the data folder: key stores of calls between workers. */
    static final String CALL_KEYS = "connect-tls";

    private ConnectConfig() {}

    /** Settings of the worker; empty unless it is enabled. */
    static Optional<ConnectSettings> of(
            Settings settings,
            Path dataDir,
            Optional<ServerConfig.Tls> tls,
            Optional<ServerConfig.Login> login) {
        String enabled = settings.get("connect.enabled").orElse("false");
        if (!enabled.equals("true")) {
            if (!enabled.equals("false")) {
                throw ServerConfig.invalid("connect.enabled", "must be true or false");
            }
            return Optional.empty();
        }
        String addr = settings.get("connect.addr").orElse(DEFAULT_ADDR);
        int colon = addr.lastIndexOf(':');
        if (colon < 0) {
            throw ServerConfig.invalid(
                    "connect.addr", "must be host:port, such as " + DEFAULT_ADDR);
        }
        String host = addr.substring(0, colon).replaceAll("^\\[|]$", "");
        Optional<String> advertised = settings.get("connect.advertise-addr");
        if (advertised.isPresent() && !advertised.get().contains(":")) {
            throw ServerConfig.invalid("connect.advertise-addr", "must be host:port");
        }
        if (advertised.isEmpty()
                && (host.isEmpty() || host.equals("0.0.0.0") || host.equals("::"))) {
            throw ServerConfig.invalid(
                    "connect.advertise-addr",
                    "must be given when the worker listens on all addresses, because other workers"
                            + " cannot reach it as "
                            + addr);
        }
        return Optional.of(
                new ConnectSettings(
                        host.isEmpty() ? "0.0.0.0" : host,
                        ServerConfig.number("connect.addr", addr.substring(colon + 1)),
                        advertised,
                        kafka(settings, dataDir),
                        settings.get("connect.group-id").orElse(ConnectSettings.DEFAULT_GROUP),
                        pluginPath(settings),
                        login.map(
                                known -> new ConnectSettings.Login(known.user(), known.password())),
                        tls.map(files -> tls(files, dataDir.resolve(CALL_KEYS))),
                        watch(settings),
                        settings.table("connect.worker")));
    }

    /** What {@code kafka://embedded} means in a server with this worker, or without one. */
    static InProcessKafka inProcessKafka(Optional<ConnectSettings> connect) {
        return () ->
                switch (connect.map(ConnectSettings::kafka).orElse(null)) {
                    case null ->
                            throw noBroker(
                                    "this server runs none, because it was started with --no-connect or"
                                            + " [connect] enabled is false: start it with Kafka"
                                            + " Connect, or");
                    case ConnectSettings.External external ->
                            throw noBroker(
                                    "this server runs none, because its [connect] uses the Kafka at"
                                            + " bootstrap-servers="
                                            + external.bootstrapServers()
                                            + ": leave that setting out, or");
                    case ConnectSettings.Embedded embedded when embedded.port() == 0 ->
                            throw noBroker(
                                    "it has another port at each start, because [connect] kafka-port"
                                            + " is 0: set a port, or");
                    case ConnectSettings.Embedded embedded ->
                            ConnectSettings.DEFAULT_HOST + ":" + embedded.port();
                };
    }

    private static MillraceException noBroker(String why) {
        return new MillraceException(
                ErrorCode.KAFKA_INVALID_CONFIG,
                "sink-uri kafka://embedded/… is for the Kafka broker of the server's process, and "
                        + why
                        + " name the brokers in the sink-uri, kafka://host:port/topic");
    }

    private static ConnectSettings.Watch watch(Settings settings) {
        String restart = settings.get("connect.auto-restart").orElse("false");
        if (!restart.equals("true") && !restart.equals("false")) {
            throw ServerConfig.invalid("connect.auto-restart", "must be true or false");
        }
        ConnectSettings.Watch defaults = ConnectSettings.Watch.DEFAULTS;
        return new ConnectSettings.Watch(
                duration(settings, "connect.stalled-after", defaults.stalledAfter()),
                restart.equals("true"),
                duration(settings, "connect.restart-wait", defaults.restartWait()),
                duration(settings, "connect.restart-max-wait", defaults.restartMaxWait()));
    }

    private static Duration duration(Settings settings, String key, Duration otherwise) {
        return settings.get(key).map(text -> ServerConfig.duration(key, text)).orElse(otherwise);
    }

    private static ConnectSettings.Kafka kafka(Settings settings, Path dataDir) {
        Optional<String> servers = settings.get("connect.bootstrap-servers");
        if (servers.isEmpty()) {
            return new ConnectSettings.Embedded(
                    settings.get("connect.data-dir")
                            .map(Path::of)
                            .orElse(dataDir.resolve("connect")),
                    settings.get("connect.kafka-port")
                            .map(text -> ServerConfig.number("connect.kafka-port", text))
                            .orElse(ConnectSettings.DEFAULT_KAFKA_PORT),
                    limits(settings));
        }
        for (String key : BROKER_KEYS) {
            if (settings.get(key).isPresent()) {
                throw ServerConfig.invalid(
                        key,
                        "is for the broker in this process, which does not run when"
                                + " connect.bootstrap-servers is given");
            }
        }
        return new ConnectSettings.External(servers.get());
    }

    private static BrokerLimits limits(Settings settings) {
        BrokerLimits defaults = BrokerLimits.DEFAULT;
        return new BrokerLimits(
                settings.get("connect.retention-hours")
                        .map(text -> ServerConfig.number("connect.retention-hours", text))
                        .orElse(defaults.retentionHours()),
                bytes(settings, "connect.retention-bytes", defaults.retentionBytes()),
                bytes(settings, "connect.disk-limit", defaults.diskLimit()),
                bytes(settings, "connect.disk-reserve", defaults.diskReserve()));
    }

    private static long bytes(Settings settings, String key, long otherwise) {
        Optional<String> text = settings.get(key);
        if (text.isEmpty()) {
            return otherwise;
        }
        Matcher size = SIZE.matcher(text.get().strip());
        if (!size.matches()) {
            throw ServerConfig.invalid(
                    key, "must be a number of bytes, or one with KiB, MiB, GiB or TiB: 50GiB");
        }
        long unit = 1L << 10 * UNITS.indexOf(size.group(2) == null ? "" : size.group(2));
        try {
            return Math.multiplyExact(Long.parseLong(size.group(1)), unit);
        } catch (ArithmeticException e) {
            throw ServerConfig.invalid(key, "is too large: " + text.get());
        }
    }

    /** The folder that the launcher fetches plug-ins to, unless others are named. */
    private static List<Path> pluginPath(Settings settings) {
        return settings.get("connect.plugin-path")
                .map(text ->
                        Arrays.stream(text.split(","))
                                .map(String::strip)
                                .filter(part -> !part.isEmpty())
                                .map(Path::of)
                                .toList())
                .orElseGet(() ->
                        List.of(
                                Path.of(
                                        System.getProperty("millrace.home", "."),
                                        ".millrace",
                                        "plugins")));
    }

    private static ConnectSettings.Tls tls(ServerConfig.Tls files, Path folder) {
        return new ConnectSettings.Tls(
                Pem.identity(files.cert(), files.key()),
                Pem.PASSWORD,
                files.ca().map(Pem::trusted),
                folder);
    }

    /** Under their names in the file; without those of the worker, whose secrets have any name. */
    static Map<String, String> shown(ConnectSettings connect) {
        Map<String, String> all = new TreeMap<>();
        all.put("connect.addr", connect.host() + ":" + connect.port());
        connect.advertised().ifPresent(address -> all.put("connect.advertise-addr", address));
        switch (connect.kafka()) {
            case ConnectSettings.Embedded embedded -> {
                all.put("connect.kafka-port", Integer.toString(embedded.port()));
                all.put("connect.data-dir", embedded.dataDir().toString());
                BrokerLimits limits = embedded.limits();
                all.put("connect.retention-hours", Integer.toString(limits.retentionHours()));
                all.put("connect.retention-bytes", Long.toString(limits.retentionBytes()));
                all.put("connect.disk-limit", Long.toString(limits.diskLimit()));
                all.put("connect.disk-reserve", Long.toString(limits.diskReserve()));
            }
            case ConnectSettings.External external ->
                    all.put("connect.bootstrap-servers", external.bootstrapServers());
        }
        all.put("connect.group-id", connect.groupId());
        ConnectSettings.Watch watch = connect.watch();
        all.put("connect.stalled-after", watch.stalledAfter().toMillis() + "ms");
        all.put("connect.auto-restart", Boolean.toString(watch.autoRestart()));
        all.put("connect.restart-wait", watch.restartWait().toMillis() + "ms");
        all.put("connect.restart-max-wait", watch.restartMaxWait().toMillis() + "ms");
        all.put(
                "connect.plugin-path",
                connect.pluginPath().stream().map(Path::toString).collect(Collectors.joining(",")));
        return all;
    }
}
