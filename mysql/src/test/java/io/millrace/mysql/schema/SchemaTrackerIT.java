package io.millrace.mysql.schema;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Column;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.wire.ControlConnections;
import io.millrace.mysql.wire.QueryContext;
import io.millrace.mysql.wire.TableVersions;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.servers.DbServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The tracked definitions against what real servers say they are. */
class SchemaTrackerIT {
    private static final int STATEMENTS = Integer.getInteger("millrace.ddl.statements", 800);

    /**
     * The same in every run, so that a red build means a change; {@code -Dmillrace.ddl.seed} tries
     * others.
     */
    private static final long SEED = Long.getLong("millrace.ddl.seed", 13857327);

    private static ControlConnections connections(DbServer server) {
        return () -> {
            try {
                Connection connection = server.connect();
                try (Statement statement = connection.createStatement()) {
                    statement.execute("SET NAMES utf8mb4");
                }
                return connection;
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        };
    }

    private static SourcePosition far(int n) {
        return BinlogPosition.at("zzz.999999", 4L + n, n);
    }

    private static SchemaTracker started(DbServer server, SchemaHistory history, long tso) {
        SchemaTracker tracker = new SchemaTracker();
        tracker.start(
                new TableVersions.Start(
                        "test",
                        server.flavor() == DbServer.Flavor.MARIADB,
                        history,
                        TableFilter.all(),
                        connections(server),
                        tso,
                        BinlogPosition.at("binlog.000001", 4, tso),
                        (from, until, visitor) -> {}));
        return tracker;
    }

    /** What is compared of a table: everything that rows and sinks depend on. */
    static List<String> facts(TableDefinition table) {
        List<String> out = new ArrayList<>();
        for (Column c : table.columns()) {
            out.add(
                    String.join(
                            " ",
                            c.name(),
                            c.kind().name(),
                            c.typeText(),
                            c.nullable() ? "null" : "not null",
                            "length=" + c.length(),
                            "scale=" + c.scale(),
                            c.unsigned() ? "unsigned" : "",
                            c.charset(),
                            c.collation(),
                            c.elements().toString(),
                            c.generated().name(),
                            c.invisible() ? "invisible" : ""));
        }
        TreeSet<String> keys = new TreeSet<>();
        for (KeyDefinition key : table.keys()) {
            if (key.kind() != KeyDefinition.Kind.PLAIN) {
                keys.add(key.kind() + " " + key.name() + " " + key.parts());
            }
        }
        out.addAll(keys);
        out.add("default " + table.charset() + " " + table.collation());
        return out;
    }

    @ParameterizedTest
    @EnumSource(DbServer.Flavor.class)
    void followsRandomDdl(DbServer.Flavor flavor) throws SQLException {
        Random random = new Random(SEED);
        boolean mariaDb = flavor == DbServer.Flavor.MARIADB;
        try (DbServer server = DbServer.of(flavor).option("innodb_strict_mode", "OFF").start();
                Connection connection = connections(server).open()) {
            server.execute("CREATE DATABASE ddl", "CREATE TABLE ddl.seedling (a INT)");
            MemoryHistory history = new MemoryHistory();
            SchemaTracker tracker = started(server, history, 0);
            RandomDdl ddl = new RandomDdl(random, mariaDb, "ddl");
            Map<Integer, Integer> rejected = new TreeMap<>();
            int accepted = 0;
            try (Statement statement = connection.createStatement()) {
                statement.execute("USE ddl");
                Map<TableName, TableDefinition> truth =
                        SchemaSnapshot.read(connection, TableFilter.all()).tables();
                for (int i = 1; i <= STATEMENTS; i++) {
                    String sql = ddl.statement(byName(truth));
                    String where = "seed " + SEED + " statement " + i + ": " + sql;
                    try {
                        statement.execute(sql);
                        accepted++;
                    } catch (SQLException e) {
                        rejected.merge(e.getErrorCode(), 1, Integer::sum);
                        // MariaDB drops the old table before it finds that the new one is wrong,
                        // and the tables that exist before it misses another; it writes such drops
                        // to the binlog.
                        Map<TableName, TableDefinition> left =
                                SchemaSnapshot.read(connection, TableFilter.all()).tables();
                        List<TableName> gone = new ArrayList<>(truth.keySet());
                        gone.removeAll(left.keySet());
                        if (gone.isEmpty()) {
                            continue;
                        }
                        sql =
                                "DROP TABLE IF EXISTS `ddl`.`"
                                        + gone.getFirst().table()
                                        + "` /* generated by server */";
                    }
                    tracker.onQuery(sql, new QueryContext("ddl", 0, 45, 0, 1, 0), i, far(i));
                    truth = SchemaSnapshot.read(connection, TableFilter.all()).tables();
                    compare(tracker, truth, where);
                    if (i % 200 == 0) {
                        tracker = started(server, history, i);
                        compare(tracker, truth, "restarted after " + where);
                    }
                }
            }
            System.out.println(
                    flavor + " seed " + SEED + ": accepted " + accepted + " rejected " + rejected);
            assertThat(accepted).isGreaterThan(STATEMENTS / 4);
        }
    }

    private static TreeMap<TableName, TableDefinition> byName(
            Map<TableName, TableDefinition> tables) {
        TreeMap<TableName, TableDefinition> out =
                new TreeMap<>(java.util.Comparator.comparing(TableName::toString));
        out.putAll(tables);
        return out;
    }

    private static void compare(
            SchemaTracker tracker, Map<TableName, TableDefinition> truth, String where) {
        truth.forEach((name, expected) ->
                assertThat(
                                tracker.definition(name)
                                        .map(SchemaTrackerIT::visible)
                                        .map(SchemaTrackerIT::facts))
                        .as("%s: %s (%s)", where, name, tracker.doubt(name))
                        .contains(facts(visible(expected))));
        assertThat(tracker.tableNames()).as(where).isEqualTo(truth.keySet());
    }

    /**
     * Without the columns that information_schema doesn't show; rows of such tables are refused.
     */
    private static TableDefinition visible(TableDefinition table) {
        List<Column> columns = new ArrayList<>(table.columns());
        columns.removeIf(
                c -> c.invisible() && (c.name().equals("row_start") || c.name().equals("row_end")));
        return new TableDefinition(
                table.name(), table.charset(), table.collation(), columns, table.keys());
    }

    static String showCreate(Connection connection, TableName name) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SHOW CREATE TABLE `"
                                        + name.schema()
                                        + "`.`"
                                        + name.table().replace("`", "``")
                                        + "`")) {
            row.next();
            return row.getString(2);
        }
    }
}
