package io.millrace.mysql.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.wire.QueryContext;
import io.millrace.mysql.wire.StatementsAhead;
import io.millrace.mysql.wire.TableMap;
import io.millrace.testkit.history.MemoryHistory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The tracker on its own: a server's snapshot is given, statements and table maps follow. */
class SchemaTrackerTest {
    private static final ServerTraits MYSQL =
            new ServerTraits(
                    false,
                    80033,
                    0,
                    true,
                    "utf8mb4",
                    "utf8mb4_0900_ai_ci",
                    Map.of("utf8mb4", "utf8mb4_0900_ai_ci", "latin1", "latin1_swedish_ci"),
                    Map.of("utf8mb4", 4, "latin1", 1),
                    Map.of());

    private final MemoryHistory history = new MemoryHistory();
    private long tso;

    private SchemaTracker tracker(String... rules) {
        return SchemaTracker.forTest(
                "job",
                MYSQL,
                history,
                TableFilters.parse(rules.length == 0 ? List.of("*.*") : List.of(rules), true),
                tso,
                this::ahead);
    }

    /** Rows that come behind the latest statement. */
    private BinlogPosition place() {
        return BinlogPosition.at("binlog.000002", tso * 100, tso);
    }

    /** Statements that the stream comes to later; one at each place of a statement. */
    private final List<String> ahead = new ArrayList<>();

    private void ahead(SourcePosition from, SourcePosition until, StatementsAhead.Visitor visitor) {
        for (int i = 0; i < ahead.size(); i++) {
            visitor.statement(
                    ahead.get(i),
                    new QueryContext("db", 0, 45, 0, 1, 0),
                    BinlogPosition.at("binlog.000002", (tso + i + 1) * 100, 0));
        }
    }

    private static TableName name(String table) {
        return new TableName("db", table);
    }

    private Optional<SchemaChange> run(SchemaTracker tracker, String sql) {
        tso++;
        return tracker.onQuery(
                sql,
                new QueryContext("db", 0, 45, 0, 1, 0),
                tso,
                BinlogPosition.at("binlog.000002", tso * 100, tso));
    }

    private SchemaChange.Change one(SchemaTracker tracker, String sql) {
        SchemaChange change = run(tracker, sql).orElseThrow();
        assertThat(change.changes()).hasSize(1);
        return change.changes().getFirst();
    }

    /** A table map of INT columns without metadata. */
    private static TableMap ints(long number, String table, int columns) {
        byte[] types = new byte[columns];
        java.util.Arrays.fill(types, (byte) 3);
        byte[] nulls = new byte[(columns + 7) / 8];
        java.util.Arrays.fill(nulls, (byte) 0xFF);
        return new TableMap(
                number, name(table), types, new int[columns], nulls, new byte[0], false);
    }

    @Test
    void givesTheSameVersionUntilSomethingChanges() {
        SchemaTracker tracker = tracker();
        TableSchema created = one(tracker, "CREATE TABLE t (a INT, b INT)").after().orElseThrow();
        assertThat(tracker.versionFor(ints(1, "t", 2), tso, this::place)).isSameAs(created);
        assertThat(tracker.versionFor(ints(2, "t", 2), tso, this::place)).isSameAs(created);
        SchemaChange.Change index = one(tracker, "CREATE INDEX i ON t (a)");
        assertThat(index.kind()).isEqualTo(DdlKind.ADD_INDEX);
        assertThat(index.after()).containsSame(created);
        SchemaChange.Change added = one(tracker, "ALTER TABLE t ADD c INT FIRST");
        assertThat(added.before()).containsSame(created);
        TableSchema after = added.after().orElseThrow();
        assertThat(after.tableId()).isEqualTo(created.tableId());
        assertThat(after.version()).isGreaterThan(created.version());
        assertThat(tracker.versionFor(ints(1, "t", 3), tso, this::place)).isSameAs(after);
    }

    @Test
    void refusesRowsThatDoNotFit() {
        SchemaTracker tracker = tracker();
        run(tracker, "CREATE TABLE t (a INT, b VARCHAR(3))");
        assertThatThrownBy(() -> tracker.versionFor(ints(1, "t", 2), tso, this::place))
                .hasMessageContaining("db.t")
                .hasMessageContaining("column 2, known as b varchar(3)")
                .hasMessageContaining("binlog_row_metadata=FULL");
        assertThatThrownBy(() -> tracker.versionFor(ints(1, "t", 1), tso, this::place))
                .hasMessageContaining("1 columns");
        assertThatThrownBy(() -> tracker.versionFor(ints(1, "unknown", 1), tso, this::place))
                .hasMessageContaining("no definition of it is known");
    }

