package io.millrace.mysql.sink;

import static io.millrace.testkit.rows.TestRowBatch.delete;
import static io.millrace.testkit.rows.TestRowBatch.insert;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static io.millrace.testkit.rows.TestRowBatch.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestPosition;
import io.millrace.testkit.rows.TestRowBatch;
import io.millrace.testkit.servers.DbServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What the sink does on a real server, the same on every flavour. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SinkContract {
    /** The first run's safe mode ends here: later transactions are written plainly. */
    static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    static final Clock CLOCK = Clock.fixed(START, ZoneOffset.UTC);

    /** A TSO in the first run's safe range. */
    static final long OLD = Tso.of(START.toEpochMilli() - 60_000, 0);

    /** A TSO behind it. */
    static final long NEW = Tso.of(START.toEpochMilli() + 600_000, 0);

    DbServer server;
    private int jobs;
    String job = "";

    abstract DbServer startServer();

    @BeforeAll
    void startTarget() {
        server = startServer();
    }

    @AfterAll
    void stopTarget() {
        server.close();
    }

    @BeforeEach
    void freshDatabase() {
        job = "default/job" + jobs++;
        server.execute("DROP DATABASE IF EXISTS d", "CREATE DATABASE d CHARACTER SET utf8mb4");
    }

    String uri(String parameters) {
        return "mysql://"
                + server.rootUser()
                + ":"
                + server.rootPassword()
                + "@127.0.0.1:"
                + server.port()
                + "/?"
                + parameters;
    }

    SinkDriver open(String parameters) {
        return new SinkDriver(uri(parameters), job, CLOCK);
    }

    static Column notNull(String name, ColumnKind kind) {
        Column c = Column.of(name, kind);
        return new Column(
                c.name(),
                c.kind(),
                c.typeText(),
                c.unsigned(),
                false,
                c.length(),
                c.scale(),
                c.charset(),
                c.collation(),
                c.elements(),
                c.generated(),
                c.invisible(),
                c.defaultValue());
    }

    static TableSchema table(String name, List<Column> columns, TableSchema.Key... keys) {
        return new TableSchema(1, 1, new TableName("d", name), columns, List.of(keys));
    }

    static TableSchema.Key primary(Integer... columns) {
        return new TableSchema.Key("PRIMARY", true, List.of(columns));
    }

    static TableSchema.Key unique(String name, Integer... columns) {
        return new TableSchema.Key(name, false, List.of(columns));
    }

    /** All rows as text, cells joined by a bar, in the order of the first column. */
    List<String> rows(String sql) throws Exception {
        List<String> out = new ArrayList<>();
        try (Connection c = server.connect();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery(sql)) {
            int n = r.getMetaData().getColumnCount();
            while (r.next()) {
                StringBuilder line = new StringBuilder();
                for (int i = 1; i <= n; i++) {
                    line.append(i == 1 ? "" : "|").append(r.getString(i));
                }
                out.add(line.toString());
            }
        }
        return out;
    }

    static final TableSchema KV =
            table(
                    "kv",
                    List.of(
                            notNull("id", ColumnKind.BIGINT),
                            Column.of("u", ColumnKind.VARCHAR),
                            Column.of("v", ColumnKind.VARCHAR)),
                    primary(0),
                    unique("u", 1));

    void createKv() {
        server.execute(
                "CREATE TABLE d.kv (id BIGINT PRIMARY KEY, u VARCHAR(40), v VARCHAR(40), UNIQUE KEY"
                        + " u(u)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
    }

    @Test
    void writesInsertsUpdatesAndDeletesInOrder() throws Exception {
        createKv();
        for (long tso : new long[] {OLD, NEW}) {
            server.execute("DELETE FROM d.kv");
            try (SinkDriver sink = open("worker-count=4")) {
                sink.offer(insert(KV, tso, 0, false, row(1, "a", "x"), row(2, "b", "it's \\ ok")));
                sink.offer(
                        update(
                                KV,
                                tso,
                                1,
                                false,
                                row(1, "a", "x"),
                                row(1, "a", "y\u0000 \"q\" é 🎉")));
                sink.offer(delete(KV, tso, 2, false, row(2, "b", "it's \\ ok")));
                sink.offer(insert(KV, tso, 3, true, row(3, null, null)));
                sink.drain();
            }
            assertThat(rows("SELECT * FROM d.kv ORDER BY id"))
                    .containsExactly("1|a|y\u0000 \"q\" é 🎉", "3|null|null");
            job = job + "x";
        }
    }

    @Test
    void recordsWhatItCommits() throws Exception {
        createKv();
        try (SinkDriver sink = open("worker-count=2")) {
            sink.offer(insert(KV, NEW, 0, true, row(1, "a", "x"), row(2, "b", "y")));
            sink.drain();
            assertThat(sink.metrics.value(SinkMetric.TXN_WORKER_HANDLED_ROWS)).isEqualTo(2);
            for (SinkMetric metric :
                    List.of(
                            SinkMetric.TXN_WORKER_FLUSH_DURATION,
                            SinkMetric.TXN_DML_BATCH_COMMIT,
                            SinkMetric.BATCH_ROW_COUNT)) {
                assertThat(Objects.requireNonNull(sink.metrics.histogram(metric)).isEmpty())
                        .as("%s", metric)
                        .isFalse();
            }
        }
    }

    @Test
    void keepsTheOrderOfUniqueValuesThatMoveBetweenRows() throws Exception {
        createKv();
        try (SinkDriver sink = open("worker-count=8&max-txn-row=3")) {
            // ids far apart, so that they go to different workers
            for (int round = 0; round < 200; round++) {
                long tso = NEW + round;
                long a = round * 1000L;
                String u = round % 2 == 0 ? "Name" : "NAME  ";
                sink.offer(insert(KV, tso, 0, true, row(a, u, "v" + round)));
                if (round % 3 == 0) {
                    sink.offer(
                            update(
                                    KV,
                                    tso,
                                    1,
                                    false,
                                    row(a, u, "v" + round),
                                    row(a + 1_000_000, "other" + round, "v")));
                } else {
                    sink.offer(delete(KV, tso, 1, false, row(a, u, "v" + round)));
                }
            }
            sink.drain();
        }
        assertThat(rows("SELECT COUNT(*) FROM d.kv")).containsExactly("67");
    }

    @Test
    void randomWorkloadEndsInTheModelsState() throws Exception {
        createKv();
        for (String options :
                new String[] {
                    "worker-count=1",
                    "worker-count=6&max-txn-row=7",
                    "worker-count=3&safe-mode=true",
                    "worker-count=5&multi-stmt-enable=false",
                    "worker-count=5&batch-dml-enable=false",
                    "worker-count=4&transaction-atomicity=table&max-txn-row=16"
                }) {
            server.execute("DELETE FROM d.kv");
            long seed = options.hashCode();
            Random random = new Random(seed);
            TreeMap<Long, Object[]> model = new TreeMap<>();
            java.util.Set<String> uniques = new java.util.HashSet<>();
            job = "random/" + options;
            try (SinkDriver sink = open(options)) {
                for (int t = 0; t < 400; t++) {
                    int events = 1 + random.nextInt(4);
                    for (int e = 0; e < events; e++) {
                        sink.offer(
                                randomChange(random, model, uniques, NEW + t, e, e == events - 1));
                    }
                }
                sink.drain();
            }
            List<String> expected = new ArrayList<>();
            model.forEach((id, r) -> expected.add(id + "|" + r[1] + "|" + r[2]));
            assertThat(rows("SELECT * FROM d.kv ORDER BY id"))
                    .as("options %s seed %s", options, seed)
                    .isEqualTo(expected);
        }
    }

    static TestRowBatch randomChange(
            Random random,
            TreeMap<Long, Object[]> model,
            java.util.Set<String> uniques,
            long tso,
            int event,
            boolean last) {
        int dice = model.isEmpty() ? 0 : random.nextInt(10);
        if (dice < 4) {
            long id;
            do {
                id = random.nextInt(100) * 700L;
            } while (model.containsKey(id) && model.size() < 100);
            if (model.containsKey(id)) {
                dice = 9;
            } else {
                Object[] r = {id, freshUnique(random, uniques), "v" + random.nextInt()};
                model.put(id, r);
                return insert(KV, tso, event, last, r);
            }
        }
        List<Long> ids = new ArrayList<>(model.keySet());
        long id = ids.get(random.nextInt(ids.size()));
        Object[] before = java.util.Objects.requireNonNull(model.get(id));
        if (dice < 8) {
            long newId = id;
            if (random.nextInt(5) == 0) {
                long candidate = random.nextInt(100) * 700L;
                newId = model.containsKey(candidate) ? id : candidate;
            }
            String u = (String) before[1];
            if (random.nextInt(3) == 0) {
                if (u != null) {
                    uniques.remove(u.toLowerCase(java.util.Locale.ROOT));
                }
                u = freshUnique(random, uniques);
            }
            Object[] after = {newId, u, "w" + random.nextInt()};
            model.remove(id);
            model.put(newId, after);
            return update(KV, tso, event, last, before, after);
        }
        model.remove(id);
        if (before[1] != null) {
            uniques.remove(((String) before[1]).toLowerCase(java.util.Locale.ROOT));
        }
        return delete(KV, tso, event, last, before);
    }

    private static @org.jspecify.annotations.Nullable String freshUnique(
            Random random, java.util.Set<String> uniques) {
        while (true) {
            if (random.nextInt(8) == 0) {
                return null;
            }
            String u = "k" + random.nextInt(60);
            if (uniques.add(u)) {
                return random.nextBoolean() ? u : u.toUpperCase(java.util.Locale.ROOT);
            }
        }
    }

    static final TableSchema KEYLESS =
            table(
                    "nokey",
                    List.of(
                            Column.of("a", ColumnKind.INT),
                            Column.of("t", ColumnKind.VARCHAR),
                            Column.of("f", ColumnKind.FLOAT),
                            Column.of("j", ColumnKind.JSON)));

    @Test
    void tablesWithoutKeyMatchAllColumnsExactlyAndOneRowOnly() throws Exception {
        server.execute(
                "CREATE TABLE d.nokey (a INT, t VARCHAR(20), f FLOAT, j JSON) CHARACTER SET utf8mb4"
                        + " COLLATE utf8mb4_general_ci");
        String j = "{\"k\": [1, 2.5, null]}";
        try (SinkDriver sink = open("")) {
            sink.offer(
                    insert(
                            KEYLESS,
                            OLD,
                            0,
                            false,
                            row(1, "a", 1.1f, j),
                            row(1, "A", 1.1f, j),
                            row(1, "a", 1.1f, j),
                            row(null, null, null, null),
                            row(null, null, null, null)));
            sink.offer(delete(KEYLESS, OLD, 1, false, row(1, "A", 1.1f, j)));
            sink.offer(delete(KEYLESS, OLD, 2, false, row(null, null, null, null)));
            sink.offer(
                    update(KEYLESS, OLD, 3, true, row(1, "a", 1.1f, j), row(2, "a", 1.1f, "[]")));
            sink.drain();
        }
        assertThat(rows("SELECT a, t, CAST(f AS CHAR), j FROM d.nokey ORDER BY a IS NULL, a"))
                .containsExactly("1|a|1.1|" + j, "2|a|1.1|[]", "null|null|null|null");
    }

    @Test
    void aRestartRepeatsNothingEvenWithoutKeys() throws Exception {
        createKv();
        server.execute("CREATE TABLE d.nokey (a INT, t VARCHAR(20), f FLOAT, j JSON)");
        for (String options : new String[] {"worker-count=4", "worker-count=4", "worker-count=7"}) {
            try (SinkDriver sink = open(options)) {
                offerMixed(sink);
                sink.drain();
            }
            assertThat(rows("SELECT COUNT(*) FROM d.nokey")).containsExactly("20");
            assertThat(rows("SELECT COUNT(*), SUM(id), MAX(v) FROM d.kv"))
                    .containsExactly("20|" + (19 * 20 / 2 * 1000L) + "|second");
        }
    }

    private static void offerMixed(SinkDriver sink) {
        for (int i = 0; i < 20; i++) {
            sink.offer(insert(KV, NEW + i, 0, false, row(i * 1000L, "u" + i, "first")));
            sink.offer(insert(KEYLESS, NEW + i, 1, false, row(7, "same", 1.5f, null)));
            sink.offer(
                    update(
                            KV,
                            NEW + i,
                            2,
                            true,
                            row(i * 1000L, "u" + i, "first"),
                            row(i * 1000L, "u" + i, "second")));
        }
    }

    @Test
    void refusedRowStopsTheJobAndIsNamed() {
        createKv();
        server.execute("INSERT INTO d.kv VALUES (5, 'taken', '')");
        try (SinkDriver sink = open("worker-count=2")) {
            sink.offer(
                    insert(
                            KV,
                            NEW,
                            0,
                            true,
                            row(1, "fine", ""),
                            row(77, "Taken", "secretless"),
                            row(2, "fine2", "")));
            MillraceException e = sink.awaitFailure();
            assertThat(e.code()).isEqualTo(ErrorCode.SINK_DATA);
            assertThat(e.text())
                    .contains("d.kv", "id=77", "INSERT INTO `d`.`kv`", "Duplicate entry")
                    .doesNotContain(server.rootPassword());
        }
    }

    @Test
    void safeModeOnATargetWithoutTheKeyWritesNoRowTwice() throws Exception {
        TableSchema t =
                table(
                        "t",
                        List.of(
                                notNull("id", ColumnKind.INT),
                                notNull("part", ColumnKind.INT),
                                Column.of("v", ColumnKind.VARCHAR)),
                        primary(0, 1));
        server.execute("CREATE TABLE d.t (id INT, part INT, v VARCHAR(10), UNIQUE KEY v (v))");
        for (String options : new String[] {"", "batch-dml-enable=false", "multi-stmt-enable=0"}) {
            server.execute("DELETE FROM d.t", "INSERT INTO d.t VALUES (1,1,'a'),(2,1,'b')");
            // Twice, as after a crash whose outcome is not known.
            for (int life = 0; life < 2; life++) {
                job = job + "x";
                try (SinkDriver sink = open(options)) {
                    sink.offer(update(t, OLD, 0, false, row(1, 1, "a"), row(1, 1, "c")));
                    sink.offer(insert(t, OLD, 1, false, row(3, 1, "d"), row(4, 1, "e")));
                    sink.offer(update(t, OLD, 2, false, row(2, 1, "b"), row(2, 2, "b")));
                    sink.offer(update(t, OLD, 3, false, row(1, 1, "c"), row(1, 1, "f")));
                    sink.offer(delete(t, OLD, 4, true, row(4, 1, "e")));
                    sink.drain();
                }
            }
            assertThat(rows("SELECT * FROM d.t ORDER BY id, part"))
                    .as(options)
                    .containsExactly("1|1|f", "2|2|b", "3|1|d");
        }
    }

    @Test
    void theLongestJobIdAndTablesOfAnEarlierVersion() throws Exception {
        createKv();
        try (SinkDriver sink = open("")) {
            sink.drain();
        }
        for (String table : new String[] {"progress", "checkpoint", "ddl"}) {
            server.execute(
                    "ALTER TABLE millrace."
                            + table
                            + " MODIFY job_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE"
                            + " utf8mb4_bin NOT NULL");
        }
        for (String last : new String[] {"1", "2"}) {
            job = "n".repeat(128) + "/" + "j".repeat(127) + last;
            try (SinkDriver sink = open("worker-count=2")) {
                sink.offer(insert(KV, NEW, 0, true, row(5000 + last.charAt(0), last, "")));
                sink.drain();
                sink.saved(new Checkpoint(new TestPosition(NEW, 0), NEW));
            }
        }
        assertThat(rows("SELECT COUNT(*) FROM d.kv")).containsExactly("2");
        job = "n".repeat(128) + "/" + "j".repeat(300);
        assertThatThrownBy(() -> open(""))
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_INVALID_CONFIG);
    }

    @Test
    void valuesThatDoNotFitAreRefusedNotCut() {
        createKv();
        try (SinkDriver sink = open("worker-count=2")) {
            sink.offer(insert(KV, NEW, 0, true, row(1, "u", "x".repeat(41))));
            MillraceException e = sink.awaitFailure();
            assertThat(e.code()).isEqualTo(ErrorCode.SINK_DATA);
            assertThat(e.text()).contains("too long");
        }
    }

    @Test
    void missingTableAndColumnAreNamed() {
        try (SinkDriver sink = open("")) {
            TestRowBatch batch = insert(KV, NEW, 0, true, row(1, "u", "v"));
            assertThatThrownBy(
                            () -> {
                                sink.offer(batch);
                                sink.drain();
                            })
                    .isInstanceOf(MillraceException.class)
                    .hasMessageContaining("no table d.kv");
        }
        server.execute("CREATE TABLE d.kv (id BIGINT PRIMARY KEY, u VARCHAR(10))");
        try (SinkDriver sink = open("")) {
            TestRowBatch batch = insert(KV, NEW, 0, true, row(1, "u", "v"));
            assertThatThrownBy(
                            () -> {
                                sink.offer(batch);
                                sink.drain();
                            })
                    .hasMessageContaining("no column 'v'");
        }
    }

    @Test
    void generatedInvisibleAndExtraColumnsOfTheTarget() throws Exception {
        String invisible =
                server.query("SELECT VERSION()").orElseThrow().isEmpty() ? "" : "INVISIBLE";
        server.execute(
                "CREATE TABLE d.g (id INT PRIMARY KEY, a INT DEFAULT 0 "
                        + invisible
                        + ", twice INT GENERATED ALWAYS AS (a * 2) STORED, extra VARCHAR(9) NOT NULL"
                        + " DEFAULT 'dflt')");
        TableSchema g =
                table(
                        "g",
                        List.of(
                                notNull("id", ColumnKind.INT),
                                Column.of("a", ColumnKind.INT),
                                Column.of("twice", ColumnKind.INT)),
                        primary(0));
        try (SinkDriver sink = open("worker-count=1")) {
            sink.offer(insert(g, NEW, 0, false, row(1, 4, 8)));
            sink.offer(update(g, NEW, 1, true, row(1, 4, 8), row(1, 5, 10)));
            sink.drain();
        }
        assertThat(rows("SELECT id, a, twice, extra FROM d.g")).containsExactly("1|5|10|dflt");
    }

    @Test
    void minimalRowImages() throws Exception {
        createKv();
        Object x = TestRowBatch.ABSENT;
        try (SinkDriver sink = open("worker-count=4")) {
            sink.offer(insert(KV, NEW, 0, false, row(1, "a", "b"), row(2, x, "c"), row(3, "z", x)));
            sink.offer(update(KV, NEW, 1, false, row(1, x, x), row(x, x, "new")));
            sink.offer(update(KV, NEW, 2, false, row(3, x, x), row(4, x, x)));
            sink.offer(delete(KV, NEW, 3, true, row(2, x, x)));
            sink.drain();
        }
        assertThat(rows("SELECT * FROM d.kv ORDER BY id")).containsExactly("1|a|new", "4|z|null");
    }

    @Test
    void wholeTableTransactionsAreOneCommitAndFreeTheirRowsEarly() throws Exception {
        createKv();
        try (SinkDriver sink = open("transaction-atomicity=table&worker-count=3&max-txn-row=10")) {
            List<TestRowBatch> batches = new ArrayList<>();
            for (int e = 0; e < 30; e++) {
                Object[][] some = new Object[10][];
                for (int i = 0; i < 10; i++) {
                    some[i] = row(e * 10L + i, "u" + (e * 10 + i), "v");
                }
                TestRowBatch batch = insert(KV, NEW, e, false, some);
                batches.add(batch);
                sink.offer(batch);
            }
            long deadline = System.nanoTime() + 10_000_000_000L;
            while (batches.stream().anyMatch(b -> b.recycledTimes() == 0)) {
                sink.pump(deadline);
            }
            assertThat(rows("SELECT COUNT(*) FROM d.kv")).containsExactly("0");
            assertThat(sink.isAcked(1)).isFalse();
            sink.offer(insert(KV, NEW, 30, true, row(1000, "last", "v")));
            sink.drain();
            assertThat(rows("SELECT COUNT(*) FROM d.kv")).containsExactly("301");
        }
    }

    @Test
    void anotherOpeningFencesTheFirst() {
        createKv();
        try (SinkDriver first = open("worker-count=2")) {
            first.offer(insert(KV, NEW, 0, true, row(1, "a", "")));
            first.drain();
            try (SinkDriver second = open("worker-count=2")) {
                second.offer(insert(KV, NEW + 1, 0, true, row(2, "b", "")));
                second.drain();
                first.offer(insert(KV, NEW + 2, 0, true, row(3, "c", "")));
                assertThat(first.awaitFailure().code()).isEqualTo(ErrorCode.FENCED);
            }
        }
    }

    private void distrust() {
        new MySqlSinkFactory(CLOCK).distrustProgress(SinkSpec.of(uri("")), job);
    }

    private long epoch() throws Exception {
        return Long.parseLong(
                rows("SELECT MAX(epoch) FROM millrace.progress WHERE job_id='" + job + "'")
                        .getFirst());
    }

    @Test
    void distrustedProgressFencesTheRunThatMadeIt() throws Exception {
        createKv();
        try (SinkDriver first = open("worker-count=2")) {
            first.offer(insert(KV, NEW, 0, true, row(1, "a", "")));
            first.drain();
            long epoch = epoch();
            distrust();
            assertThat(epoch()).isGreaterThan(epoch);
            first.offer(insert(KV, NEW + 1, 0, true, row(2, "b", "")));
            assertThat(first.awaitFailure().code()).isEqualTo(ErrorCode.FENCED);
            long distrusted = epoch();
            open("worker-count=2").close();
            assertThat(epoch()).isGreaterThan(distrusted);
        }
        assertThat(rows("SELECT id FROM d.kv")).containsExactly("1");
    }

    /** The first run's statements would pass for those of the run after it. */
    @Test
    void aForgottenEpochIsNotUsedAgain() throws Exception {
        createKv();
        try (SinkDriver first = open("worker-count=2")) {
            first.offer(insert(KV, NEW, 0, true, row(1, "a", "")));
            first.drain();
            long epoch = epoch();
            for (int i = 1; i <= 2; i++) {
                new MySqlSinkFactory(CLOCK).forget(SinkSpec.of(uri("")), job);
                open("worker-count=2").close();
                assertThat(epoch()).isGreaterThan(epoch);
                epoch = epoch();
            }
            first.offer(insert(KV, NEW + 1, 0, true, row(2, "b", "")));
            assertThat(first.awaitFailure().code()).isEqualTo(ErrorCode.FENCED);
        }
        assertThat(rows("SELECT id FROM d.kv")).containsExactly("1");
    }

    @Test
    void distrustedRowsAreAllWrittenAgainButThoseThatAreThereOnce() throws Exception {
        createKv();
        server.execute("CREATE TABLE d.nokey (a INT, t VARCHAR(20), f FLOAT, j JSON)");
        String lag = "UPDATE millrace.progress SET commit_tso=" + (NEW + 19);
        for (String options : new String[] {"worker-count=4", "worker-count=4", "worker-count=7"}) {
            server.execute("DELETE FROM d.nokey", "DELETE FROM d.kv WHERE id<10000");
            try (SinkDriver sink = open(options)) {
                offerMixed(sink);
                sink.drain();
            }
            assertThat(rows("SELECT COUNT(*) FROM d.nokey")).containsExactly("20");
            assertThat(rows("SELECT COUNT(*), SUM(id), MIN(v) FROM d.kv"))
                    .containsExactly("20|" + (19 * 20 / 2 * 1000L) + "|second");
            // As if a row that takes others along had been the last one.
            server.execute(lag + " WHERE job_id='" + job + "' AND worker=-3");
            distrust();
            // Once more does no harm.
            distrust();
        }
    }

    @Test
    void distrustingAJobThatTheTargetDoesNotKnowDoesNothing() throws Exception {
        distrust();
        createKv();
        for (int i = 0; i < 2; i++) {
            // The first opening knows nothing of the past: rows in its range may be there.
            try (SinkDriver sink = open("worker-count=2")) {
                sink.offer(insert(KV, OLD + i, 0, true, row(1, "a", "")));
                sink.drain();
            }
        }
        assertThat(rows("SELECT id FROM d.kv")).containsExactly("1");
    }

    /** The journal tells that the DDL is done, but not that rows of other tables are there. */
    @Test
    void ddlOfADistrustedJobIsKnownButSaysNothingOfRows() throws Exception {
        createKv();
        SchemaChange drop = ddl(NEW + 1, DdlKind.DROP_COLUMN, "ALTER TABLE d.other DROP COLUMN v");
        server.execute("CREATE TABLE d.other (id INT PRIMARY KEY, v INT)");
        try (SinkDriver sink = open("worker-count=2")) {
            sink.ddl(drop, false);
        }
        distrust();
        // It would be dropped again.
        server.execute("ALTER TABLE d.other ADD v INT");
        try (SinkDriver sink = open("worker-count=2")) {
            sink.offer(insert(KV, NEW, 0, true, row(1, "a", "x")));
            sink.ddl(drop, true);
            sink.offer(insert(KV, NEW + 2, 0, true, row(2, "b", "y")));
            sink.ddl(ddl(NEW + 3, DdlKind.DROP_COLUMN, "ALTER TABLE d.kv DROP COLUMN v"), false);
        }
        assertThat(rows("SHOW COLUMNS FROM d.other")).hasSize(2);
        assertThat(rows("SELECT * FROM d.kv ORDER BY id")).containsExactly("1|a", "2|b");
        // A DDL that was begun afterwards waited for all of them.
        TableSchema narrow = table("kv", KV.columns().subList(0, 2), primary(0), unique("u", 1));
        try (SinkDriver sink = open("worker-count=5")) {
            sink.offer(insert(narrow, NEW + 2, 0, true, row(2, "c")));
            sink.drain();
        }
        assertThat(rows("SELECT * FROM d.kv ORDER BY id")).containsExactly("1|a", "2|b");
    }

    @Test
    void ddlIsAppliedOnceAlsoWhenReplayed() throws Exception {
        try (SinkDriver sink = open("worker-count=2")) {
            SchemaChange create =
                    ddl(
                            NEW,
                            DdlKind.CREATE_TABLE,
                            "CREATE TABLE t1 (id INT PRIMARY KEY, z DATE"
                                    + " NOT NULL DEFAULT '0000-00-00')");
            sink.ddl(create, false);
            sink.ddl(create, true);
            SchemaChange again = ddl(NEW + 1, DdlKind.CREATE_TABLE, create.query());
            sink.ddl(again, true);
            sink.ddl(ddl(NEW + 2, DdlKind.ADD_COLUMN, "ALTER TABLE t1 ADD COLUMN c INT"), false);
            sink.ddl(ddl(NEW + 3, DdlKind.ADD_COLUMN, "ALTER TABLE t1 ADD COLUMN c INT"), true);
            sink.ddl(ddl(NEW + 4, DdlKind.ADD_INDEX, "CREATE INDEX i ON t1 (c)"), false);
            sink.ddl(ddl(NEW + 5, DdlKind.ADD_INDEX, "CREATE INDEX i ON t1 (c)"), true);
            sink.ddl(ddl(NEW + 6, DdlKind.DROP_COLUMN, "ALTER TABLE t1 DROP COLUMN c"), false);
            sink.ddl(ddl(NEW + 7, DdlKind.DROP_COLUMN, "ALTER TABLE t1 DROP COLUMN c"), true);
            SchemaChange rename =
                    new SchemaChange(
                            NEW + 8,
                            new TestPosition(NEW + 8, 0),
                            "RENAME TABLE t1 TO t2",
                            "d",
                            List.of(
                                    new SchemaChange.Change(
                                            DdlKind.RENAME_TABLE,
                                            new TableName("d", "t1"),
                                            Optional.of(new TableName("d", "t2")),
                                            Optional.empty(),
                                            Optional.empty(),
                                            "RENAME TABLE t1 TO t2")));
            sink.ddl(rename, false);
            server.execute("UPDATE millrace.ddl SET state='applying'");
            sink.ddl(rename, true);
            sink.ddl(ddl(NEW + 9, DdlKind.DROP_TABLE, "DROP TABLE t2"), false);
            sink.ddl(ddl(NEW + 10, DdlKind.DROP_TABLE, "DROP TABLE t2"), true);
        }
        assertThat(rows("SHOW TABLES FROM d")).isEmpty();
    }

    @Test
    void aDdlThatTheTargetLacksIsAClearError() {
        try (SinkDriver sink = open("")) {
            SchemaChange bad =
                    ddl(NEW, DdlKind.CREATE_TABLE, "CREATE TABLE x (a INT) COLLATE klingon_ci");
            assertThatThrownBy(() -> sink.ddl(bad, false))
                    .isInstanceOf(MillraceException.class)
                    .hasMessageContaining("klingon_ci")
                    .hasMessageContaining("filter rule")
                    .extracting(e -> ((MillraceException) e).code())
                    .isEqualTo(ErrorCode.SINK_DDL);
        }
    }

    @Test
    void rowsBeforeAnAppliedDdlAreNotWrittenAgain() throws Exception {
        createKv();
        try (SinkDriver sink = open("worker-count=2")) {
            sink.offer(insert(KV, NEW, 0, true, row(1, "a", "x")));
            sink.ddl(ddl(NEW + 1, DdlKind.DROP_COLUMN, "ALTER TABLE kv DROP COLUMN v"), false);
        }
        TableSchema narrow = table("kv", KV.columns().subList(0, 2), primary(0), unique("u", 1));
        try (SinkDriver sink = open("worker-count=5")) {
            sink.offer(insert(narrow, NEW, 0, true, row(1, "b")));
            sink.ddl(ddl(NEW + 1, DdlKind.DROP_COLUMN, "ALTER TABLE kv DROP COLUMN v"), true);
            sink.offer(insert(narrow, NEW + 2, 0, true, row(2, "b")));
            sink.drain();
        }
        assertThat(rows("SELECT * FROM d.kv ORDER BY id")).containsExactly("1|a", "2|b");
    }

    static SchemaChange ddl(long tso, DdlKind kind, String query) {
        return new SchemaChange(
                tso,
                new TestPosition(tso, 0),
                query,
                "d",
                List.of(
                        new SchemaChange.Change(
                                kind,
                                new TableName("d", kind == DdlKind.DROP_TABLE ? "t2" : "t1"),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                query)));
    }

    @Test
    void wrongPasswordAndUnreachableTargetAreTold() {
        MySqlSinkFactory factory = new MySqlSinkFactory(CLOCK);
        SinkSpec wrong = SinkSpec.of("mysql://root:no%40pe@127.0.0.1:" + server.port() + "/");
        assertThatThrownBy(() -> factory.testOpen(wrong))
                .hasMessageNotContaining("no@pe")
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_ACCESS_DENIED);
        assertThatThrownBy(() -> factory.testOpen(SinkSpec.of("mysql://root@127.0.0.1:1/")))
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_CONNECTION);
        factory.testOpen(SinkSpec.of(uri("")));
        assertThat(factory.clusterId(SinkSpec.of(uri("")))).isNotZero();
    }

    @Test
    void readOnlyTargetIsTransient() {
        createKv();
        server.execute(
                "CREATE USER IF NOT EXISTS plain@'%' IDENTIFIED BY 'p'",
                "GRANT ALL ON d.* TO plain@'%'", "GRANT ALL ON millrace.* TO plain@'%'");
        String uri = "mysql://plain:p@127.0.0.1:" + server.port() + "/?worker-count=1";
        try (SinkDriver sink = new SinkDriver(uri, job, CLOCK)) {
            server.execute("SET GLOBAL read_only=1");
            sink.offer(insert(KV, NEW, 0, true, row(1, "a", "")));
            assertThat(sink.awaitFailure().code()).isEqualTo(ErrorCode.SINK_TRANSIENT);
        } finally {
            server.execute("SET GLOBAL read_only=0");
        }
    }

    @Test
    void deadlocksAreRetried() throws Exception {
        createKv();
        server.execute("INSERT INTO d.kv VALUES (1,'a',''),(2,'b','')");
        try (SinkDriver sink = open("worker-count=1");
                Connection other = server.connect();
                Statement s = other.createStatement()) {
            s.execute("BEGIN");
            s.execute("UPDATE d.kv SET v='other' WHERE id=2");
            sink.offer(
                    update(
                            KV,
                            NEW,
                            0,
                            true,
                            row(1, "a", ""),
                            row(1, "a", "mine"),
                            row(2, "b", ""),
                            row(2, "b", "mine")));
            Thread.sleep(300);
            try {
                s.execute("UPDATE d.kv SET v='other' WHERE id=1");
                s.execute("COMMIT");
            } catch (java.sql.SQLException e) {
                assertThat(e.getErrorCode()).isEqualTo(1213);
            }
            sink.drain();
        }
        assertThat(rows("SELECT v FROM d.kv")).containsOnly("mine");
    }

    @Test
    void checkpointIsKeptInTheTargetAndForgottenOnRequest() throws Exception {
        createKv();
        try (SinkDriver sink = open("worker-count=2")) {
            sink.offer(insert(KV, NEW, 0, true, row(1, "a", "")));
            sink.drain();
            sink.saved(new Checkpoint(new TestPosition(NEW, 0), NEW));
            long deadline = System.nanoTime() + 10_000_000_000L;
            while (rows("SELECT 1 FROM millrace.checkpoint WHERE job_id='" + job + "'").isEmpty()) {
                sink.pump(deadline);
                Thread.sleep(50);
            }
        }
        assertThat(rows("SELECT 1 FROM millrace.progress WHERE job_id='" + job + "' AND worker=-1"))
                .isEmpty();
        distrust();
        new MySqlSinkFactory(CLOCK).forget(SinkSpec.of(uri("")), job);
        for (String table : new String[] {"progress", "checkpoint", "ddl"}) {
            assertThat(rows("SELECT 1 FROM millrace." + table + " WHERE job_id='" + job + "'"))
                    .isEmpty();
        }
    }
}
