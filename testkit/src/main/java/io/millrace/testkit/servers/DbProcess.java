package io.millrace.testkit.servers;

import io.millrace.testkit.servers.DbServer.Builder;
import io.millrace.testkit.servers.DbServer.Flavor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What both launchers share: data folder from a template, configuration file, process, readiness.
 *
 * <p>The monitor of this object guards the process: one start, stop or kill at a time.
 */
abstract sealed class DbProcess permits MySqlServer, MariaDbServer {
    private static final String HOST = "127.0.0.1";
    private static final String ROOT = "root";
    private static final int PORT_ATTEMPTS = 4;
    private static final int LOG_LINES_SHOWN = 40;
    private static final Duration STOP_LIMIT = Duration.ofSeconds(60);
    private static final long FIRST_POLL_MS = 20;
    private static final long LAST_POLL_MS = 200;

    /**
     * Options that must already hold when the data folder is initialised; each combination has its
     * own template.
     */
    private static final List<String> INITIAL_OPTIONS =
            List.of(
                    "lower_case_table_names",
                    "innodb_page_size",
                    "innodb_data_file_path",
                    "innodb_undo_tablespaces",
                    "innodb_checksum_algorithm");

    private final Flavor flavor;
    private final Distribution distribution;
    private final Builder builder;
    private final String rootPassword;
    private final Path base;
    private final Path dataDir;
    private final Path errorLog;
    private final Optional<TlsMaterial> tls;
    private final Map<String, String> options;
    private int port;
    private boolean portIsFixed;
    private boolean closed;
    private @Nullable Process process;

    DbProcess(Flavor flavor, Distribution distribution, Builder builder) {
        this.flavor = flavor;
        this.distribution = distribution;
        this.builder = builder;
        this.rootPassword = builder.rootPassword;
        this.portIsFixed = builder.port != 0;
        this.port = portIsFixed ? builder.port : Ports.free();
        LiveServers.sweepLeftovers();
        try {
            // The socket lives in this folder and its path may have 107 bytes at most.
            Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
            Path parent = temporary.toString().length() <= 60 ? temporary : Path.of("/tmp");
            this.base = Files.createTempDirectory(parent, "millrace-db-");
            RunAs.own(base);
            this.dataDir = base.resolve("data");
            this.errorLog = base.resolve("error.log");
            this.tls =
                    builder.tls
                            ? Optional.of(TlsMaterial.copyInto(base.resolve("tls")))
                            : Optional.empty();
            Path exports = Files.createDirectory(base.resolve("files"));
            RunAs.own(exports);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make the folder of a " + flavor + " server", e);
        }
        LiveServers.add(base);
        this.options = effectiveOptions();
        copyTemplate();
    }

    abstract Path server();

    abstract void addDefaults(Map<String, String> target, Builder settings);

    abstract void initialise(Path folder, Map<String, String> initialOptions) throws IOException;

    abstract void afterCopy(Path folder) throws IOException;

    final Distribution distribution() {
        return distribution;
    }

    public final Flavor flavor() {
        return flavor;
    }

    public final String version() {
        return distribution.version();
    }

    public final String host() {
        return HOST;
    }

    public final synchronized int port() {
        return port;
    }

    public final String rootUser() {
        return ROOT;
    }

    public final String rootPassword() {
        return rootPassword;
    }

    public final String jdbcUrl(String db) {
        return "jdbc:mariadb://"
                + HOST
                + ":"
                + port()
                + "/"
                + db
                + "?sslMode=disable&allowPublicKeyRetrieval=true";
    }

    public final Connection connect() throws SQLException {
        return connect("");
    }

    public final Connection connect(String db) throws SQLException {
        return DriverManager.getConnection(jdbcUrl(db), ROOT, rootPassword);
    }

