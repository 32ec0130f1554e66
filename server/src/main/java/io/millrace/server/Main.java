package io.millrace.server;

import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.UpstreamFactory;
import io.millrace.kafka.KafkaSinkFactory;
import io.millrace.mysql.sink.MySqlSinkFactory;
import io.millrace.mysql.upstream.MySqlUpstreamFactory;
import io.millrace.storage.redo.RedoSinkFactory;
import io.millrace.storage.sink.StorageSinkFactory;
import io.millrace.storage.store.Stores;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.config.Configurator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts a server: reads the configuration, wires the parts by hand, waits for the end. */
@Command(
        name = "millrace server",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Runs a Millrace server.",
        versionProvider = Main.Versions.class,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:stopped by a signal",
            "1:cannot start, or cannot go on",
            "2:wrong command line",
            "3:did not stop in time"
        })
public final class Main implements Callable<Integer> {
    /** What an orderly stop ends with. */
    private static final AtomicInteger EXIT = new AtomicInteger();

    private static final Duration STOP_LIMIT = Duration.ofSeconds(29);
    private static final Duration SAYING = Duration.ofMillis(500);
    private static final int EXIT_HUNG = 3;

    @Mixin private final ServerOptions common = new ServerOptions();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "TOML file; the options below override it.")
    private @Nullable Path config;

    @Option(
            names = "--time-zone",
            paramLabel = "ZONE",
            description = "Of times in answers and of TIMESTAMP texts. Default: the system's")
    private @Nullable String timeZone;

    @Option(
            names = "--retry-interval",
            paramLabel = "DURATION",
            description = "First wait between retries of a changefeed. Default: 10s")
    private @Nullable String retryInterval;

    @Option(
            names = "--tls-cert",
            paramLabel = "FILE",
            description = "PEM certificate chain; switches the API to HTTPS.")
    private @Nullable String tlsCert;

    @Option(names = "--tls-key", paramLabel = "FILE", description = "PEM PKCS#8 private key.")
    private @Nullable String tlsKey;

    @Option(
            names = "--tls-ca",
            paramLabel = "FILE",
            description = "PEM authorities; clients must show a certificate of theirs.")
    private @Nullable String tlsCa;

    @Option(
            names = "--connect",
            negatable = true,
            description =
                    "Run a Kafka Connect worker with Debezium's connectors, or leave it and its Kafka"
                            + " out; see [connect] in the file. Default: run it, at 127.0.0.1:8083")
    private @Nullable Boolean connect;

    @Option(
            names = "--tiunimanager",
            negatable = true,
            description =
                    "Serve TiUniManager's API, or not; see [tiunimanager] in the file. Default: serve"
                            + " it")
    private @Nullable Boolean tiUniManager;

    @Option(
            names = "--tiunimanager-addr",
            paramLabel = "HOST:PORT",
            description =
                    "Where TiUniManager's API listens. Default: "
                            + ServerConfig.DEFAULT_TIUNIMANAGER_ADDR)
    private @Nullable String tiUniManagerAddr;

    @Option(
            names = "--reset-admin-password",
            description =
                    "Give TiUniManager's user admin a new password, print it, and end. The server that"
                            + " uses the data directory must be stopped.")
    private boolean resetAdminPassword;

    private Main() {}

    /** Prints the version. */
    static final class Versions implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {
                "Millrace "
                        + Version.CURRENT.version()
                        + " (commit "
                        + Version.CURRENT.gitHash()
                        + ")"
            };
        }
    }

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs the server in this process; returns the exit code only if it could not start. */
    static int run(String... args) {
        return new CommandLine(new Main()).execute(args);
    }

    /** Where changes come from. */
    static List<UpstreamFactory> upstreams(Path dataDir) {
        return List.of(new MySqlUpstreamFactory(dataDir));
    }

    /** Where changes go to. */
    static List<SinkFactory> sinks(ServerConfig config) {
        String clusterId = config.clusterId();
        return List.of(
                new BlackholeSinkFactory(),
                new RedoSinkFactory(
                        new MySqlSinkFactory(Clock.systemUTC(), clusterId), new Stores()),
                new KafkaSinkFactory(
                        new Stores(), clusterId, ConnectConfig.inProcessKafka(config.connect())),
                new StorageSinkFactory(Clock.systemUTC()));
    }

    @Override
    public Integer call() throws InterruptedException {
        if (resetAdminPassword) {
            return reset();
        }
        return serve(this::settings);
    }

    private int reset() {
        try {
            String password = MillraceNode.resetAdminPassword(ServerConfig.of(settings()));
            System.out.println(
                    "TiUniManager API: log in as admin with the password "
                            + password
                            + " and change it");
            return 0;
        } catch (MillraceException e) {
            return told(e);
        }
    }

    private static int told(MillraceException e) {
        System.err.println(
                "millrace server: " + io.millrace.core.control.Secrets.maskText(e.text()));
        return 1;
    }

    private static void tellFirstPassword(String password) {
        System.out.println(
                "TiUniManager API, first start: log in as admin with the password "
                        + password
                        + " and change it; it is shown only now");
    }

    /** Runs a server until a signal comes; the exit code when it could not start. */
    static int serve(Supplier<Settings> source) throws InterruptedException {
        try {
            ServerConfig settings = ServerConfig.of(source.get());
            Configurator.setRootLevel(org.apache.logging.log4j.Level.valueOf(settings.logLevel()));
            MillraceNode node =
                    MillraceNode.start(
                            settings,
                            upstreams(settings.dataDir()),
                            sinks(settings),
                            Clock.systemUTC(),
                            Main::end,
                            Main::tellFirstPassword);
            Runtime.getRuntime()
                    .addShutdownHook(
                            new Thread(
                                    () -> {
                                        endInTime();
                                        node.close();
                                        LogManager.shutdown();
                                        // An orderly stop is a success, whatever signal asked.
                                        Runtime.getRuntime().halt(EXIT.get());
                                    },
                                    "shutdown"));
            System.out.println(
                    "Millrace "
                            + Version.CURRENT.version()
                            + " is ready: TiCDC API v2 at "
                            + node.url()
                            + "/api/v2, metrics at "
                            + node.url()
                            + "/metrics, data in "
                            + settings.dataDir().toAbsolutePath()
                            + node.tiUniManagerUrl()
                                    .map(url -> ", TiUniManager API at " + url + "/api/v1")
                                    .orElse("")
                            + node.connectText()
                                    .map(text -> ", Kafka Connect API (starting) at " + text)
                                    .orElse(""));
            node.whenConnectIsReady(
                    text -> System.out.println("Kafka Connect is ready: API at " + text));
            new CountDownLatch(1).await();
            return 0;
        } catch (MillraceException e) {
            return told(e);
        }
    }

    /**
     * Parts have limits of their own; whatever else may hang, who stops a server needs it to end.
     * Jobs lose nothing by it: they go on from what was acknowledged.
     */
    private static void endInTime() {
        Thread.ofPlatform()
                .name("stop-watchdog")
                .daemon()
                .start(() -> {
                    try {
                        Thread.sleep(STOP_LIMIT);
                    } catch (InterruptedException e) {
                        return;
                    }
                    sayUnlessThatHangs(
                            "millrace server: did not stop within "
                                    + STOP_LIMIT.toSeconds()
                                    + " s, ends without");
                    Runtime.getRuntime().halt(EXIT_HUNG);
                });
    }

    /** What nobody reads from may be what the stop hangs on. */
    private static void sayUnlessThatHangs(String text) {
        Thread says = new Thread(() -> System.err.println(text), "stop-watchdog-says");
        says.setDaemon(true);
        says.start();
        try {
            says.join(SAYING);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops the server because it can't go on; the exit code tells. */
    private static void end(String why) {
        LogManager.getLogger(Main.class).fatal("the server ends: {}", why);
        EXIT.set(1);
        new Thread(() -> System.exit(1), "fatal").start();
    }

    private Settings settings() {
        Settings settings = new Settings();
        if (config != null) {
            settings.addFile(config);
        }
        if (connect != null) {
            settings.set("connect.enabled", connect.toString());
        } else if (settings.get("connect.enabled").isEmpty()) {
            settings.set("connect.enabled", "true");
        }
        if (tiUniManager != null) {
            settings.set("tiunimanager.enabled", tiUniManager.toString());
        } else if (settings.get("tiunimanager.enabled").isEmpty()) {
            settings.set("tiunimanager.enabled", "true");
        }
        return common.over(settings)
                .set("tiunimanager.addr", tiUniManagerAddr)
                .set("time-zone", timeZone)
                .set("retry-interval", retryInterval)
                .set("tls.cert", tlsCert)
                .set("tls.key", tlsKey)
                .set("tls.ca", tlsCa);
    }
}