    @Test
    void parksOnlyTheTableThatItDoesNotUnderstand() {
        SchemaTracker tracker = tracker();
        run(tracker, "CREATE TABLE t (a INT)");
        run(tracker, "CREATE TABLE o (a INT)");
        SchemaChange.Change odd = one(tracker, "ALTER TABLE t ADD x SOMETYPE");
        assertThat(odd.before()).isPresent();
        assertThat(odd.after()).isEmpty();
        assertThatThrownBy(() -> tracker.versionFor(ints(1, "t", 2), tso, this::place))
                .hasMessageContaining("db.t")
                .hasMessageContaining("ALTER TABLE t ADD x SOMETYPE");
        assertThat(tracker.versionFor(ints(2, "o", 1), tso, this::place).name())
                .isEqualTo(name("o"));
        assertThatThrownBy(() -> tracker(history).versionFor(ints(1, "t", 2), tso, this::place))
                .hasMessageContaining("SOMETYPE");
        run(tracker, "CREATE OR REPLACE TABLE t (a INT, b INT)");
        assertThat(tracker.versionFor(ints(3, "t", 2), tso, this::place).columns()).hasSize(2);
    }

    private SchemaTracker tracker(MemoryHistory same) {
        assertThat(same).isSameAs(history);
        return tracker();
    }

    @Test
    void givesNewIdsToNewTables() {
        SchemaTracker tracker = tracker();
        long first = one(tracker, "CREATE TABLE t (a INT)").after().orElseThrow().tableId();
        SchemaChange.Change truncated = one(tracker, "TRUNCATE t");
        assertThat(truncated.before().orElseThrow().tableId()).isEqualTo(first);
        long second = truncated.after().orElseThrow().tableId();
        assertThat(second).isNotEqualTo(first);
        long renamed = one(tracker, "ALTER TABLE t RENAME TO u").after().orElseThrow().tableId();
        assertThat(renamed).isEqualTo(second);
        run(tracker, "DROP TABLE u");
        assertThat(one(tracker, "CREATE TABLE u (a INT)").after().orElseThrow().tableId())
                .isNotIn(first, second);
    }

    @Test
    void splitsDropsAndRenames() {
        SchemaTracker tracker = tracker("db.*", "!db.hidden");
        run(tracker, "CREATE TABLE a (x INT)");
        run(tracker, "CREATE TABLE `b``c` (y INT)");
        SchemaChange swap =
                run(tracker, "RENAME TABLE a TO tmp, `b``c` TO a, tmp TO `b``c`").orElseThrow();
        assertThat(swap.changes().stream().map(SchemaChange.Change::query))
                .containsExactly(
                        "RENAME TABLE `db`.`a` TO `db`.`tmp`",
                        "RENAME TABLE `db`.`b``c` TO `db`.`a`",
                        "RENAME TABLE `db`.`tmp` TO `db`.`b``c`");
        assertThat(swap.changes().get(1).after().orElseThrow().column(0).name()).isEqualTo("y");
        assertThat(swap.changes().get(2).after().orElseThrow().column(0).name()).isEqualTo("x");
        SchemaChange dropped = run(tracker, "DROP TABLE IF EXISTS a, hidden, `b``c`").orElseThrow();
        assertThat(dropped.changes().stream().map(SchemaChange.Change::query))
                .containsExactly(
                        "DROP TABLE IF EXISTS `db`.`a`", "DROP TABLE IF EXISTS `db`.`b``c`");
        assertThat(run(tracker, "CREATE TABLE hidden (a INT)")).isEmpty();
        assertThat(run(tracker, "GRANT ALL ON *.* TO x")).isEmpty();
    }

