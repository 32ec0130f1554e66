package io.millrace.mysql.capture;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.EventOutput;
import io.millrace.mysql.connect.JdbcConnections;
import io.millrace.mysql.connect.ReplicationConnection;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.row.BinlogRowDecoder;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.QueryContext;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.TableVersions;
import io.millrace.testkit.servers.DbServer;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Measures how fast a binlog comes in: bytes alone, framed, with the rows' table dropped, and with
 * rows decoded and counted. {@code CaptureDrain [rows] [rounds] [mysql|mariadb]}.
 */
final class CaptureDrain {
    private static final int TRANSACTION = 1000;

    private CaptureDrain() {}

    public static void main(String[] args) throws Exception {
        int rows = args.length > 0 ? Integer.parseInt(args[0]) : 1_000_000;
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 5;
        DbServer.Builder builder =
                args.length > 2 && args[2].equals("mariadb")
                        ? DbServer.mariadb()
                        : DbServer.mysql();
        try (DbServer server =
                builder.option("innodb_flush_log_at_trx_commit", "0")
                        .option("sync_binlog", "0")
                        .start()) {
            server.execute(
                    "CREATE DATABASE b",
                    "CREATE TABLE b.orders (id BIGINT NOT NULL PRIMARY KEY, user_id INT NOT NULL,"
                            + " status VARCHAR(16), amount DECIMAL(12,2), created DATETIME,"
                            + " quantity INT, note VARCHAR(64), rate DOUBLE)",
                    "FLUSH BINARY LOGS");
            String file = server.query("SHOW MASTER STATUS").orElseThrow();
            fill(server, rows);
            long bytes = server.binlogs().stream().mapToLong(path -> path.toFile().length()).sum();
            System.out.printf(
                    Locale.ROOT,
                    "%s %s: %d rows, %.1f MB of binlog%n",
                    server.flavor(),
                    server.version(),
                    rows,
                    bytes / 1e6);
            for (int round = 0; round < rounds; round++) {
                report(round, "raw", rows, raw(server, file));
                report(round, "framed and checked", rows, framed(server, file));
                report(round, "table dropped", rows, read(server, file, List.of("other.*"), rows));
                report(round, "decoded", rows, read(server, file, List.of("b.*"), rows));
            }
        }
    }

    private static void report(int round, String what, int rows, long nanos) {
        System.out.printf(
                Locale.ROOT,
                "round %d %-20s %8.3f s %6.2f M rows/s%n",
                round,
                what,
                nanos / 1e9,
                rows * 1e3 / nanos);
    }

    private static void fill(DbServer server, int rows) throws Exception {
        try (Connection connection = server.connect("b");
                Statement statement = connection.createStatement()) {
            for (int from = 0; from < rows; from += TRANSACTION) {
                StringBuilder sql = new StringBuilder("INSERT INTO orders VALUES ");
                for (int i = from; i < Math.min(rows, from + TRANSACTION); i++) {
                    sql.append(i == from ? "(" : ",(")
                            .append(i)
                            .append(',')
                            .append(i % 5000)
                            .append(",'status")
                            .append(i % 7)
                            .append("',")
                            .append(i % 10000)
                            .append(".25,'2026-01-02 03:04:05',")
                            .append(i % 11)
                            .append(",'a note of some length, number ")
                            .append(i)
                            .append("',")
                            .append(i)
                            .append(".5)");
                }
                statement.execute(sql.toString());
            }
        }
    }

    private static ReplicationConnection dump(ServerAddress address, DbServer server, String file)
            throws Exception {
        ReplicationConnection connection = ReplicationConnection.open(address);
        try (JdbcConnections jdbc = new JdbcConnections(address);
                Connection control = jdbc.open()) {
            BinlogCapture.prepare(connection, ServerFacts.read(control, address));
        }
        connection.dump(new BinlogCoordinate(file, 4), 4_000_000_000L, false);
        return connection;
    }

    private static ServerAddress address(DbServer server) {
        return ServerAddress.parse(URI.create(CaptureRig.uri(server)));
    }

    private static long raw(DbServer server, String file) throws Exception {
        try (ReplicationConnection connection = dump(address(server), server, file)) {
            long start = System.nanoTime();
            InputStream in = connection.stream();
            byte[] buffer = new byte[1 << 18];
            byte[] tail = new byte[9];
            while (true) {
                int n = in.read(buffer);
                if (n < 9) {
                    throw new IllegalStateException("ended");
                }
                System.arraycopy(buffer, n - 9, tail, 0, 9);
                if (tail[0] == 5 && tail[1] == 0 && tail[2] == 0 && tail[4] == (byte) 0xFE) {
                    return System.nanoTime() - start;
                }
            }
        }
    }

    private static long framed(DbServer server, String file) throws Exception {
        try (ReplicationConnection connection = dump(address(server), server, file)) {
            long start = System.nanoTime();
            EventStream stream = new EventStream(connection.stream(), new BufferPool(), true);
            while (stream.next()) {
                stream.load();
            }
            return System.nanoTime() - start;
        }
    }

    private static long read(DbServer server, String file, List<String> rules, int rows)
            throws Exception {
        ServerAddress address = address(server);
        TableFilter filter = TableFilters.parse(rules, true);
        try (ReplicationConnection connection = dump(address, server, file)) {
            BufferPool pool = new BufferPool();
            long[] count = new long[2];
            EventOutput out =
                    event -> {
                        if (event instanceof RowBatch batch) {
                            RowView view = batch.rows();
                            while (view.next()) {
                                count[0]++;
                                count[1] += view.longValue(RowView.AFTER, 0);
                            }
                            batch.release();
                        }
                    };
            long start = System.nanoTime();
            new BinlogReader(
                            address,
                            new EventStream(connection.stream(), pool, true),
                            new BinlogRowDecoder(pool, ZoneOffset.UTC),
                            new FixedVersions(),
                            filter,
                            out,
                            pool,
                            collation -> StandardCharsets.UTF_8,
                            () ->
                                    new UpstreamClock.Reading(
                                            System.currentTimeMillis(),
                                            new BinlogCoordinate(file, 4)),
                            false,
                            new HoldingArea(
                                    java.nio.file.Path.of(System.getProperty("java.io.tmpdir"))),
                            new BinlogReader.Plan(
                                    BinlogPosition.at(file, 4, 0),
                                    false,
                                    true,
                                    0,
                                    Optional.empty(),
                                    1))
                    .run();
            long nanos = System.nanoTime() - start;
            if (filter.matches("b", "orders") && count[0] != rows) {
                throw new IllegalStateException(count[0] + " rows");
            }
            return nanos;
        }
    }

    /** The one table. */
    private static final class FixedVersions implements TableVersions {
        private final TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("b", "orders"),
                        List.of(
                                Column.of("id", ColumnKind.BIGINT),
                                Column.of("user_id", ColumnKind.INT),
                                Column.of("status", ColumnKind.VARCHAR),
                                Column.of("amount", ColumnKind.DECIMAL),
                                Column.of("created", ColumnKind.DATETIME),
                                Column.of("quantity", ColumnKind.INT),
                                Column.of("note", ColumnKind.VARCHAR),
                                Column.of("rate", ColumnKind.DOUBLE)),
                        List.of());

        @Override
        public void start(Start start) {}

        @Override
        public TableSchema versionFor(
                TableMap map, long tso, Supplier<? extends SourcePosition> place) {
            return schema;
        }

        @Override
        public Optional<SchemaChange> onQuery(
                String sql, QueryContext context, long tso, SourcePosition after) {
            return Optional.empty();
        }
    }
}
