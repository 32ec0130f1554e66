package io.millrace.mysql.schema;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.mysql.capture.BinlogCapture;
import io.millrace.mysql.capture.ServerIds;
import io.millrace.mysql.connect.JdbcConnections;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.row.BinlogRowDecoder;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.servers.DbServer;
import java.net.URI;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random DDL mixed with rows, read by one capture that runs at changing distance behind the server,
 * and by one that starts in the past when all is over: both must see each row as the server held it
 * when it was written.
 */
class DdlLagIT {
    private static final int STATEMENTS = Integer.getInteger("millrace.ddl.statements", 200);

    /**
     * The first seed; the same in every run, so that a red build means a change. {@code
     * -Dmillrace.ddl.seeds} runs as many of them, one after the other on the same servers.
     */
    private static final long SEED = Long.getLong("millrace.ddl.seed", 20260115);

    private static final int SEEDS = Integer.getInteger("millrace.ddl.seeds", 1);

    private static final int PATIENCE_SECONDS = 60;

    /** What identifies an event for ever, and the position behind it. */
    record Seen(String text, BinlogPosition position) {}

    /** A capture with the real tracker and decoder; remembers the inserted rows as text. */
    static final class Reader implements AutoCloseable {
        final List<String> rows = new ArrayList<>();
        final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private final JdbcConnections connections;
        private final BinlogCapture capture;
        private final Thread thread;
        private final Random pauses;
        private final CountDownLatch started = new CountDownLatch(1);
        private final List<Seen> seen = new ArrayList<>();
        private volatile boolean slow;

        Reader(DbServer server, long startTso, boolean slow, long seed) {
            this(
                    server,
                    startTso,
                    Optional.empty(),
                    new MemoryHistory(),
                    List.of("late.*"),
                    slow,
                    seed);
        }

        Reader(
                DbServer server,
                long startTso,
                Optional<Checkpoint> checkpoint,
                MemoryHistory history,
                List<String> rules,
                boolean slow,
                long seed) {
            this.slow = slow;
            pauses = new Random(seed);
            ServerAddress address =
                    ServerAddress.parse(
                            URI.create(
                                    "mysql://"
                                            + server.rootUser()
                                            + ":"
                                            + server.rootPassword()
                                            + "@"
                                            + server.host()
                                            + ":"
                                            + server.port()
                                            + "/"));
            connections = new JdbcConnections(address);
            BufferPool pool = new BufferPool();
            capture =
                    new BinlogCapture(
                            address,
                            connections,
                            new BinlogRowDecoder(pool, ZoneOffset.UTC),
                            new SchemaTracker(),
                            pool,
                            new CaptureRequest(
                                    "default/lag",
                                    startTso,
                                    checkpoint,
                                    TableFilters.parse(rules, true),
                                    history,
                                    "UTC"),
                            new ServerIds(address),
                            java.nio.file.Path.of(System.getProperty("java.io.tmpdir")));
            thread =
                    Thread.ofPlatform()
                            .name("reader")
                            .start(() -> {
                                try {
                                    capture.run(this::take);
                                } catch (Throwable e) {
                                    failure.set(e);
                                } finally {
                                    started.countDown();
                                }
                            });
        }