    @Test
    void bareNamesOfAnotherDatabaseAreWrittenInFull() {
        SchemaTracker tracker = tracker("*.*");
        run(tracker, "CREATE TABLE other.t (x INT) PARTITION BY HASH (x)");
        run(tracker, "CREATE TABLE plain (x INT)");
        assertThat(
                        one(
                                        tracker,
                                        "ALTER TABLE other.t EXCHANGE PARTITION p0 WITH TABLE plain"
                                                + " WITHOUT VALIDATION")
                                .query())
                .isEqualTo(
                        "ALTER TABLE `other`.`t` EXCHANGE PARTITION `p0` WITH TABLE `db`.`plain`"
                                + " WITHOUT VALIDATION");
        assertThat(one(tracker, "RENAME TABLE plain TO other.u").query())
                .isEqualTo("RENAME TABLE `db`.`plain` TO `other`.`u`");
        assertThat(one(tracker, "RENAME TABLE other.u TO v").query())
                .isEqualTo("RENAME TABLE other.u TO v");
    }

    @Test
    void namesWhatWasDone() {
        SchemaTracker tracker = tracker();
        run(tracker, "CREATE TABLE t (a INT NOT NULL, b INT)");
        Map<String, DdlKind> kinds =
                new java.util.LinkedHashMap<>(
                        Map.of("ALTER TABLE t ADD PRIMARY KEY (a)", DdlKind.ADD_PRIMARY_KEY));
        kinds.put("ALTER TABLE t ADD c INT, ADD d INT", DdlKind.MULTI_SCHEMA_CHANGE);
        kinds.put("ALTER TABLE t COMMENT 'x'", DdlKind.TABLE_COMMENT);
        kinds.put("ALTER TABLE t DROP COLUMN d, ALGORITHM=INPLACE", DdlKind.DROP_COLUMN);
        kinds.put("ALTER TABLE t ENGINE=InnoDB", DdlKind.ALTER_TABLE);
        kinds.put("ALTER TABLE t TRUNCATE PARTITION p0", DdlKind.TRUNCATE_PARTITION);
        kinds.put("ALTER TABLE t DEFAULT CHARSET latin1", DdlKind.TABLE_CHARSET);
        kinds.put("ALTER TABLE t ALTER b SET DEFAULT 5", DdlKind.SET_DEFAULT);
        kinds.put("CREATE DATABASE x", DdlKind.CREATE_SCHEMA);
        kinds.put("CREATE VIEW v AS SELECT 1", DdlKind.CREATE_VIEW);
        kinds.put("DROP VIEW v", DdlKind.DROP_VIEW);
        kinds.put("DROP DATABASE x", DdlKind.DROP_SCHEMA);
        kinds.forEach((sql, kind) -> assertThat(one(tracker, sql).kind()).as(sql).isEqualTo(kind));
    }

    @Test
    void replaysTheSameVersionsAfterARestart() {
        SchemaTracker tracker = tracker();
        run(tracker, "CREATE TABLE t (a INT)");
        long floor = tso;
        TableSchema altered = one(tracker, "ALTER TABLE t ADD b INT").after().orElseThrow();
        TableSchema made = one(tracker, "CREATE TABLE u (a INT)").after().orElseThrow();
        int recorded = history.load().size();
        tso = floor;
        SchemaTracker again = tracker();
        assertThat(again.tableNames()).isEqualTo(Set.of(name("t")));
        assertThat(again.versionFor(ints(1, "t", 1), tso, this::place).columns()).hasSize(1);
        TableSchema alteredAgain = one(again, "ALTER TABLE t ADD b INT").after().orElseThrow();
        TableSchema madeAgain = one(again, "CREATE TABLE u (a INT)").after().orElseThrow();
        assertThat(alteredAgain.toString()).isEqualTo(altered.toString());
        assertThat(alteredAgain.columns()).isEqualTo(altered.columns());
        assertThat(madeAgain.toString()).isEqualTo(made.toString());
        assertThat(history.load()).hasSize(recorded);
    }

    @Test
    void usesASnapshotFromTheFutureOnlyWhileNothingContradictsIt() {
        SchemaTracker tracker = tracker();
        TableDefinition now =
                new DefinitionChanges(MYSQL)
                        .create(
                                (DdlStatement.CreateTable)
                                        DdlParser.parse(
                                                "CREATE TABLE t (a INT, b INT)",
                                                false,
                                                80033,
                                                0,
                                                "db"),
                                new DefinitionChanges.Text("utf8mb4", "utf8mb4_0900_ai_ci"));
        tracker.putPending(now, BinlogPosition.at("binlog.000002", 1000, 0));
        assertThat(one(tracker, "CREATE INDEX i ON t (a)").before()).isEmpty();
        assertThat(tracker.versionFor(ints(1, "t", 2), tso, this::place).columns()).hasSize(2);
        assertThatThrownBy(() -> run(tracker, "ALTER TABLE t CHANGE b c INT"))
                .hasMessageContaining("db.t")
                .hasMessageContaining("ALTER TABLE t CHANGE b c INT")
                .hasMessageContaining("may carry wrong columns");
        tso = 20;
        SchemaChange.Change later = one(tracker, "ALTER TABLE t ADD c INT");
        assertThat(later.before().orElseThrow().columns()).hasSize(2);
        assertThat(later.after().orElseThrow().columns()).hasSize(3);
    }

