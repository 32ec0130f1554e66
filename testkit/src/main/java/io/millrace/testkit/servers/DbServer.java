package io.millrace.testkit.servers;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A real MySQL or MariaDB server on a free loopback port with a private data folder.
 *
 * <p>{@link #close()} kills it and deletes its data. All methods may be called from any thread;
 * those that change the state of the process exclude each other.
 */
public sealed interface DbServer extends AutoCloseable permits MySqlServer, MariaDbServer {

    /** Product family. */
    enum Flavor {
        MYSQL,
        MARIADB
    }

    /**
     * A MySQL 8.0.33 to be configured: GTIDs on, row format, full row images and full row metadata.
     */
    static Builder mysql() {
        return new Builder(Flavor.MYSQL);
    }

    /**
     * A MariaDB 11.4.5 to be configured: strict GTIDs, row format, full row images and full row
     * metadata.
     */
    static Builder mariadb() {
        return new Builder(Flavor.MARIADB);
    }

    /** Either flavour, for tests that run on both. */
    static Builder of(Flavor flavor) {
        return new Builder(flavor);
    }

    Flavor flavor();

    /** Version of the server, such as {@code 8.0.33}. */
    String version();

    /** Always {@code 127.0.0.1}. */
    String host();

    /** TCP port; the same for the whole life of this object, restarts included. */
    int port();

    String rootUser();

    String rootPassword();

    /** Address for Millrace, as upstream or sink, with root's password. */
    default String uri() {
        return uri(port());
    }

    /** The same through a proxy at this port of the same host. */
    default String uri(int proxyPort) {
        return "mysql://"
                + rootUser()
                + ":"
                + rootPassword()
                + "@"
                + host()
                + ":"
                + proxyPort
                + "/";
    }

    /** JDBC address for the MariaDB driver, without user and password; {@code db} may be empty. */
    String jdbcUrl(String db);

    /** A new connection as root without a current database. */
    Connection connect() throws SQLException;

    /** A new connection as root with {@code db} as the current database, which must exist. */
    Connection connect(String db) throws SQLException;

    /** Runs statements one by one as root on one connection. */
    void execute(String... statements);

    /** First column of the first row as text, as root. */
    Optional<String> query(String sql);

    /** Starts a stopped or killed server on the same port and data, and waits until it answers. */
    void start();

    /** Clean shutdown; returns when the process has ended. No effect when it isn't running. */
    void stop();

    /**
     * Ends the process with SIGKILL, as a power failure of the process would; no effect when it
     * isn't running.
     */
    void kill9();

    /** {@link #stop()} and {@link #start()}. */
    void restart();

    /** Freezes the process (SIGSTOP): its connections stay open and nothing moves. */
    void freeze();

    /** Lets a frozen process go on (SIGCONT). */
    void thaw();

    boolean isRunning();

    /** Process id of the running server; fails when it isn't running. */
    long pid();

    Path dataDir();

    /** Binary logs, oldest first; readable by the user that runs the tests. */
    List<Path> binlogs();

    Path errorLog();

    /** Path of a program of the server's distribution, such as {@code mysqlbinlog}. */
    Path program(String name);

    /** The certificates, when the server was built with {@link Builder#tls()}. */
    Optional<TlsMaterial> tls();

    /** Kills the server and deletes its data. */
    @Override
    void close();

    /** Settings of a server; each {@link #start()} makes a new one. */
    final class Builder {
        private final Flavor flavor;
        final Map<String, String> options = new LinkedHashMap<>();
        boolean gtid = true;
        boolean tls;
        int port;
        String rootPassword = "millrace";
        Duration startTimeout = Duration.ofSeconds(90);

        private Builder(Flavor flavor) {
            this.flavor = flavor;
        }

        /**
         * Any server variable or start option, in the words of {@code my.cnf}; overrides what the
         * launcher sets.
         */
        public Builder option(String name, String value) {
            options.put(name.replace('-', '_'), value);
            return this;
        }

        /** GTIDs on (default) or off; MariaDB always has them, off only lifts the strict mode. */
        public Builder gtid(boolean on) {
            gtid = on;
            return this;
        }

        /**
         * {@code binlog_row_metadata}: {@code FULL} (default), {@code MINIMAL}; MariaDB also knows
         * {@code NO_LOG}.
         */
        public Builder rowMetadata(String value) {
            return option("binlog_row_metadata", value);
        }

        /** {@code binlog_row_image}: {@code FULL} (default), {@code MINIMAL} or {@code NOBLOB}. */
        public Builder rowImage(String value) {
            return option("binlog_row_image", value);
        }

        /** {@code binlog_format}: {@code ROW} (default), {@code MIXED} or {@code STATEMENT}. */
        public Builder binlogFormat(String value) {
            return option("binlog_format", value);
        }

        /** Default character set of the server; {@code utf8mb4} unless set. */
        public Builder charset(String value) {
            return option("character_set_server", value);
        }

        /**
         * Plug-in of users created without naming one, such as {@code mysql_native_password}; MySQL
         * only.
         */
        public Builder authPlugin(String value) {
            if (flavor != Flavor.MYSQL) {
                throw new IllegalArgumentException(
                        "MariaDB has no default_authentication_plugin; name the plug-in in"
                                + " CREATE USER … IDENTIFIED VIA …");
            }
            return option("default_authentication_plugin", value);
        }

        /**
         * Compressed transactions (MySQL) or compressed row events of any size (MariaDB) in the
         * binary log.
         */
        public Builder compressedBinlog() {
            return flavor == Flavor.MYSQL
                    ? option("binlog_transaction_compression", "ON")
                    : option("log_bin_compress", "ON").option("log_bin_compress_min_len", "10");
        }

        /** Size in bytes at which the binary log rotates; at least 4096. */
        public Builder maxBinlogSize(long bytes) {
            return option("max_binlog_size", Long.toString(bytes));
        }

        /** Offers TLS with generated certificates; see {@link DbServer#tls()}. */
        public Builder tls() {
            tls = true;
            return this;
        }

        /** A fixed port instead of a free one. */
        public Builder port(int fixedPort) {
            port = fixedPort;
            return this;
        }

        /** Password of root; {@code millrace} unless set. */
        public Builder rootPassword(String password) {
            rootPassword = password;
            return this;
        }

        /** How long a start may take; 90 seconds unless set. */
        public Builder startTimeout(Duration timeout) {
            startTimeout = timeout;
            return this;
        }

        /** Starts the server and returns when it answers. */
        public DbServer start() {
            DbServer server =
                    switch (flavor) {
                        case MYSQL -> new MySqlServer(this);
                        case MARIADB -> new MariaDbServer(this);
                    };
            try {
                server.start();
                return server;
            } catch (RuntimeException e) {
                server.close();
                throw e;
            }
        }
    }
}
