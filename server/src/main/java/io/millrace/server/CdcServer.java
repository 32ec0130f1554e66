package io.millrace.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code millrace cdc server}: a server with the options and the configuration file of TiCDC's
 * {@code cdc server}. What has no meaning here is named in a warning; {@code --pd} is an error,
 * because without an upstream nothing would be replicated.
 */
@Command(
        name = "cdc server",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Runs a Millrace server with TiCDC's options.",
        versionProvider = Main.Versions.class,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:stopped by a signal", "1:cannot start", "2:wrong command line"})
public final class CdcServer implements Callable<Integer> {
    private static final String LOG_FILE = "log-file";

    private static final String NAMES_NOT_CHECKED =
            "names are not checked: every certificate of the authorities in --ca is accepted; use"
                    + " an authority of their own for the clients";

    private static final String USE_LOGIN =
            "users are checked by millrace server with [auth] in its own configuration, not here";

    /** TiCDC's keys that this server knows under another name, or the same. */
    private static final Map<String, String> KEYS =
            Map.of(
                    "addr", "addr",
                    "advertise-addr", "advertise-addr",
                    "data-dir", "data-dir",
                    "log-level", "log-level",
                    "tz", "time-zone",
                    "cluster-id", "cluster-id",
                    "security.ca-path", "tls.ca",
                    "security.cert-path", "tls.cert",
                    "security.key-path", "tls.key");

    /** TiCDC's keys and tables without a meaning here. */
    private static final Set<String> WITHOUT_MEANING =
            Set.of(
                    "gc-ttl",
                    "capture-session-ttl",
                    "owner-flush-interval",
                    "processor-flush-interval",
                    "log",
                    "sorter",
                    "debug",
                    "kv-client",
                    "gc-tuner-memory-threshold",
                    "max-memory-percentage",
                    "per-table-memory-quota");

    /**
     * TiCDC's rules about who may call; ignoring one that is set would let others in. Each with
     * what to do instead.
     */
    private static final Map<String, String> ACCESS_RULES =
            Map.of(
                    "security.cert-allowed-cn", NAMES_NOT_CHECKED,
                    "security.mtls",
                            "clients need a certificate as soon as ca-path is set; leave mtls out",
                    "security.client-user-required", USE_LOGIN,
                    "security.client-allowed-user", USE_LOGIN);

    @Mixin private final ServerOptions common = new ServerOptions();

    @Option(
            names = "--pd",
            paramLabel = "URLS",
            description = "Refused: there is no PD; name the upstream with --upstream.")
    private @Nullable String pd;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "TiCDC's server configuration (TOML); options override it.")
    private @Nullable Path config;

    @Option(
            names = "--gc-ttl",
            paramLabel = "SECONDS",
            description = "No effect: the upstream's binlog is kept as the upstream is told to.")
    private @Nullable Long gcTtl;

    @Option(names = "--tz", paramLabel = "ZONE", description = "Time zone. Default: System")
    private @Nullable String timeZone;

    @Option(
            names = "--log-file",
            paramLabel = "FILE",
            description = "Standard output and error go there.")
    private @Nullable Path logFile;

    @Option(
            names = "--ca",
            paramLabel = "FILE",
            description = "PEM authorities; clients must show a certificate of theirs.")
    private @Nullable String ca;

    @Option(names = "--cert", paramLabel = "FILE", description = "PEM certificate chain.")
    private @Nullable String cert;

    @Option(names = "--key", paramLabel = "FILE", description = "PEM PKCS#8 private key.")
    private @Nullable String key;

    @Option(
            names = "--cert-allowed-cn",
            paramLabel = "NAMES",
            description = "Refused: every certificate of the authorities in --ca is accepted.")
    private @Nullable String certAllowedCn;

    @Option(names = "--owner-flush-interval", hidden = true)
    private @Nullable String ownerFlushInterval;

    @Option(names = "--processor-flush-interval", hidden = true)
    private @Nullable String processorFlushInterval;

    @Option(names = "--sort-dir", hidden = true)
    private @Nullable String sortDir;

    private CdcServer() {}

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs the server in this process; returns the exit code only if it could not start. */
    static int run(String... args) {
        return new CommandLine(new CdcServer()).execute(args);
    }

    @Override
    public Integer call() throws InterruptedException, IOException {
        Path logTo = logFile != null ? logFile : logFileOf(config);
        if (logTo != null) {
            // Before the first logger exists.
            @SuppressWarnings("resource") // open as long as the process lives
            PrintStream log =
                    new PrintStream(
                            new FileOutputStream(logTo.toFile(), true),
                            true,
                            StandardCharsets.UTF_8);
            System.setOut(log);
            System.setErr(log);
        }
        return Main.serve(this::settings);
    }

    /** What is wrong with the file is told when all of it is read. */
    private static @Nullable Path logFileOf(@Nullable Path file) {
        if (file == null) {
            return null;
        }
        try {
            String name = new TomlMapper().readTree(Files.readString(file)).path(LOG_FILE).asText();
            return name.isEmpty() ? null : Path.of(name);
        } catch (IOException | InvalidPathException e) {
            return null;
        }
    }

    private Settings settings() {
        if (pd != null) {
            throw ServerConfig.invalid(
                    "--pd",
                    "there is no PD here; name the upstream: --upstream mysql://user:pass@host:port");
        }
        if (certAllowedCn != null) {
            throw ServerConfig.invalid("--cert-allowed-cn", NAMES_NOT_CHECKED);
        }
        warn("--gc-ttl", gcTtl);
        warn("--owner-flush-interval", ownerFlushInterval);
        warn("--processor-flush-interval", processorFlushInterval);
        warn("--sort-dir", sortDir);
        Settings settings = new Settings();
        if (config != null) {
            file(config).forEach(settings::set);
        }
        return common.over(settings)
                .set("time-zone", timeZone)
                .set("tls.ca", ca)
                .set("tls.cert", cert)
                .set("tls.key", key);
    }

    private static void warn(String option, @Nullable Object value) {
        if (value != null) {
            System.err.println("warning: " + option + " has no meaning here");
        }
    }

    /** TiCDC's configuration file, as this server's keys. */
    private static Map<String, String> file(Path file) {
        Map<String, String> settings = new TreeMap<>();
        JsonNode content;
        try {
            content = new TomlMapper().readTree(Files.readString(file));
        } catch (JsonProcessingException e) {
            throw ServerConfig.invalid(
                    file.toString(), "not valid TOML: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw ServerConfig.invalid(file.toString(), "cannot be read: " + e);
        }
        translate("", content, file, settings);
        return settings;
    }

    private static void translate(
            String prefix, JsonNode table, Path file, Map<String, String> settings) {
        table.properties()
                .forEach(entry -> {
                    String name = prefix + entry.getKey();
                    String key = KEYS.get(name);
                    JsonNode value = entry.getValue();
                    if (key != null && value.isValueNode()) {
                        if (!value.asText().isEmpty()) {
                            settings.put(key, value.asText());
                        }
                    } else if (name.equals("upstream") && value.isValueNode()) {
                        settings.put(name, value.asText());
                    } else if (ACCESS_RULES.containsKey(name)) {
                        if (isSet(value)) {
                            throw ServerConfig.invalid(
                                    file + ": " + name, String.valueOf(ACCESS_RULES.get(name)));
                        }
                    } else if (name.equals(LOG_FILE) && value.isTextual()) {
                        return; // logFileOf has read it
                    } else if (WITHOUT_MEANING.contains(name)) {
                        warn(file + ": " + name, value);
                    } else if (name.equals("security")) {
                        translate("security.", value, file, settings);
                    } else {
                        throw ServerConfig.invalid(
                                file.toString(),
                                "unknown configuration option "
                                        + name
                                        + "; of TiCDC's, these are known: "
                                        + String.join(
                                                ", ",
                                                List.copyOf(new java.util.TreeSet<>(KEYS.keySet())))
                                        + ", upstream");
                    }
                });
    }

    private static boolean isSet(JsonNode value) {
        return value.isContainerNode()
                ? !value.isEmpty()
                : !value.asText().isEmpty() && !value.asText().equals("false");
    }
}
