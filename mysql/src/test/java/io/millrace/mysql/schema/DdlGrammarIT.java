package io.millrace.mysql.schema;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SourcePosition;
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
import io.millrace.mysql.wire.QueryContext;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.TableVersions;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.servers.DbServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The servers' grammar clause by clause: each statement of {@code ddl-grammar.sql} is run, and what
 * the server then writes to its binlog must leave the tracker with the definitions that {@code
 * information_schema} shows.
 */
class DdlGrammarIT {
    private static final TableFilter FILTER = TableFilters.parse(List.of("g.*", "g2.*"), true);

    /** Logged, of no effect, and told from all else. */
    private static final String STEP = "DROP VIEW IF EXISTS grammar_step.v";

    /** Statements of a file, each ended by a semicolon at the end of a line. */
    static List<String> statements(DbServer.Flavor flavor) throws IOException {
        String text;
        try (InputStream in = DdlGrammarIT.class.getResourceAsStream("/ddl-grammar.sql")) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        List<String> out = new ArrayList<>();
        boolean wanted = true;
        StringBuilder statement = new StringBuilder();
        for (String line : text.split("\n")) {
            if (line.startsWith("==")) {
                wanted = line.contains("BOTH") || line.contains(flavor.name());
            } else if (!line.isBlank() && wanted) {
                statement.append(statement.isEmpty() ? "" : "\n").append(line);
                if (line.endsWith(";")) {
                    out.add(statement.substring(0, statement.length() - 1));
                    statement.setLength(0);
                }
            }
        }
        return out;
    }

    /** The tracker under test, fed by the capture, one statement after the other. */
    private static final class Fed implements TableVersions {
        final SchemaTracker tracker = new SchemaTracker();
        private final List<String> problems;
        private final Semaphore steps = new Semaphore(0);

        Fed(List<String> problems) {
            this.problems = problems;
        }

        @Override
        public void start(Start start) {
            tracker.start(
                    new Start(
                            start.jobId(),
                            start.mariaDb(),
                            start.history(),
                            FILTER,
                            start.connections(),
                            start.startTso(),
                            start.start(),
                            start.ahead()));
            steps.release();
        }

        @Override
        public TableSchema versionFor(
                TableMap map, long tso, Supplier<? extends SourcePosition> place) {
            throw new IllegalStateException("no rows are wanted");
        }

        @Override
        public Optional<SchemaChange> onQuery(
                String sql, QueryContext context, long tso, SourcePosition after) {
            if (sql.contains(STEP)) {
                steps.release();
                return Optional.empty();
            }
            try {
                tracker.onQuery(sql, context, tso, after);
            } catch (RuntimeException e) {
                problems.add("thrown: " + sql + "\n    " + e.getMessage());
            }
            return Optional.empty();
        }

        void await() throws InterruptedException {
            assertThat(steps.tryAcquire(60, TimeUnit.SECONDS)).as("%s", problems).isTrue();
        }
    }

    private static ServerAddress address(DbServer server) {
        return ServerAddress.parse(
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
    }

    @ParameterizedTest
    @EnumSource(DbServer.Flavor.class)
    void followsEachClause(DbServer.Flavor flavor) throws Exception {
        List<String> problems = Collections.synchronizedList(new ArrayList<>());
        Set<TableName> ghosts = new HashSet<>();
        int accepted = 0;
        try (DbServer server = DbServer.of(flavor).option("innodb_strict_mode", "OFF").start();
                Connection connection = server.connect();
                Connection plain = server.connect();
                Statement statement = connection.createStatement();
                Statement step = plain.createStatement();
                JdbcConnections connections = new JdbcConnections(address(server))) {
            statement.execute("SET NAMES utf8mb4");
            Fed fed = new Fed(problems);
            BufferPool pool = new BufferPool();
            BinlogCapture capture =
                    new BinlogCapture(
                            address(server),
                            connections,
                            new BinlogRowDecoder(pool, ZoneOffset.UTC),
                            fed,
                            pool,
                            new CaptureRequest(
                                    "default/grammar",
                                    0,
                                    Optional.empty(),
                                    TableFilters.parse(List.of("nosuch.*"), true),
                                    new MemoryHistory(),
                                    "UTC"),
                            new ServerIds(address(server)),
                            java.nio.file.Path.of(System.getProperty("java.io.tmpdir")));
            Thread thread =
                    Thread.ofPlatform()
                            .name("grammar")
                            .start(() -> {
                                try {
                                    capture.run(event -> {});
                                } catch (Exception e) {
                                    problems.add("capture ended: " + e);
                                }
                            });
            fed.await();
            for (String sql : statements(flavor)) {
                try {
                    statement.execute(sql);
                    accepted++;
                } catch (SQLException e) {
                    problems.add("refused: " + sql + "\n    " + e.getMessage());
                }
                step.execute(STEP);
                fed.await();
                compare(fed.tracker, plain, FILTER, sql, problems, ghosts);
            }
            capture.close();
            thread.join(10_000);
        }
        System.out.println(flavor + ": accepted " + accepted);
        assertThat(problems).isEmpty();
    }

    private static void compare(
            SchemaTracker tracker,
            Connection connection,
            TableFilter filter,
            String sql,
            List<String> problems,
            Set<TableName> ghosts)
            throws SQLException {
        SchemaSnapshot truth = SchemaSnapshot.read(connection, filter);
        truth.tables()
                .forEach((name, expected) -> {
                    Optional<List<String>> known =
                            tracker.definition(name).map(SchemaTrackerIT::facts);
                    if (!known.equals(Optional.of(SchemaTrackerIT.facts(expected)))) {
                        problems.add(
                                "differs: "
                                        + sql
                                        + "\n    "
                                        + name
                                        + " is    "
                                        + SchemaTrackerIT.facts(expected)
                                        + "\n    known "
                                        + known.map(Object::toString)
                                                .orElse(tracker.doubt(name).orElse("not at all")));
                        // Go on from the truth, so that each problem is told once.
                        tracker.putPending(expected, BinlogPosition.at("binlog.000001", 4, 0));
                    }
                });
        for (TableName name : tracker.tableNames()) {
            if (!truth.tables().containsKey(name)
                    && !truth.sequences().contains(name)
                    && ghosts.add(name)) {
                problems.add("gone: " + name + " after " + sql);
            }
        }
    }
}