    private static final ServerTraits MARIADB =
            new ServerTraits(
                    true,
                    110405,
                    0,
                    true,
                    "utf8mb4",
                    "utf8mb4_general_ci",
                    Map.of(
                            "utf8mb4",
                            "utf8mb4_general_ci",
                            "utf8mb3",
                            "utf8mb3_general_ci",
                            "latin1",
                            "latin1_swedish_ci"),
                    Map.of("utf8mb4", 4, "utf8mb3", 3, "latin1", 1),
                    Map.of());

    private SchemaTracker mariaDb() {
        return SchemaTracker.forTest(
                "job",
                MARIADB,
                history,
                TableFilters.parse(List.of("*.*"), true),
                tso,
                this::ahead);
    }

    /** A column of an event with full metadata. */
    private record Told(String name, int type, int meta, int collation) {}

    private static TableMap told(String table, Told... columns) {
        byte[] types = new byte[columns.length];
        int[] metas = new int[columns.length];
        byte[] nulls = new byte[(columns.length + 7) / 8];
        java.util.Arrays.fill(nulls, (byte) 0xFF);
        java.io.ByteArrayOutputStream names = new java.io.ByteArrayOutputStream();
        java.io.ByteArrayOutputStream collations = new java.io.ByteArrayOutputStream();
        for (int i = 0; i < columns.length; i++) {
            types[i] = (byte) columns[i].type;
            metas[i] = columns[i].meta;
            names.write(columns[i].name.length());
            names.writeBytes(columns[i].name.getBytes(java.nio.charset.StandardCharsets.UTF_8));
            if (columns[i].collation > 0) {
                collations.write(columns[i].collation);
            }
        }
        java.io.ByteArrayOutputStream metadata = new java.io.ByteArrayOutputStream();
        metadata.write(3);
        metadata.write(collations.size());
        metadata.writeBytes(collations.toByteArray());
        metadata.write(4);
        metadata.write(names.size());
        metadata.writeBytes(names.toByteArray());
        return new TableMap(1, name(table), types, metas, nulls, metadata.toByteArray(), true);
    }

    private static final Told INT = new Told("a", 3, 0, 0);
    private static final Told SIXTEEN_BYTES = new Told("u", 254, 0xFE10, 63);

    private static TableDefinition defined(ServerTraits traits, String sql) {
        return new DefinitionChanges(traits)
                .create(
                        (DdlStatement.CreateTable)
                                DdlParser.parse(sql, traits.mariaDb(), traits.version(), 0, "db"),
                        new DefinitionChanges.Text("utf8mb4", traits.serverCollation()));
    }

    private static List<String> names(TableSchema schema) {
        return schema.columns().stream().map(io.millrace.core.model.Column::name).toList();
    }

    /** The orders are those of MySQL 8.0.33 and MariaDB 11.4.5. */
    @Test
    void movesColumnsAfterAllHaveTheirNewNames() {
        Map<String, List<String>> orders =
                Map.of(
                        "CHANGE a x INT AFTER y, CHANGE c y INT FIRST",
                        List.of("y", "b", "x", "d"),
                        "MODIFY d INT FIRST, MODIFY b INT AFTER d, ADD n INT AFTER b,"
                                + " MODIFY a INT AFTER n",
                        List.of("d", "b", "n", "a", "c"),
                        "ADD n INT AFTER z, CHANGE c z INT AFTER a",
                        List.of("a", "z", "b", "n", "d"),
                        "RENAME COLUMN b TO q, MODIFY d INT AFTER q",
                        List.of("a", "q", "d", "c"),
                        "CHANGE c x INT AFTER a, MODIFY a INT AFTER d, MODIFY b INT AFTER x",
                        List.of("x", "b", "d", "a"));
        orders.forEach((actions, expected) -> {
            SchemaTracker tracker = tracker();
            run(tracker, "CREATE OR REPLACE TABLE t (a INT, b INT, c INT, d INT)");
            assertThat(names(one(tracker, "ALTER TABLE t " + actions).after().orElseThrow()))
                    .as(actions)
                    .isEqualTo(expected);
        });
    }

