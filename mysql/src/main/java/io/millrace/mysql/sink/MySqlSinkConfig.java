package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A checked sink URI with its options. An instance is always valid.
 *
 * @param host one host; IPv6 without brackets
 * @param port 4000 unless given, as TiDB's tools do for every scheme
 * @param user {@code root} unless given
 * @param password percent-decoded; never shown
 * @param tls whether the connection is encrypted: {@code +ssl} scheme or a certificate given
 * @param sslCa PEM file of the authority; with it the server's certificate and name are verified
 * @param sslCert PEM file of the client certificate
 * @param sslKey PEM file (PKCS#8 or PKCS#1) of its key
 * @param workerCount key-parallel workers, 1..1024; {@link #BY_TARGET} until {@link #forTarget}
 * @param maxTxnRow rows per downstream transaction, 1..2048; {@link #BY_TARGET} likewise
 * @param maxMultiUpdateRow updates per multi-row statement, 1..256
 * @param maxMultiUpdateRowSize mean row size in bytes above which updates go row by row, 0..8192; 0
 *     turns multi-row updates off
 * @param tidbTxnMode {@code optimistic} or {@code pessimistic}; used on TiDB only
 * @param safeMode idempotent writes for ever
 * @param sessionTimeZone value of {@code time_zone} of sessions for DDL; empty leaves the target's.
 *     Rows are always written with {@code +00:00}
 * @param connectTimeout of opening a connection
 * @param readTimeout of waiting for an answer; not for DDL
 * @param writeTimeout of handing a statement to the network
 * @param batchDml several rows per statement
 * @param multiStmt several statements per round trip
 * @param wholeTables {@code transaction-atomicity=table}: a table's rows of one source transaction
 *     in one downstream transaction
 * @param rowEvents rows may go as binlog events where upstream, target and rights allow
 * @param progressSchema database that holds Millrace's own tables in the target
 */
record MySqlSinkConfig(
        String host,
        int port,
        String user,
        String password,
        boolean tls,
        Optional<Path> sslCa,
        Optional<Path> sslCert,
        Optional<Path> sslKey,
        int workerCount,
        int maxTxnRow,
        int maxMultiUpdateRow,
        int maxMultiUpdateRowSize,
        String tidbTxnMode,
        boolean safeMode,
        String sessionTimeZone,
        Duration connectTimeout,
        Duration readTimeout,
        Duration writeTimeout,
        boolean batchDml,
        boolean multiStmt,
        boolean wholeTables,
        boolean rowEvents,
        String progressSchema) {

    static final Set<String> SCHEMES =
            Set.of("mysql", "mysql+ssl", "tidb", "tidb+ssl", "mariadb", "mariadb+ssl");

    static final int DEFAULT_PORT = 4000;

    /** Not given: what suits the target's kind. */
    static final int BY_TARGET = 0;

    /** A cluster answers late and takes much at once; TiDB's tools use the same numbers. */
    static final int TIDB_WORKER_COUNT = 16;

    static final int TIDB_MAX_TXN_ROW = 256;

    /** One server's processors are busy with three or four writers. */
    static final int SERVER_WORKER_COUNT = 4;

    static final int SERVER_MAX_TXN_ROW = 2048;
    static final int MAX_WORKER_COUNT = 1024;
    static final int LIMIT_MAX_TXN_ROW = 2048;
    static final int DEFAULT_MULTI_UPDATE_ROW = 40;
    static final int LIMIT_MULTI_UPDATE_ROW = 256;
    static final int DEFAULT_MULTI_UPDATE_ROW_SIZE = 1024;
    static final int LIMIT_MULTI_UPDATE_ROW_SIZE = 8192;
    static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(2);
    static final String DEFAULT_PROGRESS_SCHEMA = "millrace";

    private static final Pattern DURATION_PART =
            Pattern.compile("([0-9]*\\.?[0-9]+|[0-9]+\\.)(ns|us|µs|ms|s|m|h)");
    private static final Pattern AUTHORITY =
            Pattern.compile(
                    "(?:(?<user>[^@]*)@)?(?<host>\\[[^\\]]*\\]|[^:]*)(?::(?<port>[0-9]*))?");

    /**
     * Reads URI and options; throws MYSQL_INVALID_CONFIG or SINK_URI_INVALID naming the culprit.
     */
    static MySqlSinkConfig of(SinkSpec spec) {
        URI uri = spec.uri();
        if (!SCHEMES.contains(spec.scheme())) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "the scheme '" + spec.scheme() + "' is none of the MySQL sink: " + SCHEMES);
        }
        String authority = uri.getRawAuthority() == null ? "" : uri.getRawAuthority();
        int at = authority.lastIndexOf('@');
        Matcher matcher = AUTHORITY.matcher(authority.substring(at + 1));
        if (!matcher.matches()) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "the sink URI's host and port cannot be read; give one host as host:port");
        }
        String host = matcher.group("host");
        if (host.startsWith("[")) {
            host = host.substring(1, host.length() - 1);
        }
        if (host.isEmpty() || host.contains(",")) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID, "the sink URI must name exactly one host");
        }
        String portText = matcher.group("port");
        int port = DEFAULT_PORT;
        if (portText != null && !portText.isEmpty()) {
            port = portText.length() > 5 ? 0 : Integer.parseInt(portText);
            if (port < 1 || port > 65_535) {
                throw new MillraceException(
                        ErrorCode.SINK_URI_INVALID, "the sink URI's port is not in 1..65535");
            }
        }
        String userInfo = at < 0 ? "" : authority.substring(0, at);
        int colon = userInfo.indexOf(':');
        String user = percentDecode(colon < 0 ? userInfo : userInfo.substring(0, colon));
        String password = colon < 0 ? "" : percentDecode(userInfo.substring(colon + 1));
        Optional<Path> ca = file(spec, "ssl-ca");
        Optional<Path> cert = file(spec, "ssl-cert");
        Optional<Path> key = file(spec, "ssl-key");
        if (cert.isPresent() != key.isPresent()) {
            throw invalid("ssl-cert and ssl-key must be given together");
        }
        boolean tls = spec.scheme().endsWith("+ssl") || ca.isPresent() || cert.isPresent();
        String atomicity = text(spec, "transaction-atomicity").orElse("none");
        if (!atomicity.isEmpty() && !atomicity.equals("none") && !atomicity.equals("table")) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid 'transaction-atomicity "
                            + atomicity
                            + " is not supported'; use none or table");
        }
        // Accepted for compatibility: statements are literal text, nothing is ever prepared, so
        // there is no cache that could be on or off. A malformed value is still an error.
        flag(spec, "cache-prep-stmts", true);
        if (flag(spec, "has-vector-type", false)) {
            throw new MillraceException(
                    ErrorCode.UNSUPPORTED_OPTION,
                    "has-vector-type=true is not supported: VECTOR columns need a target that has"
                            + " the type");
        }
        String mode = text(spec, "tidb-txn-mode").orElse("optimistic");
        String schema = text(spec, "progress-schema").orElse(DEFAULT_PROGRESS_SCHEMA);
        if (schema.isEmpty() || schema.length() > 64 || schema.indexOf('\0') >= 0) {
            throw invalid("progress-schema must be a database name of 1..64 characters");
        }
        return new MySqlSinkConfig(
                host,
                port,
                user.isEmpty() ? "root" : user,
                password,
                tls,
                ca,
                cert,
                key,
                number(spec, "worker-count", BY_TARGET, 1, MAX_WORKER_COUNT),
                number(spec, "max-txn-row", BY_TARGET, 1, LIMIT_MAX_TXN_ROW),
                number(
                        spec,
                        "max-multi-update-row",
                        DEFAULT_MULTI_UPDATE_ROW,
                        1,
                        LIMIT_MULTI_UPDATE_ROW),
                number(
                        spec,
                        "max-multi-update-row-size",
                        DEFAULT_MULTI_UPDATE_ROW_SIZE,
                        0,
                        LIMIT_MULTI_UPDATE_ROW_SIZE),
                mode.equals("pessimistic") ? "pessimistic" : "optimistic",
                flag(spec, "safe-mode", false),
                timeZone(spec),
                duration(spec, "timeout"),
                duration(spec, "read-timeout"),
                duration(spec, "write-timeout"),
                flag(spec, "batch-dml-enable", true),
                flag(spec, "multi-stmt-enable", true),
                atomicity.equals("table"),
                // A refused event is written again as SQL, which needs all rows of the transaction:
                // a transaction that is held open has given them back already.
                flag(spec, "row-events", true) && !atomicity.equals("table"),
                schema);
    }

    /** The same with the numbers that were left to the kind of target. */
    MySqlSinkConfig forTarget(boolean tiDb) {
        int workers = tiDb ? TIDB_WORKER_COUNT : SERVER_WORKER_COUNT;
        int rows = tiDb ? TIDB_MAX_TXN_ROW : SERVER_MAX_TXN_ROW;
        return new MySqlSinkConfig(
                host,
                port,
                user,
                password,
                tls,
                sslCa,
                sslCert,
                sslKey,
                workerCount == BY_TARGET ? workers : workerCount,
                maxTxnRow == BY_TARGET ? rows : maxTxnRow,
                maxMultiUpdateRow,
                maxMultiUpdateRowSize,
                tidbTxnMode,
                safeMode,
                sessionTimeZone,
                connectTimeout,
                readTimeout,
                writeTimeout,
                batchDml,
                multiStmt,
                wholeTables,
                rowEvents,
                progressSchema);
    }

    /** Host and port for messages. */
    String address() {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }

    @Override
    public String toString() {
        return "MySqlSinkConfig[" + user + "@" + address() + "]";
    }

    private static String timeZone(SinkSpec spec) {
        String ours = spec.timeZone();
        Optional<String> wanted = text(spec, "time-zone");
        if (wanted.isEmpty()) {
            return ours;
        }
        if (wanted.get().isEmpty() || wanted.get().equals(ours)) {
            return wanted.get();
        }
        throw invalid(
                "time-zone is '"
                        + wanted.get()
                        + "', but this server runs with '"
                        + ours
                        + "'; give the same zone or leave the option out");
    }

    private static Optional<String> text(SinkSpec spec, String name) {
        return spec.option(name).map(String::trim);
    }

    private static Optional<Path> file(SinkSpec spec, String name) {
        Optional<Path> path = text(spec, name).filter(t -> !t.isEmpty()).map(Path::of);
        if (path.isPresent() && !Files.isReadable(path.get())) {
            throw invalid(name + ": cannot read the file " + path.get());
        }
        return path;
    }

    private static int number(SinkSpec spec, String name, int standard, int least, int most) {
        Optional<String> text = text(spec, name).filter(t -> !t.isEmpty());
        if (text.isEmpty()) {
            return standard;
        }
        long value;
        try {
            value = Long.parseLong(text.get());
        } catch (NumberFormatException e) {
            throw invalid(name + " is '" + text.get() + "', which is not a whole number");
        }
        if (value < least) {
            throw invalid(name + " is " + value + "; it must be at least " + least);
        }
        return (int) Math.min(value, most);
    }

    private static boolean flag(SinkSpec spec, String name, boolean standard) {
        Optional<String> text = text(spec, name).filter(t -> !t.isEmpty());
        if (text.isEmpty()) {
            return standard;
        }
        return switch (text.get().toLowerCase(Locale.ROOT)) {
            case "true", "1", "t" -> true;
            case "false", "0", "f" -> false;
            default -> throw invalid(name + " is '" + text.get() + "'; it must be true or false");
        };
    }

    /** A Go duration such as {@code 2m}, {@code 1h30m} or {@code 500ms}; positive. */
    private static Duration duration(SinkSpec spec, String name) {
        Optional<String> text = text(spec, name).filter(t -> !t.isEmpty());
        if (text.isEmpty()) {
            return DEFAULT_TIMEOUT;
        }
        Matcher parts = DURATION_PART.matcher(text.get());
        double nanos = 0;
        int end = 0;
        while (parts.find() && parts.start() == end) {
            nanos += Double.parseDouble(parts.group(1)) * unitNanos(parts.group(2));
            end = parts.end();
        }
        if (end != text.get().length() || end == 0 || nanos < 1) {
            throw invalid(
                    name + " is '" + text.get() + "'; it must be a positive duration such as 2m");
        }
        return Duration.ofNanos((long) Math.min(nanos, 1e18));
    }

    private static double unitNanos(String unit) {
        return switch (unit) {
            case "ns" -> 1;
            case "us", "µs" -> 1e3;
            case "ms" -> 1e6;
            case "s" -> 1e9;
            case "m" -> 60e9;
            default -> 3600e9;
        };
    }

    private static MillraceException invalid(String what) {
        return new MillraceException(ErrorCode.MYSQL_INVALID_CONFIG, "MySQL sink: " + what);
    }

    /** Percent-decodes; unlike form decoding, {@code +} stays. */
    private static String percentDecode(String text) {
        return java.net.URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
