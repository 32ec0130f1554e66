package io.millrace.mysql.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.mariadb.jdbc.client.Client;
import org.mariadb.jdbc.client.Completion;
import org.mariadb.jdbc.client.Context;
import org.mariadb.jdbc.client.socket.Writer;
import org.mariadb.jdbc.message.ClientMessage;
import org.mariadb.jdbc.message.server.OkPacket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to the target with the sink's session settings. Belongs to one thread, except
 * {@link #abort} and {@link #writeStartedNanos}.
 *
 * <p>Statements go out as bytes ({@link #run}): the driver's message interface lets a caller write
 * its own COM_QUERY packet, which spares building a String of the statement and encoding it again.
 */
final class TargetSession implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(TargetSession.class);

    /** What a session is for. */
    enum Use {
        ROWS,
        DDL,
        CONTROL
    }

    /**
     * Strict, so that the server refuses what it would otherwise cut off in silence; lenient about
     * dates, since a source may hold zero and invalid ones; values of 0 are stored as 0.
     */
    static final String ROW_SQL_MODE =
            "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,"
                    + "NO_ENGINE_SUBSTITUTION";

    /** As {@link #ROW_SQL_MODE} without strictness: for ENUM's error value, which is data too. */
    static final String LENIENT_SQL_MODE =
            "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION";

    /** A DDL ran upstream already: what it may contain is not ours to judge. */
    static final String DDL_SQL_MODE = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES";

    private static final int COM_QUERY = 3;
    private static final int DESCRIPTION_BYTES = 512;

    private final Connection connection;
    private final Client client;
    private final org.mariadb.jdbc.Statement statement;
    private final RawQuery query = new RawQuery();
    private final boolean mariaDb;
    private final boolean tiDb;
    private final int maxAllowedPacket;
    private long serverId;
    private boolean takesRowEvents;
    private volatile long writeStartedNanos;

    private TargetSession(Connection connection) throws SQLException {
        this.connection = connection;
        org.mariadb.jdbc.Connection own = connection.unwrap(org.mariadb.jdbc.Connection.class);
        client = own.getClient();
        statement = own.createStatement();
        try (ResultSet row =
                statement.executeQuery("SELECT VERSION(), @@global.max_allowed_packet")) {
            row.next();
            String version = row.getString(1);
            mariaDb = version.contains("MariaDB");
            tiDb = version.contains("TiDB");
            maxAllowedPacket = (int) Math.min(row.getLong(2), Integer.MAX_VALUE - 1024);
        }
    }

    /** A session of somebody else, with the settings that it has. */
    static TargetSession over(Connection connection) throws SQLException {
        return new TargetSession(connection);
    }

    /** Connects and sets the session up. */
    static TargetSession open(MySqlSinkConfig config, Use use) {
        Connection connection = null;
        try {
            connection = connect(config, use);
            TargetSession session = new TargetSession(connection);
            session.setUp(config, use);
            return session;
        } catch (SQLException e) {
            closeQuietly(connection);
            ErrorCode refusal =
                    SqlErrors.isAccessDenied(e.getErrorCode())
                            ? ErrorCode.SINK_ACCESS_DENIED
                            : ErrorCode.SINK_CONNECTION;
            throw SqlErrors.of(
                    e,
                    refusal,
                    "cannot open a connection to " + config.address() + " as " + config.user());
        } catch (MillraceException e) {
            closeQuietly(connection);
            throw e;
        }
    }

    private static Connection connect(MySqlSinkConfig config, Use use) throws SQLException {
        try {
            return connect(config, use, config.password());
        } catch (SQLException e) {
            // TiDB's tools write passwords Base64-encoded into their configuration.
            if (e.getErrorCode() != 1045 || config.password().isEmpty()) {
                throw e;
            }
            String decoded;
            try {
                decoded =
                        new String(
                                Base64.getDecoder().decode(config.password()),
                                StandardCharsets.UTF_8);
            } catch (IllegalArgumentException notBase64) {
                throw e;
            }
            try {
                return connect(config, use, decoded);
            } catch (SQLException second) {
                throw e;
            }
        }
    }

    private static Connection connect(MySqlSinkConfig config, Use use, String password)
            throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", config.user());
        properties.setProperty("password", password);
        properties.setProperty("allowMultiQueries", "true");
        properties.setProperty("allowLocalInfile", "false");
        properties.setProperty("allowPublicKeyRetrieval", "true");
        properties.setProperty("jdbcCompliantTruncation", "false");
        properties.setProperty("connectTimeout", millis(config.connectTimeout()));
        // A DDL may rebuild a table for hours; only its connection's loss ends it.
        properties.setProperty(
                "socketTimeout", use == Use.DDL ? "0" : millis(config.readTimeout()));
        properties.setProperty("tcpKeepAlive", "true");
        properties.setProperty("connectionAttributes", "program_name:millrace-sink");
        if (!config.tls()) {
            properties.setProperty("sslMode", "disable");
        } else if (config.sslCa().isPresent()) {
            properties.setProperty("sslMode", "verify-full");
            properties.setProperty("serverSslCert", config.sslCa().get().toString());
        } else {
            properties.setProperty("sslMode", "trust");
        }
        if (config.sslCert().isPresent() && config.sslKey().isPresent()) {
            ClientKeyStore store = ClientKeyStore.of(config.sslCert().get(), config.sslKey().get());
            properties.setProperty("keyStore", store.file().toString());
            properties.setProperty("keyStorePassword", store.password());
            properties.setProperty("keyStoreType", "PKCS12");
        }
        String host = config.host().indexOf(':') >= 0 ? "[" + config.host() + "]" : config.host();
        Connection connection =
                new org.mariadb.jdbc.Driver()
                        .connect("jdbc:mariadb://" + host + ":" + config.port() + "/", properties);
        if (connection == null) {
            throw new SQLException("the driver refuses the address", "08000");
        }
        return connection;
    }

    private static String millis(Duration duration) {
        return Long.toString(Math.clamp(duration.toMillis(), 1, Integer.MAX_VALUE));
    }

    private void setUp(MySqlSinkConfig config, Use use) throws SQLException {
        execute(
                "SET NAMES utf8mb4, SESSION foreign_key_checks=0, SESSION sql_mode='"
                        + (use == Use.DDL ? DDL_SQL_MODE : ROW_SQL_MODE)
                        + "'");
        execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
        execute("SET autocommit=1");
        if (use == Use.ROWS) {
            // As the rows' texts are: in a zone with changes of clock one hour comes twice.
            execute("SET SESSION time_zone='+00:00'");
        } else if (!config.sessionTimeZone().isEmpty()) {
            setTimeZone(config);
        }
        if (use == Use.ROWS && config.rowEvents() && !tiDb) {
            takesRowEvents = describeEvents(config);
        }
        if (tiDb) {
            setIfKnown("tidb_placement_mode", "'ignore'");
            setIfKnown("tidb_enable_external_ts_read", "OFF");
            setIfKnown("allow_auto_random_explicit_insert", "1");
            setIfKnown("tidb_txn_mode", "'" + config.tidbTxnMode() + "'");
            // Tells a TiCDC behind the target that these rows were replicated, so that it does not
            // send them back. 1 is what TiCDC gives a side that was given no number of its own.
            setIfKnown("tidb_cdc_write_source", "1");
        }
    }

    /**
     * Opens the way for {@link RowEvents}: whether it may be used is a matter of rights (MySQL:
     * REPLICATION_APPLIER or BINLOG_ADMIN; MariaDB: BINLOG REPLAY).
     */
    private boolean describeEvents(MySqlSinkConfig config) throws SQLException {
        try (ResultSet row = statement.executeQuery("SELECT @@global.server_id")) {
            row.next();
            serverId = row.getLong(1);
        }
        byte[] description = RowEvents.formatDescription(mariaDb);
        ByteSink text = new ByteSink(512);
        text.putUtf8("BINLOG '");
        RowEvents.putBase64(text, description, description.length);
        text.put('\'');
        try {
            run(text);
            if (!mariaDb) {
                // A description leaves the number of the next transaction undetermined.
                execute("SET SESSION gtid_next='AUTOMATIC'");
            }
            return true;
        } catch (SQLException e) {
            if (SqlErrors.isConnectionLoss(e)) {
                throw e;
            }
            log.info(
                    "sink={} rows go as SQL, for the target does not take binlog events: {}",
                    config.address(),
                    SqlErrors.describe(e));
            return false;
        }
    }

    private void setTimeZone(MySqlSinkConfig config) throws SQLException {
        String zone = config.sessionTimeZone();
        try {
            ZoneId id = ZoneId.of(zone);
            if (id.getRules().isFixedOffset()) {
                ZoneOffset offset = id.getRules().getOffset(Instant.EPOCH);
                zone = offset.equals(ZoneOffset.UTC) ? "+00:00" : offset.getId();
            }
        } catch (DateTimeException e) {
            // A name that only the server knows, such as SYSTEM: let it judge.
        }
        try {
            execute(
                    "SET SESSION time_zone='"
                            + zone.replace("'", "''").replace("\\", "\\\\")
                            + "'");
        } catch (SQLException e) {
            if (e.getErrorCode() == 1298) {
                throw new MillraceException(
                        ErrorCode.MYSQL_INVALID_CONFIG,
                        "the target "
                                + config.address()
                                + " does not know the time zone '"
                                + zone
                                + "'; load its time zone tables (mysql_tzinfo_to_sql) or run the"
                                + " server with UTC",
                        e);
            }
            throw e;
        }
    }

    private void setIfKnown(String variable, String value) throws SQLException {
        try {
            execute("SET SESSION " + variable + "=" + value);
        } catch (SQLException e) {
            if (e.getErrorCode() != 1193) {
                throw e;
            }
        }
    }

    Connection connection() {
        return connection;
    }

    /** Whether rows may be sent as {@link RowEvents}. */
    boolean takesRowEvents() {
        return takesRowEvents;
    }

    /** The target's own number. */
    long serverId() {
        return serverId;
    }

    boolean isMariaDb() {
        return mariaDb;
    }

    boolean isTiDb() {
        return tiDb;
    }

    /** The server's limit of one statement in bytes. */
    int maxAllowedPacket() {
        return maxAllowedPacket;
    }

    /** Runs a control-rate statement. */
    void execute(String sql) throws SQLException {
        statement.execute(sql);
    }

    /** Whether the connection is alive. */
    boolean answers() {
        try {
            statement.execute("DO 1");
            return true;
        } catch (SQLException e) {
            return false;
        }
    }

    /**
     * Runs the statements in {@code text}, which may be several joined by semicolons; the server
     * stops at the first that fails.
     *
     * @return affected rows (found rows for UPDATE) per statement, in a list
     */
    List<Completion> run(ByteSink text) throws SQLException {
        query.text = text;
        try {
            return client.execute(query, statement, false);
        } finally {
            query.text = null;
            writeStartedNanos = 0;
        }
    }

    /** Affected rows of one result of {@link #run}. */
    static long affected(Completion completion) {
        return completion instanceof OkPacket ok ? ok.getAffectedRows() : -1;
    }

    /** When the write that is under way began, 0 when none is: what a watchdog looks at. */
    long writeStartedNanos() {
        return writeStartedNanos;
    }

    /** Cuts the connection from another thread. */
    void abort() {
        try {
            connection.abort(Runnable::run);
        } catch (SQLException e) {
            // Already gone.
        }
    }

    @Override
    public void close() {
        closeQuietly(connection);
    }

    private static void closeQuietly(@Nullable Connection connection) {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException e) {
                // Already gone.
            }
        }
    }

    /** A COM_QUERY packet straight from a byte buffer. */
    private final class RawQuery implements ClientMessage {
        private @Nullable ByteSink text;

        @Override
        public int encode(Writer writer, Context context) throws IOException {
            ByteSink bytes = java.util.Objects.requireNonNull(text);
            writeStartedNanos = System.nanoTime() | 1;
            writer.initPacket();
            writer.writeByte(COM_QUERY);
            writer.writeBytes(bytes.array(), 0, bytes.length());
            writer.flush();
            writeStartedNanos = 0;
            return 1;
        }

        @Override
        public String description() {
            ByteSink bytes = text;
            return bytes == null
                    ? ""
                    : new String(
                            bytes.array(),
                            0,
                            Math.min(bytes.length(), DESCRIPTION_BYTES),
                            StandardCharsets.UTF_8);
        }
    }
}