    /** The outcomes are those of MySQL 8.0.33 and MariaDB 11.4.5. */
    @Test
    void convertsColumnsByOneClauseAndTheTableByAnother() {
        Map<String, List<String>> outcomes =
                Map.of(
                        "CONVERT TO CHARACTER SET utf8mb4, COLLATE utf8mb4_bin",
                        List.of("utf8mb4_bin utf8mb4_0900_ai_ci", "utf8mb4_bin utf8mb4_general_ci"),
                        "DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin, ADD d INT,"
                                + " CONVERT TO CHARACTER SET utf8mb4",
                        List.of(
                                "utf8mb4_0900_ai_ci utf8mb4_0900_ai_ci",
                                "utf8mb4_bin utf8mb4_general_ci"),
                        "CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, ADD d INT,"
                                + " DEFAULT CHARSET utf8mb4",
                        List.of("utf8mb4_bin utf8mb4_bin", "utf8mb4_general_ci utf8mb4_bin"));
        outcomes.forEach((actions, expected) -> {
            assertThat(converted(tracker(), actions)).as(actions).isEqualTo(expected.getFirst());
            assertThat(converted(mariaDb(), actions)).as(actions).isEqualTo(expected.getLast());
        });
        assertThat(
                        converted(
                                mariaDb(),
                                "DEFAULT CHARSET utf8mb3, CONVERT TO CHARACTER SET utf8mb4"))
                .isEqualTo("utf8mb3_general_ci utf8mb4_general_ci");
    }

    private String converted(SchemaTracker tracker, String actions) {
        run(tracker, "CREATE OR REPLACE TABLE t (a VARCHAR(5)) CHARSET latin1");
        run(tracker, "ALTER TABLE t " + actions + ", ADD c VARCHAR(4)");
        TableDefinition table = tracker.definition(name("t")).orElseThrow();
        assertThat(table.columns().getLast().collation())
                .isEqualTo(table.columns().getFirst().collation());
        return table.collation() + " " + table.columns().getFirst().collation();
    }

    @Test
    void hidesTheHashColumnsOfMariaDbThatOnlyTheEventShows() {
        SchemaTracker tracker = mariaDb();
        run(tracker, "CREATE TABLE t (b INT)");
        TableSchema schema =
                tracker.versionFor(
                        told(
                                "t",
                                INT,
                                new Told("DB_ROW_HASH_1", 8, 0, 0),
                                new Told("DB_ROW_HASH_2", 8, 0, 0)),
                        tso,
                        this::place);
        assertThat(names(schema)).containsExactly("a", "DB_ROW_HASH_1", "DB_ROW_HASH_2");
        assertThat(schema.columns().stream().map(io.millrace.core.model.Column::invisible))
                .containsExactly(false, true, true);
        assertThat(schema.column(2).generated())
                .isEqualTo(io.millrace.core.model.Column.Generated.VIRTUAL);
    }

    @Test
    void takesTheKindThatTheEventLeavesOpenFromTheTrackedDefinition() {
        SchemaTracker tracker = mariaDb();
        run(tracker, "CREATE TABLE t (b INT, u UUID)");
        TableSchema schema = tracker.versionFor(told("t", INT, SIXTEEN_BYTES), tso, this::place);
        assertThat(schema.column(1).kind()).isEqualTo(io.millrace.core.model.ColumnKind.UUID);
    }

    @Test
    void saysSoWhenAKindThatWasReadTooEarlyIsChanged() {
        SchemaTracker tracker = mariaDb();
        tracker.putPending(
                defined(MARIADB, "CREATE TABLE t (a INT, u UUID)"),
                BinlogPosition.at("binlog.000002", 1000, 0));
        TableSchema early = tracker.versionFor(told("t", INT, SIXTEEN_BYTES), tso, this::place);
        assertThat(early.column(1).kind()).isEqualTo(io.millrace.core.model.ColumnKind.UUID);
        SchemaTracker again = mariaDb();
        run(again, "ALTER TABLE t MODIFY a INT NOT NULL");
        assertThatThrownBy(() -> run(again, "ALTER TABLE t MODIFY u UUID"))
                .hasMessageContaining("may carry wrong columns");
        tso = 20;
        assertThat(run(tracker, "ALTER TABLE t MODIFY u UUID NOT NULL")).isPresent();
    }