        /** Waits until the reader has looked at the server's definitions and follows the stream. */
        void awaitStart() throws InterruptedException {
            assertThat(started.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(failure.get()).isNull();
        }

        private void take(ChangeEvent event) throws InterruptedException {
            started.countDown();
            if (slow && pauses.nextInt(4) == 0) {
                Thread.sleep(pauses.nextInt(40));
            }
            if (event instanceof RowBatch batch) {
                List<String> texts = new ArrayList<>();
                if (batch.op() == RowBatch.INSERT) {
                    TableSchema schema = batch.schema();
                    for (RowView row = batch.rows(); row.next(); ) {
                        texts.add(text(schema, row));
                    }
                }
                add(event, batch.schema().tableId() + " " + texts);
                synchronized (rows) {
                    rows.addAll(texts);
                }
                batch.release();
            } else if (event instanceof SchemaChange change) {
                add(event, change.query());
            }
        }

        private void add(ChangeEvent event, String text) {
            synchronized (rows) {
                seen.add(
                        new Seen(
                                text + " @" + event.commitTso(),
                                (BinlogPosition) event.positionAfter()));
            }
        }

        /** Rows and DDL so far, with table id and TSO, and where to read on behind them. */
        List<Seen> seen() {
            synchronized (rows) {
                return List.copyOf(seen);
            }
        }

        List<String> await(int count) throws InterruptedException {
            slow = false;
            long end = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
            while (System.nanoTime() < end && failure.get() == null) {
                synchronized (rows) {
                    if (rows.size() >= count) {
                        break;
                    }
                }
                Thread.sleep(20);
            }
            synchronized (rows) {
                return List.copyOf(rows);
            }
        }

        @Override
        public void close() {
            capture.close();
            try {
                thread.join(10_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            connections.close();
        }
    }

    private static boolean compared(Column c) {
        return c.generated() == Column.Generated.NONE
                && c.kind() != ColumnKind.FLOAT
                && c.kind() != ColumnKind.DOUBLE
                && c.kind() != ColumnKind.JSON
                && c.kind() != ColumnKind.GEOMETRY;
    }

    private static String text(TableSchema schema, RowView row) {
        StringBuilder out = new StringBuilder(schema.name().toString());
        for (int i = 0; i < schema.columns().size(); i++) {
            Column c = schema.column(i);
            if (!compared(c)) {
                continue;
            }
            out.append(' ').append(c.name()).append('=');
            if (row.isNull(RowView.AFTER, i)) {
                out.append("NULL");
                continue;
            }
            ByteSink value = new ByteSink(32);
            if (c.kind().access() == ColumnKind.Access.BYTES) {
                row.appendBytes(RowView.AFTER, i, value);
                out.append(
                        HexFormat.of().withUpperCase().formatHex(value.array(), 0, value.length()));
            } else {
                row.appendText(RowView.AFTER, i, value);
                out.append(value);
            }
        }
        return out.toString();
    }

    private static String quote(String name) {
        return "`" + name.replace("`", "``") + "`";
    }

    private static String literal(Column c, Random random) {
        if (c.nullable() && random.nextInt(5) == 0) {
            return "NULL";
        }
        return switch (c.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT -> "" + random.nextInt(100);
            case DECIMAL, FLOAT, DOUBLE -> "0";
            case BIT, ENUM, SET -> "1";
            case YEAR -> "" + (1980 + random.nextInt(100));
            case DATE -> "'2024-02-" + (10 + random.nextInt(10)) + "'";
            case TIME -> "'-11:22:33.123456'";
            case DATETIME, TIMESTAMP -> "'2024-02-03 04:05:06.654321'";
            case JSON -> "'{}'";
            case GEOMETRY ->
                    switch (c.typeText()) {
                        case "point", "geometry" -> "ST_GeomFromText('POINT(1 2)')";
                        case "polygon" -> "ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))')";
                        case "multipoint" -> "ST_GeomFromText('MULTIPOINT(1 1,2 2)')";
                        default -> "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))')";
                    };
            case UUID -> "'123e4567-e89b-12d3-a456-426655440000'";
            case INET4 -> "'10.0.0.1'";
            case INET6 -> "'2001:db8::1'";
            default -> "'" + (char) ('A' + random.nextInt(26)) + "'";
        };
    }

    private static String shown(Column c) {
        String name = quote(c.name());
        return switch (c.kind().access()) {
            case LONG -> name + "+0";
            case BYTES -> "HEX(" + name + ")";
            case TEXT -> "CONVERT(" + name + " USING utf8mb4)";
            default -> c.kind() == ColumnKind.DECIMAL ? name + "+0" : "CAST(" + name + " AS CHAR)";
        };
    }

    /** Puts one row into an emptied table; its text as the server shows it, if it was accepted. */
    private static Optional<String> insert(
            Statement statement, TableDefinition table, Random random) throws SQLException {
        if (table.columns().stream().anyMatch(ColumnTypes::isRowEnd)) {
            // System-versioned tables don't replicate.
            return Optional.empty();
        }
        String name = quote(table.name().schema()) + "." + quote(table.name().table());
        List<String> columns = new ArrayList<>();
        List<String> values = new ArrayList<>();
        List<Column> compared = new ArrayList<>();
        for (Column c : table.columns()) {
            if (c.generated() == Column.Generated.NONE) {
                columns.add(quote(c.name()));
                values.add(literal(c, random));
            }
            if (compared(c)) {
                compared.add(c);
            }
        }
        try {
            statement.execute("DELETE FROM " + name);
            statement.execute(
                    "INSERT INTO "
                            + name
                            + " ("
                            + String.join(",", columns)
                            + ") VALUES ("
                            + String.join(",", values)
                            + ")");
        } catch (SQLException e) {
            return Optional.empty();
        }
        StringBuilder out = new StringBuilder(table.name().toString());
        if (!compared.isEmpty()) {
            String list = String.join(",", compared.stream().map(DdlLagIT::shown).toList());
            try (ResultSet row = statement.executeQuery("SELECT " + list + " FROM " + name)) {
                row.next();
                for (int i = 0; i < compared.size(); i++) {
                    String value = row.getString(i + 1);
                    out.append(' ').append(compared.get(i).name()).append('=');
                    out.append(value == null ? "NULL" : value);
                }
            }
        }
        return Optional.of(out.toString());
    }

    @ParameterizedTest
    @CsvSource({"MYSQL,FULL", "MYSQL,MINIMAL", "MARIADB,FULL", "MARIADB,MINIMAL"})
    void readsEachRowByTheDefinitionItWasWrittenWith(DbServer.Flavor flavor, String metadata)
            throws Exception {
        List<String> failures = new ArrayList<>();
        try (DbServer server = DbServer.of(flavor).rowMetadata(metadata).start();
                Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SET time_zone='+00:00', NAMES utf8mb4");
            for (long seed = SEED; seed < SEED + SEEDS; seed++) {
                try {
                    run(server, connection, statement, seed);
                } catch (AssertionError e) {
                    String found = flavor + " " + metadata + " seed " + seed + " " + e.getMessage();
                    System.out.println(found + "\n" + e.getCause());
                    failures.add(found + "\n" + e.getCause());
                }
            }
        }
        assertThat(failures).isEmpty();
    }

    private static void run(DbServer server, Connection connection, Statement statement, long seed)
            throws Exception {
        Random random = new Random(seed);
        TableFilter filter = TableFilters.parse(List.of("late.*"), true);
        Thread.sleep(1100);
        long startTso = System.currentTimeMillis() << 18;
        Thread.sleep(1100);
        List<String> expected = new ArrayList<>();
        List<String> log = new ArrayList<>();
        try (Reader close = new Reader(server, startTso, true, seed)) {
            close.awaitStart();
            statement.execute("DROP DATABASE IF EXISTS late");
            statement.execute("CREATE DATABASE late");
            statement.execute("USE late");
            RandomDdl ddl =
                    new RandomDdl(random, server.flavor() == DbServer.Flavor.MARIADB, "late");
            for (int i = 0; i < STATEMENTS; i++) {
                TreeMap<TableName, TableDefinition> tables =
                        new TreeMap<>(Comparator.comparing(TableName::toString));
                tables.putAll(SchemaSnapshot.read(connection, filter).tables());
                String sql = ddl.statement(tables);
                try {
                    statement.execute(sql);
                    log.add(sql);
                } catch (SQLException e) {
                    // Refused statements are part of the game.
                }
                for (Map.Entry<TableName, TableDefinition> table :
                        SchemaSnapshot.read(connection, filter).tables().entrySet()) {
                    if (random.nextInt(3) == 0) {
                        insert(statement, table.getValue(), random)
                                .ifPresent(row -> {
                                    expected.add(row);
                                    log.add("ROW " + row);
                                });
                    }
                }
            }
            check(close, expected, log, "close reader");
        }
        try (Reader late = new Reader(server, startTso, false, seed)) {
            check(late, expected, log, "late reader");
        }
        assertThat(expected).hasSizeGreaterThan(STATEMENTS / 3);
    }

    /** The latest statements that have to do with the table of the last row. */
    private static List<String> naming(List<String> log) {
        String last = log.isEmpty() ? "" : log.getLast();
        if (!last.startsWith("ROW ")) {
            return List.of();
        }
        String table = last.substring(last.indexOf('.') + 1).split(" ")[0];
        List<String> out =
                log.stream().filter(l -> !l.startsWith("ROW ") && l.contains(table)).toList();
        return out.subList(Math.max(0, out.size() - 30), out.size());
    }

    private static void check(Reader reader, List<String> expected, List<String> log, String where)
            throws InterruptedException {
        List<String> seen = reader.await(expected.size());
        int n = 0;
        while (n < seen.size() && n < expected.size() && seen.get(n).equals(expected.get(n))) {
            n++;
        }
        if (n < expected.size() || seen.size() != expected.size()) {
            int at = n < expected.size() ? log.indexOf("ROW " + expected.get(n)) : log.size() - 1;
            throw new AssertionError(
                    where
                            + " row "
                            + n
                            + " of "
                            + expected.size()
                            + "\nexpected "
                            + (n < expected.size() ? expected.get(n) : "nothing")
                            + "\nseen     "
                            + (n < seen.size() ? seen.get(n) : "nothing")
                            + "\nafter\n  "
                            + String.join("\n  ", log.subList(Math.max(0, at - 6), at + 1))
                            + "\nDDL naming the table\n  "
                            + String.join("\n  ", naming(log.subList(0, at + 1))),
                    reader.failure.get());
        }
    }
}