    public final void execute(String... statements) {
        String current = "connect";
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                current = sql;
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new TestServerException(
                    this + ": " + e.getMessage() + "\nstatement: " + current, e);
        }
    }

    public final Optional<String> query(String sql) {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? Optional.ofNullable(rows.getString(1)) : Optional.empty();
        } catch (SQLException e) {
            throw new TestServerException(this + ": " + e.getMessage() + "\nstatement: " + sql, e);
        }
    }

    public final synchronized void start() {
        if (closed) {
            throw new TestServerException(this + " is closed");
        }
        if (isRunning()) {
            return;
        }
        for (int attempt = 1; ; attempt++) {
            try {
                launch();
                portIsFixed = true;
                return;
            } catch (TestServerException e) {
                boolean portTaken =
                        Folders.tail(errorLog, LOG_LINES_SHOWN).contains("Address already in use");
                if (portIsFixed || !portTaken || attempt == PORT_ATTEMPTS) {
                    throw e;
                }
                port = Ports.free();
            }
        }
    }

    public final synchronized void stop() {
        Process current = process;
        if (current == null) {
            return;
        }
        current.destroy();
        awaitEnd(current, STOP_LIMIT);
        process = null;
    }

    public final synchronized void kill9() {
        Process current = process;
        if (current == null) {
            return;
        }
        current.destroyForcibly();
        awaitEnd(current, STOP_LIMIT);
        process = null;
    }

    public final synchronized void restart() {
        stop();
        start();
    }

    public final synchronized void freeze() {
        Commands.output(List.of("kill", "-STOP", Long.toString(pid())));
    }

    public final synchronized void thaw() {
        Commands.output(List.of("kill", "-CONT", Long.toString(pid())));
    }

    public final synchronized boolean isRunning() {
        return process != null && process.isAlive();
    }

    public final synchronized long pid() {
        if (process == null || !process.isAlive()) {
            throw new TestServerException(this + " isn't running");
        }
        return process.pid();
    }

    public final Path dataDir() {
        return dataDir;
    }

    public final List<Path> binlogs() {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(dataDir, "binlog.[0-9]*")) {
            List<Path> found = new ArrayList<>();
            files.forEach(found::add);
            found.sort(null);
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list " + dataDir, e);
        }
    }

    public final Path errorLog() {
        return errorLog;
    }

    public final Path program(String name) {
        return distribution.bin(name);
    }

    public final Optional<TlsMaterial> tls() {
        return tls;
    }

    public final synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        kill9();
        LiveServers.remove(base);
        if (!Boolean.getBoolean("millrace.testkit.keep")) {
            Folders.delete(base);
        }
    }

    @Override
    public final String toString() {
        return flavor + " " + distribution.version() + " at " + HOST + ":" + port;
    }

    static String quoted(String value) {
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'";
    }

    private Map<String, String> effectiveOptions() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("basedir", distribution.home().toString());
        all.put("datadir", dataDir.toString());
        all.put("socket", base.resolve("s").toString());
        all.put("pid_file", base.resolve("pid").toString());
        all.put("tmpdir", base.toString());
        all.put("secure_file_priv", base.resolve("files").toString());
        all.put("log_error", errorLog.toString());
        all.put("bind_address", HOST);
        all.put("skip_name_resolve", "ON");
        all.put("server_id", Integer.toString(ThreadLocalRandom.current().nextInt(1, 1 << 30)));
        all.put("log_bin", "binlog");
        all.put("binlog_format", "ROW");
        all.put("binlog_row_image", "FULL");
        all.put("binlog_row_metadata", "FULL");
        all.put("character_set_server", "utf8mb4");
        all.put("max_connections", "300");
        all.put("max_allowed_packet", "256M");
        all.put("local_infile", "ON");
        all.put("performance_schema", "OFF");
        all.put("innodb_buffer_pool_size", "256M");
        // Safe against the death of the process, which is what tests do; not against a power
        // failure.
        all.put("innodb_flush_log_at_trx_commit", "2");
        all.put("sync_binlog", "0");
        tls.ifPresent(material -> {
            all.put("ssl_ca", material.ca().toString());
            all.put("ssl_cert", material.serverCertificate().toString());
            all.put("ssl_key", material.serverKey().toString());
        });
        addDefaults(all, builder);
        all.putAll(builder.options);
        return all;
    }

    private void copyTemplate() {
        Map<String, String> initial = new TreeMap<>();
        for (String name : INITIAL_OPTIONS) {
            String value = options.get(name);
            if (value != null) {
                initial.put(name, value);
            }
        }
        String key =
                distribution.home().getFileName()
                        + "-data-"
                        + Integer.toHexString((initial + "\n" + rootPassword).hashCode());
        Path template =
                Cache.entry(
                        key,
                        folder -> {
                            Path data = Files.createDirectory(folder.resolve("data"));
                            Files.setPosixFilePermissions(
                                    data, PosixFilePermissions.fromString("rwx------"));
                            RunAs.own(data);
                            initialise(data, initial);
                        });
        Commands.output(
                RunAs.wrap(
                        List.of(
                                "cp",
                                "-R",
                                "--reflink=auto",
                                "--sparse=always",
                                template.resolve("data").toString(),
                                dataDir.toString())));
        try {
            afterCopy(dataDir);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot prepare " + dataDir, e);
        }
    }

    private void launch() {
        Path configuration = base.resolve("my.cnf");
        StringBuilder text = new StringBuilder("[mysqld]\n");
        options.forEach(
                (name, value) -> text.append(name).append(" = \"").append(value).append("\"\n"));
        text.append("port = ").append(port).append('\n');
        try {
            Files.writeString(configuration, text);
            Files.deleteIfExists(errorLog);
            ProcessBuilder command =
                    new ProcessBuilder(
                                    RunAs.wrap(
                                            List.of(
                                                    server().toString(),
                                                    "--defaults-file=" + configuration)))
                            .directory(base.toFile())
                            .redirectErrorStream(true)
                            .redirectOutput(base.resolve("console.log").toFile())
                            .redirectInput(
                                    ProcessBuilder.Redirect.from(new java.io.File("/dev/null")));
            Process started = Commands.spawn(command);
            process = started;
            LiveServers.running(base, started);
            awaitReady(started);
        } catch (IOException e) {
            throw new TestServerException("cannot start " + this, e);
        }
    }

    private void awaitReady(Process started) {
        long deadline = System.nanoTime() + builder.startTimeout.toNanos();
        long pause = FIRST_POLL_MS;
        while (true) {
            try (Connection connection =
                    DriverManager.getConnection(
                            jdbcUrl("") + "&connectTimeout=5000&socketTimeout=5000",
                            ROOT,
                            rootPassword)) {
                if (connection.isValid(5)) {
                    return;
                }
            } catch (SQLException e) {
                if (!started.isAlive()) {
                    process = null;
                    throw new TestServerException(
                            this
                                    + " ended with exit code "
                                    + started.exitValue()
                                    + " while starting"
                                    + logs(),
                            e);
                }
                if (System.nanoTime() > deadline) {
                    kill9();
                    throw new TestServerException(
                            this
                                    + " did not answer within "
                                    + builder.startTimeout.toSeconds()
                                    + " s: "
                                    + e.getMessage()
                                    + logs(),
                            e);
                }
            }
            sleep(pause);
            pause = Math.min(LAST_POLL_MS, pause * 2);
        }
    }

    private String logs() {
        return "\n--- last lines of the error log\n"
                + Folders.tail(errorLog, LOG_LINES_SHOWN)
                + "\n--- console\n"
                + Folders.tail(base.resolve("console.log"), LOG_LINES_SHOWN);
    }

    private void awaitEnd(Process ending, Duration limit) {
        try {
            if (!ending.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                ending.destroyForcibly().waitFor();
                throw new TestServerException(
                        this
                                + " did not stop within "
                                + limit.toSeconds()
                                + " s and was killed"
                                + logs());
            }
        } catch (InterruptedException e) {
            ending.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new TestServerException("interrupted while stopping " + this, e);
        }
    }

    private static void sleep(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TestServerException("interrupted while waiting for a server", e);
        }
    }
}