    @Test
    void saysSoWhenATableThatWasReadTooEarlyIsDropped() {
        for (String sql :
                List.of(
                        "DROP TABLE t",
                        "RENAME TABLE t TO u",
                        "DROP DATABASE db",
                        "ALTER TABLE t ADD x SOMETYPE")) {
            tso = 0;
            SchemaTracker tracker = tracker();
            tracker.putPending(
                    defined(MYSQL, "CREATE TABLE t (a INT, b INT)"),
                    BinlogPosition.at("binlog.000002", 1000, 0));
            tracker.versionFor(ints(1, "t", 2), tso, this::place);
            assertThatThrownBy(() -> run(tracker, sql))
                    .as(sql)
                    .hasMessageContaining("may carry wrong columns");
        }
    }

    @Test
    void choosesADefinitionOnlyWhereStatementsAheadLeaveNoOther() {
        history.append(
                List.of(
                        new SchemaHistory.Entry(
                                0,
                                HistoryDocuments.write(
                                        new HistoryDocuments.Document.Filter(
                                                "another",
                                                Optional.of(
                                                        BinlogPosition.at("binlog.000002", 1000, 0)
                                                                .encode()))))));
        SchemaTracker tracker = tracker();
        for (String sql :
                List.of(
                        "CREATE TABLE t (b INT, a INT)",
                        "CREATE TABLE s (a INT, c INT, b INT)",
                        "CREATE TABLE v (a INT, b INT, c INT)")) {
            tracker.putPending(defined(MYSQL, sql), BinlogPosition.at("binlog.000002", 1000, 0));
        }
        run(tracker, "CREATE TABLE IF NOT EXISTS t (a INT, b INT)");
        run(tracker, "CREATE TABLE IF NOT EXISTS s (c INT, b INT)");
        run(tracker, "CREATE TABLE IF NOT EXISTS v (x INT, y INT, z INT)");
        ahead.add("ALTER TABLE t MODIFY b INT FIRST");
        ahead.add("ALTER TABLE s ADD a INT FIRST");
        SchemaTracker again = tracker();
        // The table may have been (b, a) before the CREATE TABLE IF NOT EXISTS.
        assertThatThrownBy(() -> again.versionFor(ints(1, "t", 2), tso, this::place))
                .hasMessageContaining("db.t")
                .hasMessageContaining("ALTER TABLE t MODIFY");
        assertThat(names(again.versionFor(ints(2, "s", 2), tso, this::place)))
                .containsExactly("c", "b");
        // Nothing is ahead, so the snapshot's it is.
        assertThat(names(again.versionFor(ints(3, "v", 3), tso, this::place)))
                .containsExactly("a", "b", "c");
    }

    @Test
    void readsNoRowByADefinitionThatIsChangedAhead() {
        for (String sql :
                List.of(
                        "ALTER TABLE t MODIFY b INT FIRST",
                        "ALTER TABLE t ADD UNIQUE (a)",
                        "ALTER TABLE t RENAME TO u",
                        "ALTER TABLE u RENAME TO t",
                        "RENAME TABLE x TO t",
                        "RENAME TABLE t TO x",
                        "DROP TABLE x, t",
                        "CREATE TABLE t (a INT, b INT)",
                        "DROP DATABASE db",
                        "CREATE DATABASE db",
                        "ALTER TABLE t ADD x SOMETYPE",
                        "ALTER TABLE")) {
            tso = 1;
            ahead.clear();
            ahead.add(sql);
            SchemaTracker tracker = tracker();
            for (String table : List.of("t", "o")) {
                tracker.putPending(
                        defined(MYSQL, "CREATE TABLE " + table + " (a INT, b INT)"),
                        BinlogPosition.at("binlog.000002", 1000, 0));
            }
            if (!sql.endsWith("DATABASE db") && !sql.equals("ALTER TABLE")) {
                tracker.versionFor(ints(2, "o", 2), tso, this::place);
            }
            assertThatThrownBy(() -> tracker.versionFor(ints(1, "t", 2), tso, this::place))
                    .as(sql)
                    .hasMessageContaining("db.t")
                    .hasMessageContaining(sql);
            tso = 2;
            assertThat(tracker.versionFor(ints(1, "t", 2), tso, this::place).columns()).hasSize(2);
        }
    }

