package io.millrace.testkit.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL 18 server on a free loopback port with a private data folder, ready for logical
 * replication.
 *
 * <p>{@link #close()} kills it and deletes its data. The monitor of this object guards the process:
 * one start, stop or kill at a time.
 */
public final class PostgresServer implements AutoCloseable {
    private static final String HOST = "127.0.0.1";
    private static final String USER = "postgres";
    private static final String PASSWORD = "millrace";
    private static final Duration START_LIMIT = Duration.ofSeconds(90);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(60);
    private static final long POLL_MS = 20;
    private static final int LOG_LINES_SHOWN = 40;

    private final Distribution distribution = Distribution.postgres();
    private final int port = Ports.free();
    private final Map<String, String> options = new LinkedHashMap<>();
    private final Path base;
    private final Path data;
    private final Path log;
    private @Nullable Process process;
    private boolean closed;

    private PostgresServer(Map<String, String> given) {
        LiveServers.sweepLeftovers();
        try {
            base = Files.createTempDirectory("millrace-pg-");
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make the folder of a PostgreSQL server", e);
        }
        LiveServers.add(base); // first, so that the folder goes even when the rest fails
        RunAs.own(base);
        RunAs.requireReach(base);
        data = base.resolve("data");
        log = base.resolve("server.log");
        options.put("listen_addresses", HOST);
        options.put("port", Integer.toString(port));
        options.put("unix_socket_directories", "");
        options.put("wal_level", "logical");
        options.put("max_wal_senders", "20");
        options.put("max_replication_slots", "20");
        // Safe against the death of the process, which is what tests do; not against a power
        // failure.
        options.put("fsync", "off");
        options.put("shared_buffers", "32MB");
        options.putAll(given);
    }

    /** Starts a server with logical replication on. */
    public static PostgresServer launch() {
        return launch(Map.of());
    }

    /**
     * The same with settings in the words of {@code postgresql.conf}, which override the
     * launcher's.
     */
    public static PostgresServer launch(Map<String, String> options) {
        PostgresServer server = new PostgresServer(options);
        try {
            server.copyTemplate();
            server.start();
            return server;
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** Version, such as {@code 18.6}. */
    public String version() {
        return distribution.version();
    }

    /** Always {@code 127.0.0.1}. */
    public String host() {
        return HOST;
    }

    /** TCP port; the same for the whole life of this object, restarts included. */
    public int port() {
        return port;
    }

    /** A superuser. */
    public String user() {
        return USER;
    }

    /** The superuser's. */
    public String password() {
        return PASSWORD;
    }

    /** Without user and password. */
    public String jdbcUrl(String db) {
        return "jdbc:postgresql://" + HOST + ":" + port + "/" + db;
    }

    /** A new connection as superuser to a database that exists, such as {@code postgres}. */
    public Connection connect(String db) throws SQLException {
        return DriverManager.getConnection(jdbcUrl(db), USER, PASSWORD);
    }

    /** Runs statements one by one as superuser on one connection. */
    public void execute(String db, String... statements) {
        String current = "connect";
        try (Connection connection = connect(db);
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

    /** First column of the first row as text. */
    public Optional<String> query(String db, String sql) {
        try (Connection connection = connect(db);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? Optional.ofNullable(rows.getString(1)) : Optional.empty();
        } catch (SQLException e) {
            throw new TestServerException(this + ": " + e.getMessage() + "\nstatement: " + sql, e);
        }
    }

    private void copyTemplate() {
        Path template =
                Cache.entry(
                        distribution.home().getFileName() + "-data",
                        folder -> {
                            Path fresh = Files.createDirectory(folder.resolve("data"));
                            Files.setPosixFilePermissions(
                                    fresh, PosixFilePermissions.fromString("rwx------"));
                            RunAs.own(fresh);
                            RunAs.requireReach(fresh);
                            initialise(fresh);
                        });
        Commands.output(
                RunAs.wrap(
                        List.of(
                                "cp",
                                "-R",
                                "--reflink=auto",
                                template.resolve("data").toString(),
                                data.toString())));
    }

    private void initialise(Path fresh) throws IOException {
        Path password = Files.createTempFile("millrace-pg", ".password");
        try {
            Files.writeString(password, PASSWORD + "\n");
            RunAs.own(password);
            Commands.output(
                    RunAs.wrap(
                            List.of(
                                    distribution.bin("initdb").toString(),
                                    "--pgdata=" + fresh,
                                    "--username=" + USER,
                                    "--pwfile=" + password,
                                    "--auth=scram-sha-256",
                                    "--encoding=UTF8",
                                    "--no-locale",
                                    "--no-sync")));
        } finally {
            Files.deleteIfExists(password);
        }
    }

    /** Starts a stopped or killed server on the same port and data; returns when it answers. */
    public synchronized void start() {
        if (closed) {
            throw new TestServerException(this + " is closed");
        }
        if (isRunning()) {
            return;
        }
        List<String> command =
                new java.util.ArrayList<>(
                        List.of(distribution.bin("postgres").toString(), "-D", data.toString()));
        options.forEach((name, value) -> {
            command.add("-c");
            command.add(name + "=" + value);
        });
        try {
            Process started =
                    Commands.spawn(
                            new ProcessBuilder(RunAs.wrap(command))
                                    .directory(base.toFile())
                                    .redirectErrorStream(true)
                                    .redirectOutput(log.toFile())
                                    .redirectInput(
                                            ProcessBuilder.Redirect.from(
                                                    new java.io.File("/dev/null"))));
            process = started;
            LiveServers.running(base, started);
            awaitReady(started);
        } catch (IOException e) {
            throw new TestServerException("cannot start " + this, e);
        }
    }

    private void awaitReady(Process started) {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (true) {
            try (Connection connection = connect("postgres")) {
                if (connection.isValid(5)) {
                    return;
                }
            } catch (SQLException e) {
                if (!started.isAlive() || System.nanoTime() > deadline) {
                    throw new TestServerException(
                            this
                                    + (started.isAlive()
                                            ? " did not answer within "
                                                    + START_LIMIT.toSeconds()
                                                    + " s"
                                            : " ended while starting")
                                    + ": "
                                    + e.getMessage()
                                    + "\n"
                                    + Folders.tail(log, LOG_LINES_SHOWN),
                            e);
                }
            }
            try {
                Thread.sleep(POLL_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new TestServerException("interrupted while waiting for " + this, e);
            }
        }
    }

    /** Ends it in order, without waiting for its clients; returns when the process has ended. */
    public synchronized void stop() {
        signal("-INT");
    }

    /** Ends all its processes at once; the next start recovers. No effect when it isn't running. */
    public synchronized void kill() {
        // SIGKILL would leave its other processes to find out by themselves.
        signal("-QUIT");
    }

    private void signal(String signal) {
        Process current = process;
        process = null;
        if (current == null || !current.isAlive()) {
            return;
        }
        try {
            Commands.output(List.of("kill", signal, Long.toString(current.pid())));
        } catch (TestServerException e) {
            if (current.isAlive()) {
                throw e;
            }
            return; // it ended by itself meanwhile
        }
        try {
            if (!current.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                current.destroyForcibly().waitFor();
                throw new TestServerException(
                        this + " did not stop\n" + Folders.tail(log, LOG_LINES_SHOWN));
            }
        } catch (InterruptedException e) {
            current.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new TestServerException("interrupted while stopping " + this, e);
        }
    }

    public synchronized boolean isRunning() {
        return process != null && process.isAlive();
    }

    /** Kills the server and deletes its data. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            kill();
        } finally {
            LiveServers.remove(base);
            if (!Boolean.getBoolean("millrace.testkit.keep")) {
                Folders.delete(base);
            }
        }
    }

    @Override
    public String toString() {
        return "PostgreSQL " + version() + " at " + HOST + ":" + port;
    }
}
