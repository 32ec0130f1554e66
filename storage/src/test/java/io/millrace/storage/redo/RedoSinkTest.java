package io.millrace.storage.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestRowBatch;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RedoSinkTest {
    private static final String JOB = "default/feed";
    private static final TableSchema TABLE =
            new TableSchema(
                    1,
                    1,
                    new TableName("s", "t"),
                    List.of(Column.of("id", ColumnKind.INT), Column.of("v", ColumnKind.VARCHAR)),
                    List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));

    @SuppressWarnings("NullAway.Init") // by JUnit
    @TempDir
    Path tmp;

    private final MapStore store = new MapStore();
    private final Target target = new Target();
    private @Nullable MillraceException failure;
    private long seq;
    private final Map<SinkMetric, Long> recorded = new ConcurrentHashMap<>();

    /** A table in memory; keeps what it is given. */
    private static final class Target implements Sink, SinkFactory {
        final Map<Long, String> rows = new HashMap<>();
        final List<Long> tsos = new ArrayList<>();
        final List<String> ddl = new ArrayList<>();
        int room = Integer.MAX_VALUE;
        @Nullable Checkpoint checkpoint;

        @Override
        public boolean offer(long seq, RowBatch batch) {
            if (room == 0) {
                return false;
            }
            room--;
            put(rows, batch);
            tsos.add(batch.commitTso());
            batch.release();
            return true;
        }

        static void put(Map<Long, String> rows, RowBatch batch) {
            RowView row = batch.rows();
            while (row.next()) {
                if (batch.op() != RowBatch.INSERT) {
                    rows.remove(row.longValue(RowView.BEFORE, 0));
                }
                if (batch.op() != RowBatch.DELETE) {
                    io.millrace.core.bytes.ByteSink text = new io.millrace.core.bytes.ByteSink(16);
                    row.appendText(RowView.AFTER, 1, text);
                    rows.put(row.longValue(RowView.AFTER, 0), text.toString());
                }
            }
        }

        @Override
        public boolean offer(long seq, SchemaChange change, boolean replayed) {
            ddl.add(change.query());
            return true;
        }

        @Override
        public void resolved(long tso) {}

        @Override
        public void checkpointSaved(Checkpoint newest) {
            checkpoint = newest;
        }

        @Override
        public int doWork(long nowNanos) {
            return 0;
        }

        @Override
        public void close() {}

        @Override
        public Set<String> schemes() {
            return Set.of("mysql");
        }

        @Override
        public void validate(SinkSpec spec) {}

        @Override
        public void testOpen(SinkSpec spec) {}

        @Override
        public Sink open(SinkSpec spec, SinkContext context) {
            return this;
        }
    }

    private SinkSpec spec(String... options) {
        Map<String, String> map = new HashMap<>();
        map.put("redo-storage", "file:///redo");
        map.put("redo-flush-interval", "50");
        map.put("redo-meta-flush-interval", "50");
        for (int i = 0; i < options.length; i += 2) {
            map.put(options[i], options[i + 1]);
        }
        return new SinkSpec(URI.create("mysql://h:1/"), map, List.of(), true, false, "UTC");
    }

    private Sink open(long startTso, String... options) {
        Acks acks =
                new Acks() {
                    @Override
                    public void ack(long seq) {}

                    @Override
                    public void fail(MillraceException error) {
                        failure = error;
                    }
                };
        return new RedoSinkFactory(target, store)
                .open(
                        spec(options),
                        new SinkContext(
                                JOB,
                                "node:1",
                                acks,
                                startTso,
                                Optional.empty(),
                                false,
                                (metric, value) -> recorded.merge(metric, value, Long::sum)));
    }

    private static void work(Sink sink, BooleanSupplier until) {
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            sink.doWork(System.nanoTime());
            Thread.onSpinWait();
        }
    }

    private void give(Sink sink, RowBatch batch) {
        long at = seq++;
        while (!sink.offer(at, batch)) {
            sink.doWork(System.nanoTime());
        }
    }

    private static TestRowBatch insert(long tso, int event, boolean last, int id, String v) {
        return TestRowBatch.insert(TABLE, tso, event, last, TestRowBatch.row(id, v));
    }

    private RedoMeta meta() throws Exception {
        return RedoLogFolder.read(store, "").meta();
    }

    /** What applying the log would send. */
    private List<ChangeEvent> log() throws Exception {
        RedoCapture capture = new RedoCapture(store, RedoLogFolder.read(store, ""), tmp);
        List<ChangeEvent> events = new ArrayList<>();
        capture.close();
        capture.run(events::add);
        return events;
    }

    private static SchemaChange ddl(long tso, String query) {
        return new SchemaChange(
                tso,
                new RedoPosition(tso, true),
                query,
                "s",
                List.of(
                        new SchemaChange.Change(
                                DdlKind.ALTER_TABLE,
                                TABLE.name(),
                                Optional.empty(),
                                Optional.of(TABLE),
                                Optional.of(TABLE),
                                query)));
    }

    @Test
    void noRowReachesTheTargetBeforeTheLogHasItsTransaction() throws Exception {
        try (Sink sink = open(100)) {
            give(sink, insert(110, 0, true, 1, "a"));
            give(sink, insert(120, 0, false, 2, "b"));
            work(sink, () -> target.tsos.size() == 1);
            for (int i = 0; i < 200; i++) {
                sink.doWork(System.nanoTime());
                Thread.sleep(1);
            }
            assertThat(target.tsos).as("the second transaction is open").containsExactly(110L);
            assertThat(meta()).isEqualTo(new RedoMeta(100, 110, 0));
            give(sink, insert(120, 1, true, 3, "c"));
            work(sink, () -> target.tsos.size() == 3);
            assertThat(recorded).containsEntry(SinkMetric.REDO_TOTAL_ROWS, 3L);
            assertThat(recorded.get(SinkMetric.REDO_WRITE_BYTES)).isGreaterThan(1000L);
            assertThat(recorded)
                    .containsKeys(
                            SinkMetric.REDO_FSYNC_DURATION,
                            SinkMetric.REDO_BUSY,
                            SinkMetric.REDO_FLUSH_ALL_DURATION,
                            SinkMetric.REDO_WRITE_LOG_DURATION,
                            SinkMetric.REDO_FLUSH_LOG_DURATION);
            assertThat(meta().resolvedTso()).isEqualTo(120);
            assertThat(meta().checkpointTso()).as("nothing is acked").isEqualTo(100);
        }
    }

    @Test
    void aTransactionWhoseLastBatchWasSkippedEndsAllTheSame() throws Exception {
        try (Sink sink = open(100)) {
            give(sink, insert(110, 0, false, 1, "a"));
            for (int i = 0; i < 100; i++) {
                sink.doWork(System.nanoTime());
                Thread.sleep(1);
            }
            assertThat(target.tsos).isEmpty();
            sink.transactionEnded(110);
            work(sink, () -> target.tsos.size() == 1);
        }
    }

    @Test
    void metaFollowsDeliveryAndOldFilesGo() throws Exception {
        try (Sink sink = open(100)) {
            give(sink, insert(110, 0, true, 1, "a"));
            work(sink, () -> target.tsos.size() == 1);
            sink.checkpointSaved(new Checkpoint(new RedoPosition(115, true), 115));
            sink.resolved(115);
            work(sink, () -> target.checkpoint != null);
            assertThat(meta()).isEqualTo(new RedoMeta(115, 115, 0));
            assertThat(store.files.keySet()).filteredOn(f -> f.endsWith(".meta")).hasSize(1);
            work(sink, () -> store.files.keySet().stream().noneMatch(f -> f.endsWith(".log")));
        }
    }

    @Test
    void aDdlIsInTheLogBeforeTheTargetGetsIt() throws Exception {
        try (Sink sink = open(100)) {
            give(sink, insert(110, 0, true, 1, "a"));
            work(sink, () -> target.tsos.size() == 1);
            SchemaChange change = ddl(120, "ALTER TABLE t ENGINE=InnoDB");
            work(sink, () -> sink.offer(9, change, false));
            assertThat(target.ddl).hasSize(1);
            assertThat(meta()).isEqualTo(new RedoMeta(119, 120, 0));
            assertThat(log().getFirst().commitTso())
                    .as("rows from before it are not applied again")
                    .isEqualTo(120);
        }
    }

    @Test
    void aTransactionTooLargeToBeHeldBackGoesOnInPartsAndCanBeTakenBack() throws Exception {
        target.rows.put(1L, "old");
        Sink sink = open(100, "redo-hold-bytes", "2000");
        give(sink, TestRowBatch.update(TABLE, 110, 0, false, row(1, "old"), row(1, "new")));
        for (int i = 1; i <= 40; i++) {
            give(sink, insert(110, i, false, 100 + i, "x".repeat(40)));
        }
        give(sink, TestRowBatch.delete(TABLE, 110, 41, false, row(101, "x".repeat(40))));
        work(sink, () -> target.tsos.size() == 42);
        assertThat(target.rows).containsEntry(1L, "new").hasSize(40);
        assertThat(meta()).isEqualTo(new RedoMeta(100, 100, 110));
        sink.close();

        Map<Long, String> rows = target.rows;
        for (ChangeEvent event : log()) {
            if (event instanceof RowBatch batch) {
                assertThat(batch.commitTso()).isEqualTo(111);
                Target.put(rows, batch);
            }
        }
        assertThat(rows).isEqualTo(Map.of(1L, "old"));
    }

    @Test
    void aTransactionInATableWithoutAKeyIsNotTakenBackInPart() throws Exception {
        TableSchema keyless =
                new TableSchema(2, 1, new TableName("s", "keyless"), TABLE.columns(), List.of());
        Sink sink = open(100, "redo-hold-bytes", "2000");
        for (int i = 0; i < 40; i++) {
            // The first to be taken back has a key.
            TableSchema table = i < 3 ? keyless : TABLE;
            give(sink, TestRowBatch.insert(table, 110, i, false, row(100 + i, "x".repeat(40))));
        }
        work(sink, () -> target.tsos.size() == 40);
        assertThat(meta().openTso()).isEqualTo(110);
        sink.close();

        RedoCapture capture = new RedoCapture(store, RedoLogFolder.read(store, ""), tmp);
        List<ChangeEvent> events = new ArrayList<>();
        capture.close();
        assertThatThrownBy(() -> capture.run(events::add))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("s.keyless has no key")
                .hasMessageContaining("cannot be taken back");
        assertThat(events).as("nothing is taken back").isEmpty();
    }

    /** Faster than the log's meta file follows. */
    @Test
    void checkpointsReachTheTargetHoweverOftenTheyCome() throws Exception {
        store.putMillis = 100;
        try (Sink sink = open(100)) {
            long deadline = System.nanoTime() + 3_000_000_000L;
            long tso = 110;
            while (target.checkpoint == null) {
                assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
                tso++;
                sink.resolved(tso);
                sink.checkpointSaved(new Checkpoint(new RedoPosition(tso, true), tso));
                sink.doWork(System.nanoTime());
                Thread.sleep(5);
            }
            store.putMillis = 0;
            long last = tso;
            work(
                    sink,
                    () -> {
                        Checkpoint saved = target.checkpoint;
                        return saved != null && saved.resolvedTso() == last;
                    });
        }
    }

    /** A target with a journal, which it forgets up to the checkpoint that it is told. */
    private static final class Journaled implements SinkFactory {
        final Map<Long, String> rows = new TreeMap<>();
        final Set<Long> journal = new HashSet<>();
        long written;
        long ddlFloor;

        @Override
        public Set<String> schemes() {
            return Set.of("mysql");
        }

        @Override
        public void validate(SinkSpec spec) {}

        @Override
        public void testOpen(SinkSpec spec) {}

        @Override
        public Sink open(SinkSpec spec, SinkContext context) {
            return new Sink() {
                @Override
                public boolean offer(long seq, RowBatch batch) {
                    if (batch.commitTso() > written && batch.commitTso() > ddlFloor) {
                        Target.put(rows, batch);
                        written = batch.commitTso();
                    }
                    batch.release();
                    context.acks().ack(seq);
                    return true;
                }

                @Override
                public boolean offer(long seq, SchemaChange change, boolean replayed) {
                    if (journal.add(change.commitTso())) {
                        rows.clear();
                        ddlFloor = change.commitTso();
                    }
                    context.acks().ack(seq);
                    return true;
                }

                @Override
                public void resolved(long tso) {}

                @Override
                public void checkpointSaved(Checkpoint newest) {
                    journal.removeIf(tso -> tso <= newest.resolvedTso());
                }

                @Override
                public int doWork(long nowNanos) {
                    return 0;
                }

                @Override
                public void close() {}
            };
        }
    }

    @Test
    void applyingTheLogAgainDoesNotTruncateAgain() throws Exception {
        try (Sink sink = open(100)) {
            give(sink, insert(110, 0, true, 1, "before"));
            work(sink, () -> target.tsos.size() == 1);
            SchemaChange truncate = ddl(120, "TRUNCATE TABLE t");
            work(sink, () -> sink.offer(9, truncate, false));
            give(sink, insert(130, 0, true, 2, "behind"));
            work(sink, () -> target.tsos.size() == 2);
        }
        assertThat(meta()).isEqualTo(new RedoMeta(119, 130, 0));
        Journaled journaled = new Journaled();
        RedoApply apply = new RedoApply(store, URI.create("file:///redo"));
        for (int i = 0; i < 3; i++) {
            apply.apply(null, tmp, journaled, "mysql://h:1/", 1 << 20);
            assertThat(journaled.rows).as("run %d", i).containsExactly(Map.entry(2L, "behind"));
        }
    }

    private static Object[] row(int id, String v) {
        return TestRowBatch.row(id, v);
    }

    /** Broken off anywhere, with and without restarts: one state comes out. */
    @Test
    void targetAndLogTogetherAreAlwaysTheStateAtTheResolvedTso() throws Exception {
        for (int seed = 1; seed <= 12; seed++) {
            Random random = new Random(seed);
            store.files.clear();
            target.rows.clear();
            List<TestRowBatch> stream = new ArrayList<>();
            TreeMap<Long, Map<Long, String>> states = new TreeMap<>();
            Map<Long, String> state = new HashMap<>();
            states.put(100L, Map.of());
            long tso = 100;
            for (int t = 0; t < 60; t++) {
                tso += 1 + random.nextInt(5);
                int events = 1 + random.nextInt(4);
                for (int e = 0; e < events; e++) {
                    int id = random.nextInt(10);
                    String v = "v" + tso + "." + e;
                    boolean last = e == events - 1;
                    String old = state.get((long) id);
                    TestRowBatch batch =
                            old == null
                                    ? insert(tso, e, last, id, v)
                                    : random.nextBoolean()
                                            ? TestRowBatch.update(
                                                    TABLE, tso, e, last, row(id, old), row(id, v))
                                            : TestRowBatch.delete(
                                                    TABLE, tso, e, last, row(id, old));
                    Target.put(state, batch);
                    stream.add(batch);
                }
                states.put(tso, Map.copyOf(state));
            }
            int from = 0;
            for (int run = 0; run < 3; run++) {
                String[] options =
                        random.nextBoolean()
                                ? new String[] {"redo-compression", "lz4"}
                                : new String[] {"redo-use-file-backend", "true"};
                Sink sink = open(100, options);
                int to = from + random.nextInt(stream.size() - from);
                // A restart repeats everything: the target's state must not suffer in this model.
                target.rows.clear();
                for (int i = 0; i < to; i++) {
                    TestRowBatch b = stream.get(i);
                    b.retain();
                    give(sink, b);
                    if (random.nextInt(4) == 0) {
                        sink.doWork(System.nanoTime());
                    }
                    if (random.nextInt(30) == 0) {
                        Thread.sleep(random.nextInt(30));
                    }
                }
                sink.close();
                from = run == 0 ? 0 : from;
            }
            RedoMeta meta = meta();
            Map<Long, String> applied = new HashMap<>();
            for (ChangeEvent event : log()) {
                if (event instanceof RowBatch batch) {
                    Target.put(applied, batch);
                    assertThat(batch.lastOfTransaction() && !states.containsKey(batch.commitTso()))
                            .isFalse();
                }
            }
            assertThat(applied)
                    .as("seed %d, resolved %d", seed, meta.resolvedTso())
                    .isEqualTo(states.get(meta.resolvedTso()));
            for (long seen : target.tsos) {
                assertThat(seen).isLessThanOrEqualTo(meta.resolvedTso());
            }
            target.tsos.clear();
        }
        assertThat(failure).isNull();
    }

    @Test
    void aStorageThatBreaksEndsTheRunAndIsTriedAgain() {
        try (Sink sink = open(100)) {
            work(sink, () -> !store.files.isEmpty());
            store.broken = true;
            give(sink, insert(110, 0, true, 1, "a"));
            work(sink, () -> failure != null);
            MillraceException error = java.util.Objects.requireNonNull(failure);
            assertThat(error.code()).isEqualTo(ErrorCode.REDO_STORAGE_TRANSIENT);
            assertThat(error.code().isTransient()).isTrue();
            assertThat(error.getMessage()).contains("no space left");
            assertThat(target.tsos).isEmpty();
        }
    }

    /** Providers tell what is wrong themselves; it is about the log all the same. */
    @Test
    void aRefusalOfTheStorageIsTheLogs() {
        Map<ErrorCode, ErrorCode> told =
                Map.of(
                        ErrorCode.SINK_CONNECTION, ErrorCode.REDO_STORAGE_TRANSIENT,
                        ErrorCode.SINK_TRANSIENT, ErrorCode.REDO_STORAGE_TRANSIENT,
                        ErrorCode.SINK_ACCESS_DENIED, ErrorCode.REDO_STORAGE_UNUSABLE);
        told.forEach((thrown, expected) -> {
            failure = null;
            store.refusal = null;
            try (Sink sink = open(100)) {
                store.refusal = new MillraceException(thrown, "bucket says no");
                give(sink, insert(110, 0, true, 1, "a"));
                work(sink, () -> failure != null);
            }
            MillraceException error = java.util.Objects.requireNonNull(failure);
            assertThat(error.code()).isEqualTo(expected);
            assertThat(error.text()).contains("redo log", "bucket says no");
        });
        RedoSinkFactory factory = new RedoSinkFactory(target, store);
        assertThatThrownBy(() -> factory.testOpen(spec()))
                .hasMessageContaining("consistent.storage")
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.REDO_STORAGE_UNUSABLE);
    }

    private List<byte[]> logFiles() {
        return store.files.entrySet().stream()
                .filter(file -> file.getKey().endsWith(".log"))
                .map(Map.Entry::getValue)
                .toList();
    }

    @Test
    void filesAreLz4FramesIfAsked() {
        for (String compression : List.of("lz4", "none")) {
            store.files.clear();
            try (Sink sink = open(100, "redo-compression", compression)) {
                give(sink, insert(110, 0, true, 1, "a"));
                work(sink, () -> !logFiles().isEmpty());
                assertThat(java.nio.ByteBuffer.wrap(logFiles().getFirst()).getInt() == 0x04224D18)
                        .as(compression)
                        .isEqualTo(compression.equals("lz4"));
            }
        }
    }

    @Test
    void aFileClosesAtItsSizeAndNotBeforeItsTime() throws Exception {
        try (Sink sink = open(100, "redo-flush-interval", "600000", "redo-max-log-size", "1")) {
            sink.doWork(System.nanoTime());
            give(sink, insert(110, 0, true, 1, "x".repeat(600_000)));
            for (int i = 0; i < 100; i++) {
                sink.doWork(System.nanoTime());
                Thread.sleep(1);
            }
            assertThat(logFiles()).isEmpty();
            give(sink, insert(120, 0, true, 2, "x".repeat(600_000)));
            work(sink, () -> !logFiles().isEmpty());
            assertThat(logFiles())
                    .singleElement()
                    .satisfies(file -> assertThat(file.length).isGreaterThan(1_200_000));
        }
        assertThat(RedoConfig.of(spec("redo-max-log-size", "5000")).orElseThrow().maxLogBytes())
                .isEqualTo(1 << 30);
        assertThat(RedoConfig.of(spec("redo-max-log-size", "0")).orElseThrow().maxLogBytes())
                .isEqualTo(64 << 20);
    }

    @Test
    void theMetaFileKeepsItsInterval() throws Exception {
        try (Sink sink = open(100, "redo-meta-flush-interval", "600000")) {
            work(sink, () -> !store.files.isEmpty());
            give(sink, insert(110, 0, true, 1, "a"));
            work(sink, () -> !logFiles().isEmpty());
            for (int i = 0; i < 100; i++) {
                sink.doWork(System.nanoTime());
                Thread.sleep(1);
            }
            assertThat(meta().resolvedTso()).isEqualTo(100);
            assertThat(target.tsos).isEmpty();
        }
    }

    @Test
    void aFileOnDiskGathersWhatComes() throws Exception {
        for (String onDisk : List.of("true", "false")) {
            Set<Path> before = gathered();
            try (Sink sink =
                    open(100, "redo-flush-interval", "600000", "redo-use-file-backend", onDisk)) {
                give(sink, insert(110, 0, true, 1, "x".repeat(1_200_000)));
                Set<Path> now = gathered();
                now.removeAll(before);
                assertThat(!now.isEmpty()).isEqualTo(onDisk.equals("true"));
                sink.flush();
                work(sink, () -> target.tsos.size() == 1);
                now.retainAll(gathered());
                assertThat(now).as("left behind").isEmpty();
            }
            target.tsos.clear();
        }
    }

    private static Set<Path> gathered() throws Exception {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir", "")))) {
            return files.filter(file -> file.getFileName().toString().startsWith("millrace-redo-"))
                    .collect(java.util.stream.Collectors.toSet());
        }
    }

    @Test
    void aRemovedJobLeavesNothing() {
        try (Sink sink = open(100)) {
            give(sink, insert(110, 0, true, 1, "a"));
            work(sink, () -> target.tsos.size() == 1);
        }
        store.files.put("somebody-elses", new byte[1]);
        RedoFiles other = new RedoFiles("node:1", "default/feed2");
        store.files.put(other.log(false, 5), new byte[0]);
        new RedoSinkFactory(target, store).forget(spec(), JOB);
        assertThat(store.files).hasSize(2).containsKey("somebody-elses");
    }
}