    @Test
    void goesOnWhenStatementsAheadChangeNoDefinition() {
        for (String sql :
                List.of(
                        "ALTER TABLE t ADD INDEX (a), ENGINE=InnoDB, ALTER a SET DEFAULT 3",
                        "ALTER TABLE x MODIFY b INT FIRST",
                        "CREATE TABLE IF NOT EXISTS t (b INT, a INT)",
                        "CREATE TEMPORARY TABLE t (b INT, a INT)",
                        "DROP TEMPORARY TABLE t",
                        "TRUNCATE TABLE t",
                        "ALTER DATABASE db CHARACTER SET latin1",
                        "DROP DATABASE other",
                        "GRANT ALL ON db.t TO u")) {
            ahead.clear();
            ahead.add(sql);
            SchemaTracker tracker = tracker();
            tracker.putPending(
                    defined(MYSQL, "CREATE TABLE t (a INT, b INT)"),
                    BinlogPosition.at("binlog.000002", 1000, 0));
            assertThat(names(tracker.versionFor(ints(1, "t", 2), tso, this::place)))
                    .as(sql)
                    .containsExactly("a", "b");
        }
    }

    @Test
    void createTableIfNotExistsMadeTheTableWhenItWasNotKnownBefore() {
        run(tracker(), "CREATE TABLE o (a INT)");
        SchemaTracker tracker = tracker();
        tracker.takeAtStart(
                defined(MYSQL, "CREATE TABLE t (c INT, a INT)"),
                BinlogPosition.at("binlog.000002", 1000, 0));
        SchemaChange.Change made = one(tracker, "CREATE TABLE IF NOT EXISTS t (a INT, b INT)");
        assertThat(names(made.after().orElseThrow())).containsExactly("a", "b");
        ahead.add("ALTER TABLE t CHANGE b c INT FIRST");
        assertThat(tracker.versionFor(ints(1, "t", 2), tso, this::place))
                .isSameAs(made.after().orElseThrow());
        TableSchema changed =
                one(tracker, "ALTER TABLE t CHANGE b c INT FIRST").after().orElseThrow();
        assertThat(names(changed)).containsExactly("c", "a");
        assertThat(changed.version()).isGreaterThan(made.after().orElseThrow().version());
    }

    @Test
    void givesTheSameVersionsAtTheThirdStartToo() {
        long floor = tso;
        BinlogPosition place = BinlogPosition.at("binlog.000002", 100_000, 0);
        TableDefinition now = defined(MYSQL, "CREATE TABLE t (b INT, a INT)");
        SchemaTracker first = tracker();
        TableSchema made = one(first, "CREATE TABLE t (a INT)").after().orElseThrow();
        long behindCreate = tso;
        TableSchema altered = one(first, "ALTER TABLE t ADD b INT FIRST").after().orElseThrow();
        for (int start = 2; start < 5; start++) {
            tso = floor;
            SchemaTracker again = tracker();
            again.takeAtStart(now, place);
            assertThat(one(again, "CREATE TABLE t (a INT)").after().orElseThrow().toString())
                    .isEqualTo(made.toString());
        }
        tso = behindCreate;
        SchemaTracker last = tracker();
        last.takeAtStart(now, place);
        TableSchema seen = last.versionFor(ints(1, "t", 1), tso, this::place);
        assertThat(seen.toString()).isEqualTo(made.toString());
        assertThat(names(seen)).containsExactly("a");
        TableSchema again = one(last, "ALTER TABLE t ADD b INT FIRST").after().orElseThrow();
        assertThat(again.toString()).isEqualTo(altered.toString());
    }

    @Test
    void goesByTheTimeThatEntriesAreOfNotByTheirOrder() {
        long floor = tso;
        SchemaTracker first = tracker();
        run(first, "CREATE TABLE t (a INT)");
        TableSchema altered = one(first, "ALTER TABLE t ADD b INT").after().orElseThrow();
        // As one that was left by a snapshot of a second start.
        history.append(
                List.of(
                        new SchemaHistory.Entry(
                                floor,
                                HistoryDocuments.write(
                                        new HistoryDocuments.Document.Table(
                                                name("t"),
                                                77,
                                                1,
                                                Optional.of(
                                                        defined(
                                                                MYSQL,
                                                                "CREATE TABLE t (x INT, y INT)")),
                                                Optional.empty(),
                                                Optional.of(place().encode()),
                                                Optional.empty(),
                                                Optional.empty())))));
        assertThat(tracker().versionFor(ints(1, "t", 2), tso, this::place).toString())
                .isEqualTo(altered.toString());
    }

    @Test
    void addsTheKeyBesideAColumnThatIsThereAlready() {
        SchemaTracker tracker = mariaDb();
        run(tracker, "CREATE TABLE t (a INT, b INT)");
        run(tracker, "ALTER TABLE t ADD IF NOT EXISTS a INT UNIQUE, MODIFY IF EXISTS c INT UNIQUE");
        run(tracker, "ALTER TABLE t ADD IF NOT EXISTS a INT UNIQUE");
        assertThat(tracker.definition(name("t")).orElseThrow().keys())
                .containsExactly(
                        new KeyDefinition(
                                "a",
                                KeyDefinition.Kind.UNIQUE,
                                List.of(new KeyDefinition.Part("a", 0)),
                                false));
    }

    /** The prefixes are what MySQL 8.0.33 and MariaDB 11.4.5 show. */
    @Test
    void keepsTheIndexedLengthWhereANewColumnTakesThePlace() {
        SchemaTracker tracker = tracker();
        run(tracker, "CREATE TABLE t (a BIGINT UNIQUE, b DECIMAL(30,2) UNIQUE, c INT UNIQUE)");
        run(tracker, "ALTER TABLE t MODIFY a TEXT GENERATED ALWAYS AS (1) STORED");
        run(tracker, "ALTER TABLE t CHANGE b d TEXT, ADD b VARCHAR(30) FIRST");
        run(tracker, "ALTER TABLE t MODIFY c BIGINT GENERATED ALWAYS AS (1) STORED");
        assertThat(
                        tracker.definition(name("t")).orElseThrow().keys().stream()
                                .flatMap(k -> k.parts().stream()))
                .containsExactlyInAnyOrder(
                        new KeyDefinition.Part("a", 8),
                        new KeyDefinition.Part("b", 14),
                        new KeyDefinition.Part("c", 0));
    }

    @Test
    void refusesRowsOfSystemVersionedTables() {
        SchemaTracker tracker = mariaDb();
        run(tracker, "CREATE TABLE t (a INT) WITH SYSTEM VERSIONING");
        TableMap map =
                told("t", INT, new Told("row_start", 17, 6, 0), new Told("row_end", 17, 6, 0));
        assertThatThrownBy(() -> tracker.versionFor(map, tso, this::place))
                .hasMessageContaining("db.t is system-versioned");
        run(tracker, "ALTER TABLE t DROP SYSTEM VERSIONING");
        assertThat(names(tracker.versionFor(told("t", INT), tso, this::place)))
                .containsExactly("a");
    }

    @Test
    void convertsBetweenPartitionsAndTables() {
        SchemaTracker tracker = mariaDb();
        run(tracker, "CREATE TABLE t (a INT PRIMARY KEY) PARTITION BY HASH (a)");
        run(tracker, "ALTER TABLE t CONVERT PARTITION p0 TO TABLE u");
        assertThat(names(tracker.versionFor(ints(1, "u", 1), tso, this::place)))
                .containsExactly("a");
        run(tracker, "ALTER TABLE t CONVERT TABLE u TO PARTITION p0 VALUES IN (1)");
        assertThat(tracker.tableNames()).containsExactly(name("t"));
        run(tracker, "RENAME TABLE IF EXISTS nosuch TO other, t TO t2");
        assertThat(tracker.tableNames()).containsExactly(name("t2"));
    }

    @Test
    void stripsWhatNoClientMaySend() {
        SchemaTracker tracker = tracker();
        assertThat(one(tracker, "CREATE TABLE `t` (`a` int) START TRANSACTION").query())
                .isEqualTo("CREATE TABLE `t` (`a` int) ");
    }

    @Test
    void findsTheInvisibleKeyThatMySqlMakes() {
        SchemaTracker tracker = tracker();
        run(tracker, "CREATE TABLE t (a INT)");
        TableMap map =
                new TableMap(
                        1,
                        name("t"),
                        new byte[] {8, 3},
                        new int[2],
                        new byte[] {2},
                        new byte[0],
                        false);
        TableSchema schema = tracker.versionFor(map, tso, this::place);
        assertThat(schema.column(0).name()).isEqualTo("my_row_id");
        assertThat(schema.column(0).invisible()).isTrue();
        assertThat(schema.handleKey()).containsExactly(0);
    }
}
