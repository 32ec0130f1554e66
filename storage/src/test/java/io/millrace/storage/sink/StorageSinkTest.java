package io.millrace.storage.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import com.sun.net.httpserver.HttpServer;
import io.millrace.core.engine.JobMetrics;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SessionState;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.ColumnSelection;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkMetrics;
import io.millrace.core.spi.SinkSpec;
import io.millrace.storage.reader.StorageReader;
import io.millrace.storage.reader.StoredRows;
import io.millrace.storage.reader.StoredTable;
import io.millrace.storage.store.Stores;
import io.millrace.testkit.rows.TestPosition;
import io.millrace.testkit.rows.TestRowBatch;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class StorageSinkTest {
    private static final Instant NOW = Instant.parse("2026-11-21T10:00:00Z");
    private static final long START = 100;
    private static final String JOB = "default/feed";

    @TempDir Path folder;

    /** Plays the engine. */
    private static final class Driver implements Acks, AutoCloseable {
        final JobMetrics metrics = new JobMetrics();
        private final NavigableSet<Long> acked = new ConcurrentSkipListSet<>();
        private volatile @Nullable MillraceException failure;
        private Sink sink;
        private long nextSeq;
        private long now = System.nanoTime();

        @Override
        public void ack(long seq) {
            if (!acked.add(seq)) {
                throw new IllegalStateException("acked twice: " + seq);
            }
        }

        @Override
        public void fail(MillraceException error) {
            failure = error;
        }

        Driver send(RowBatch batch) {
            long seq = nextSeq++;
            await("offer", () -> sink.offer(seq, batch));
            return this;
        }

        Driver ddl(SchemaChange change) {
            drain();
            long seq = nextSeq++;
            await("offer of DDL", () -> sink.offer(seq, change, false));
            await("ack of DDL", () -> acked.contains(seq));
            return this;
        }

        Driver drain() {
            sink.flush();
            await("acks", () -> acked.size() == nextSeq);
            return this;
        }

        Driver passes(Duration time) {
            now += time.toNanos();
            sink.doWork(now);
            return this;
        }

        void await(String what, BooleanSupplier condition) {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (!condition.getAsBoolean()) {
                if (failure != null) {
                    throw new AssertionError("failed while waiting for " + what, failure);
                }
                assertThat(System.nanoTime()).as("timed out: " + what).isLessThan(deadline);
                sink.doWork(now);
                Thread.yield();
            }
        }

        @Override
        public void close() {
            sink.close();
        }
    }

    private Driver open(String options) {
        return open(options, START, false);
    }

    private Driver open(String options, long startTso, boolean again) {
        return open(spec(options), startTso, again);
    }

    private static Driver open(SinkSpec spec, long startTso, boolean again) {
        Driver driver = new Driver();
        driver.sink =
                new StorageSinkFactory(Clock.fixed(NOW, ZoneOffset.UTC))
                        .open(spec, context(driver, driver.metrics, startTso, again));
        // The sink looked at the clock while it opened.
        driver.now = System.nanoTime();
        driver.sink.doWork(driver.now);
        return driver;
    }

    private static SinkContext context(
            Acks acks, SinkMetrics metrics, long startTso, boolean again) {
        return new SinkContext(
                JOB,
                "127.0.0.1:8300",
                acks,
                startTso,
                again
                        ? Optional.of(new Checkpoint(new TestPosition(startTso, 0), startTso))
                        : Optional.empty(),
                again,
                metrics);
    }

    private SinkSpec spec(String options) {
        return SinkSpec.of("file://" + folder + "?" + options);
    }

    private static TableSchema table(String name, String... moreColumns) {
        List<Column> columns = new ArrayList<>();
        columns.add(Column.of("id", ColumnKind.INT));
        columns.add(Column.of("name", ColumnKind.VARCHAR));
        for (String more : moreColumns) {
            columns.add(Column.of(more, ColumnKind.VARCHAR));
        }
        return new TableSchema(
                1,
                1,
                new TableName("test", name),
                columns,
                List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));
    }

    private static RowBatch insert(TableSchema table, long tso, int event, int id, String name) {
        return TestRowBatch.insert(table, tso, event, true, TestRowBatch.row(id, name));
    }

    private static SchemaChange ddl(
            long tso, DdlKind kind, String query, TableSchema before, TableSchema after) {
        return new SchemaChange(
                tso,
                new TestPosition(tso, 0),
                query,
                "test",
                List.of(
                        new SchemaChange.Change(
                                kind,
                                before.name(),
                                after == before || after.name().equals(before.name())
                                        ? Optional.empty()
                                        : Optional.of(after.name()),
                                Optional.of(before),
                                Optional.of(after),
                                query)));
    }

    private TreeMap<String, String> files() throws IOException {
        TreeMap<String, String> found = new TreeMap<>();
        try (ObjectStore store = new Stores().open(spec("").uri())) {
            for (ObjectStore.Entry entry : store.list("")) {
                found.put(entry.name(), new String(store.get(entry.name()), UTF_8));
            }
        }
        return found;
    }

    private String data() throws IOException {
        StringBuilder all = new StringBuilder();
        files().forEach((name, content) -> {
            if (name.matches(".*/CDC[0-9]+\\.(csv|json)")) {
                all.append(content);
            }
        });
        return all.toString();
    }

    /** A bucket that takes everything and holds nothing; the requests that parts are made of. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void flushConcurrencyIsTheNumberOfPartsOfALargeFileAtATime(int parts) throws Exception {
        List<String> writes = Collections.synchronizedList(new ArrayList<>());
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext(
                "/",
                exchange -> {
                    exchange.getRequestBody().readAllBytes();
                    String method = exchange.getRequestMethod();
                    String query =
                            Objects.requireNonNullElse(exchange.getRequestURI().getQuery(), "");
                    String answer =
                            query.equals("uploads")
                                    ? "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                                            + "</InitiateMultipartUploadResult>"
                                    : method.equals("POST")
                                            ? "<CompleteMultipartUploadResult/>"
                                            : query.contains("list-type")
                                                    ? "<ListBucketResult/>"
                                                    : "<Error><Code>NoSuchKey</Code></Error>";
                    if (exchange.getRequestURI().getPath().endsWith(".csv")) {
                        writes.add(method + " " + query.replaceFirst("&?uploadId=u1&?", ""));
                    }
                    exchange.getResponseHeaders().set("ETag", "\"1\"");
                    boolean found = !method.matches("GET|HEAD") || query.contains("list-type");
                    byte[] body = answer.getBytes(UTF_8);
                    boolean silent = method.equals("HEAD");
                    exchange.sendResponseHeaders(found ? 200 : 404, silent ? -1 : body.length);
                    if (!silent) {
                        exchange.getResponseBody().write(body);
                    }
                    exchange.close();
                });
        server.start();
        try (Driver driver =
                open(
                        SinkSpec.of(
                                "s3://b/p?protocol=csv&file-size=67108864&access-key=k"
                                        + "&secret-access-key=s&flush-concurrency="
                                        + parts
                                        + "&endpoint=http://127.0.0.1:"
                                        + server.getAddress().getPort()),
                        START,
                        false)) {
            TableSchema t = table("t");
            String megabyte = "x".repeat(1 << 20);
            for (int i = 0; i < 18; i++) {
                driver.send(insert(t, 200 + i, 0, i, megabyte));
            }
            driver.drain();
        } finally {
            server.stop(0);
        }
        if (parts == 1) {
            assertThat(writes).containsExactly("PUT ");
        } else {
            assertThat(writes)
                    .containsExactlyInAnyOrder(
                            "POST uploads",
                            "PUT partNumber=1",
                            "PUT partNumber=2",
                            "PUT partNumber=3",
                            "POST ");
        }
    }

    /** Of an hour that comes twice a text would not tell which one is meant. */
    @Test
    void parquetFilesWantRowsInUtc() {
        StorageSinkFactory factory = new StorageSinkFactory(Clock.systemUTC());
        assertThat(
                        factory.timestampZone(
                                SinkSpec.of("file:///x?protocol=parquet"), "Europe/Berlin"))
                .isEqualTo("UTC");
        assertThat(factory.timestampZone(SinkSpec.of("file:///x?protocol=csv"), "Europe/Berlin"))
                .isEqualTo("Europe/Berlin");
    }

    @Test
    void layoutIsTiCdcs() throws Exception {
        TableSchema t = table("t");
        try (Driver driver = open("protocol=csv&csv-include-commit-ts=true&date-separator=day")) {
            driver.send(insert(t, 200, 0, 1, "a")).send(insert(t, 201, 0, 2, "b\"c")).drain();
            driver.send(
                            TestRowBatch.update(
                                    t,
                                    202,
                                    0,
                                    true,
                                    TestRowBatch.row(1, "a"),
                                    TestRowBatch.row(9, "a"),
                                    TestRowBatch.row(2, "b"),
                                    TestRowBatch.row(2, "z")))
                    .drain();
            driver.sink.resolved(202);
            driver.passes(Duration.ofSeconds(3));
            driver.await("metadata", () -> Files.exists(folder.resolve("metadata")));
            assertThat(driver.metrics.value(SinkMetric.STORAGE_FILE_COUNT)).isEqualTo(2);
            assertThat(driver.metrics.value(SinkMetric.STORAGE_WRITE_BYTES)).isEqualTo(133);
            assertThat(driver.metrics.value(SinkMetric.STORAGE_BUSY)).isPositive();
            for (SinkMetric metric :
                    List.of(SinkMetric.STORAGE_WRITE_DURATION, SinkMetric.STORAGE_FLUSH_DURATION)) {
                assertThat(Objects.requireNonNull(driver.metrics.histogram(metric)).isEmpty())
                        .as("%s", metric)
                        .isFalse();
            }
        }
        TreeMap<String, String> files = files();
        String version = "test/t/100/2026-11-21/";
        assertThat(files.get(version + "CDC00000000000000000001.csv"))
                .isEqualTo(
                        "\"I\",\"t\",\"test\",200,1,\"a\"\r\n\"I\",\"t\",\"test\",201,2,\"b\"\"c\"\r\n");
        assertThat(files.get(version + "CDC00000000000000000002.csv"))
                .as("an update of the key is two rows")
                .isEqualTo(
                        "\"D\",\"t\",\"test\",202,1,\"a\"\r\n\"I\",\"t\",\"test\",202,9,\"a\"\r\n"
                                + "\"U\",\"t\",\"test\",202,2,\"z\"\r\n");
        assertThat(files.get(version + "meta/CDC.index"))
                .isEqualTo("CDC00000000000000000002.csv\n");
        assertThat(files.get("metadata")).isEqualTo("{\"checkpoint-ts\":202}");
        assertThat(files.keySet().stream().filter(name -> name.startsWith("test/t/meta/")))
                .singleElement()
                .asString()
                .startsWith("test/t/meta/schema_100_");
        assertThat(files).hasSize(6);
    }

    @Test
    void rawChangeEventsStayWholeAndNumbersAreAsWideAsAsked() throws Exception {
        TableSchema t = table("t");
        try (Driver driver =
                open(
                        "protocol=csv&output-raw-change-event=true&file-index-width=6&terminator=%0A")) {
            driver.send(
                            TestRowBatch.update(
                                    t,
                                    202,
                                    0,
                                    true,
                                    TestRowBatch.row(1, "a"),
                                    TestRowBatch.row(9, "a")))
                    .drain();
        }
        assertThat(files().get("test/t/100/CDC000001.csv"))
                .isEqualTo("\"U\",\"t\",\"test\",9,\"a\"\n");
    }

    @Test
    void canalJsonIsOneMessagePerLine() throws Exception {
        TableSchema t = table("t");
        try (Driver driver = open("protocol=canal-json&file-index-width=99")) {
            driver.send(insert(t, 200, 0, 1, "a")).send(insert(t, 201, 0, 2, "b")).drain();
        }
        String content = files().getOrDefault("test/t/100/CDC00000000000000000001.json", "");
        assertThat(content).endsWith("}\r\n");
        assertThat(content.split("\r\n"))
                .hasSize(2)
                .allSatisfy(line -> assertThat(line).startsWith("{\"id\":0,\"database\":\"test\""));
    }

    /** All rows below a place, as texts. */
    private static List<String> stored(String uri) throws IOException {
        List<String> found = new ArrayList<>();
        try (StorageReader reader = StorageReader.open(uri)) {
            for (StoredTable version : reader.tables()) {
                for (String file : version.files()) {
                    try (StoredRows rows = reader.rows(version, file)) {
                        rows.forEachRemaining(row ->
                                found.add(
                                        row.op()
                                                + " "
                                                + row.commitTso()
                                                + " "
                                                + row.before().values()
                                                + row.after().values()));
                    }
                }
            }
        }
        return found;
    }

    @Test
    void parquetFilesLieAsOthersDo() throws Exception {
        TableSchema t = table("t");
        Object[] a = TestRowBatch.row(1, "a");
        String options = "protocol=parquet&date-separator=day&file-index-width=6";
        try (Driver driver = open(options)) {
            driver.send(insert(t, 200, 0, 1, "a")).send(insert(t, 201, 0, 2, "b")).drain();
            driver.send(TestRowBatch.update(t, 202, 0, true, a, TestRowBatch.row(9, "a")))
                    .send(TestRowBatch.update(t, 203, 0, true, a, TestRowBatch.row(1, "z")))
                    .send(TestRowBatch.delete(t, 204, 0, true, TestRowBatch.row(1, "z")))
                    .drain();
        }
        assertThat(files().keySet())
                .contains(
                        "test/t/100/2026-11-21/CDC000001.parquet",
                        "test/t/100/2026-11-21/CDC000002.parquet",
                        "test/t/100/2026-11-21/meta/CDC.index");
        assertThat(files().get("test/t/100/2026-11-21/meta/CDC.index"))
                .isEqualTo("CDC000002.parquet\n");
        assertThat(stored("file://" + folder))
                .containsExactly(
                        "1 200 [][1, a]",
                        "1 201 [][2, b]",
                        "3 202 [1, a][]",
                        "1 202 [][9, a]",
                        "2 203 [][1, z]",
                        "3 204 [1, z][]");
        try (Driver driver =
                open(
                        options + "&csv-output-old-value=true&output-raw-change-event=true",
                        204,
                        true)) {
            driver.send(TestRowBatch.update(t, 205, 0, true, a, TestRowBatch.row(9, "a"))).drain();
        }
        assertThat(stored("file://" + folder)).last().isEqualTo("2 205 [1, a][9, a]");
    }

    @Test
    void ddlOpensAVersionAndARestartFindsIt() throws Exception {
        TableSchema t = table("t");
        TableSchema wider = table("t", "more");
        TableSchema renamed = table("u", "more");
        try (Driver driver = open("protocol=csv")) {
            driver.send(insert(t, 200, 0, 1, "a"));
            driver.ddl(ddl(300, DdlKind.ADD_COLUMN, "alter table t add more text", t, wider));
            driver.send(TestRowBatch.insert(wider, 301, 0, true, TestRowBatch.row(2, "b", "x")));
            driver.ddl(ddl(400, DdlKind.TRUNCATE_TABLE, "truncate table t", wider, wider));
            driver.send(TestRowBatch.insert(wider, 401, 0, true, TestRowBatch.row(3, "c", "x")));
            driver.ddl(ddl(500, DdlKind.RENAME_TABLE, "rename table t to u", wider, renamed));
            driver.send(TestRowBatch.insert(renamed, 501, 0, true, TestRowBatch.row(4, "d", "x")));
            driver.drain();
        }
        try (Driver driver = open("protocol=csv", 501, true)) {
            driver.send(
                            TestRowBatch.insert(
                                    table("u", "more"),
                                    502,
                                    0,
                                    true,
                                    TestRowBatch.row(5, "e", "x")))
                    .drain();
        }
        TreeMap<String, String> files = files();
        assertThat(files.keySet().stream().filter(name -> name.contains("/CDC0")))
                .containsExactly(
                        "test/t/100/CDC00000000000000000001.csv",
                        "test/t/300/CDC00000000000000000001.csv",
                        "test/t/400/CDC00000000000000000001.csv",
                        "test/u/500/CDC00000000000000000001.csv",
                        "test/u/500/CDC00000000000000000002.csv");
        assertThat(
                        files.entrySet().stream()
                                .filter(file -> file.getKey().contains("meta/schema_400_"))
                                .map(java.util.Map.Entry::getValue))
                .singleElement()
                .asString()
                .contains("\"Query\": \"truncate table t\"", "\"Type\": 11");
    }

    /** Columns change, but an event filter left out the DDL that changed them. */
    @Test
    void columnsWithoutTheirDdlMakeAVersionToo() throws Exception {
        TableSchema t = table("t");
        TableSchema wider = table("t", "more");
        try (Driver driver = open("protocol=csv&csv-include-commit-ts=true")) {
            driver.send(insert(t, 200, 0, 1, "a"));
            driver.send(TestRowBatch.insert(wider, 300, 0, true, TestRowBatch.row(2, "b", "x")));
            driver.send(TestRowBatch.insert(wider, 301, 0, true, TestRowBatch.row(3, "b", "x")));
            driver.send(insert(t, 400, 0, 4, "a")).drain();
            driver.send(insert(t, 401, 0, 5, "a")).drain();
        }
        try (Driver driver = open("protocol=csv&csv-include-commit-ts=true", 401, true)) {
            driver.send(insert(table("t"), 500, 0, 6, "a")).drain();
            driver.send(TestRowBatch.insert(wider, 600, 0, true, TestRowBatch.row(7, "b", "x")));
            driver.drain();
        }
        assertThat(files().keySet().stream().filter(name -> name.contains("/CDC0")))
                .containsExactly(
                        "test/t/100/CDC00000000000000000001.csv",
                        "test/t/300/CDC00000000000000000001.csv",
                        "test/t/400/CDC00000000000000000001.csv",
                        "test/t/400/CDC00000000000000000002.csv",
                        "test/t/400/CDC00000000000000000003.csv",
                        "test/t/600/CDC00000000000000000001.csv");
        assertThat(files().keySet().stream().filter(name -> name.contains("/schema_"))).hasSize(4);
        List<Object> ids = new ArrayList<>();
        try (StorageReader reader =
                StorageReader.open("file://" + folder + "?csv-include-commit-ts=true")) {
            for (StoredTable version : reader.tables()) {
                for (String file : version.files()) {
                    reader.rows(version, file)
                            .forEachRemaining(row -> ids.add(row.after().get("id")));
                }
            }
        }
        assertThat(ids)
                .as("in the order of the changes")
                .containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L);
    }

    @Test
    void filesAreReadWithTheTerminatorTheyWereWrittenWith() throws Exception {
        TableSchema t = table("t");
        for (String protocol : List.of("csv", "canal-json")) {
            for (String terminator : List.of("%0D%0A", "%0A", "%7C", "%7D", "end")) {
                String place = "file://" + folder.resolve(protocol + terminator.length()) + "/";
                String uri =
                        place
                                + terminator.replace("%", "")
                                + "?protocol="
                                + protocol
                                + "&terminator=";
                Driver driver = new Driver();
                driver.sink =
                        new StorageSinkFactory(Clock.fixed(NOW, ZoneOffset.UTC))
                                .open(
                                        SinkSpec.of(uri + terminator),
                                        context(driver, driver.metrics, START, false));
                driver.send(insert(t, 200, 0, 1, "a|b}{\"end"))
                        .send(insert(t, 201, 0, 2, "b"))
                        .send(insert(t, 202, 0, 3, "c"))
                        .drain();
                driver.close();
                assertThat(names(uri + terminator))
                        .as(protocol + terminator)
                        .containsExactly("a|b}{\"end", "b", "c");
                if (protocol.equals("canal-json")) {
                    assertThatThrownBy(() -> names(uri + "%0D"))
                            .as("another terminator than " + terminator)
                            .isInstanceOf(MillraceException.class)
                            .hasMessageContaining("line ")
                            .hasMessageContaining(".json");
                }
            }
        }
    }

    private static List<Object> names(String uri) throws IOException {
        List<Object> names = new ArrayList<>();
        try (StorageReader reader = StorageReader.open(uri)) {
            StoredTable only = reader.tables().getFirst();
            for (String file : only.files()) {
                try (StoredRows rows = reader.rows(only, file)) {
                    rows.forEachRemaining(
                            row -> names.add(Objects.requireNonNull(row.after().get("name"))));
                }
            }
        }
        return names;
    }

    /** Values are longer than what a reader holds at once. */
    @Test
    void filesAreReadPieceByPiece() throws Exception {
        TableSchema t = table("t");
        List<Object> expected = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            expected.add(("v" + i + "\r\n\"{,|").repeat(1 + i * 397 % 20_000));
        }
        for (String options :
                List.of(
                        "protocol=csv",
                        "protocol=csv&csv-quote=&csv-delimiter=%7C%2C%7C",
                        "protocol=canal-json",
                        "protocol=parquet")) {
            String uri = "file://" + folder.resolve("p" + options.hashCode()) + "?" + options;
            Driver driver = new Driver();
            driver.sink =
                    new StorageSinkFactory(Clock.fixed(NOW, ZoneOffset.UTC))
                            .open(SinkSpec.of(uri), context(driver, driver.metrics, START, false));
            for (int i = 0; i < expected.size(); i++) {
                driver.send(insert(t, 200 + i, 0, i, (String) expected.get(i)));
            }
            driver.drain().close();
            assertThat(names(uri)).as(options).isEqualTo(expected);
        }
    }

    @Test
    void theSettingsThatADdlRanWithAreKept() throws Exception {
        TableSchema t = table("t");
        SchemaChange plain = ddl(300, DdlKind.TRUNCATE_TABLE, "truncate table t", t, t);
        SessionState state =
                new SessionState(
                        1_764_000_000_000_001L,
                        "Europe/Berlin",
                        Optional.of(java.util.Set.of("ANSI_QUOTES", "STRICT_ALL_TABLES")),
                        "utf8mb4_bin",
                        "latin1_swedish_ci",
                        "utf8mb4_0900_ai_ci",
                        Optional.of(false));
        try (Driver driver = open("protocol=csv")) {
            driver.ddl(plain);
            driver.ddl(
                    new SchemaChange(
                            301,
                            new TestPosition(301, 0),
                            plain.query(),
                            plain.defaultSchema(),
                            state,
                            plain.changes()));
        }
        try (StorageReader reader = StorageReader.open("file://" + folder)) {
            assertThat(reader.ddls())
                    .extracting(ddl -> ddl.session())
                    .containsExactly(SessionState.UNKNOWN, state);
        }
        assertThat(files().keySet())
                .filteredOn(name -> name.contains("schema_"))
                .extracting(name -> name.replaceAll(".*schema_[0-9]+", ""))
                .as("the same checksum")
                .hasSize(2)
                .containsOnly(
                        files().keySet().stream()
                                .filter(name -> name.contains("schema_300"))
                                .findFirst()
                                .orElseThrow()
                                .replaceAll(".*schema_[0-9]+", ""));
    }

    /** Files are larger than any buffer that is made for a new table. */
    @ParameterizedTest
    @ValueSource(strings = {"csv", "canal-json"})
    void rowsCostNothingWhenTheBuffersAreThere(String protocol) {
        TableSchema t = table("t");
        Object[][] rows = new Object[1000][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = TestRowBatch.row(i, "x".repeat(1000));
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = 0;
        int measured = 0;
        try (Driver driver = open("file-size=8388608&protocol=" + protocol)) {
            for (int i = 0; i < 72; i++) {
                RowBatch batch = TestRowBatch.insert(t, 200 + i, 0, true, rows);
                // One file is filled while at most one other is written.
                long seq = driver.nextSeq++;
                driver.await("acks", () -> driver.acked.size() >= seq - 9);
                long before = threads.getCurrentThreadAllocatedBytes();
                assertThat(driver.sink.offer(seq, batch)).isTrue();
                if (i >= 36) {
                    allocated += threads.getCurrentThreadAllocatedBytes() - before;
                    measured += rows.length;
                }
            }
        }
        assertThat((double) allocated / measured).as("bytes per row").isLessThan(10);
    }

    @Test
    void rowsAreDecodedWhenAskedFor() throws Exception {
        TableSchema t = table("t");
        for (String protocol : List.of("csv", "canal-json")) {
            try (Driver driver = open("protocol=" + protocol)) {
                driver.send(insert(t, 200, 0, 1, "a")).drain();
            }
            new StorageSinkFactory(Clock.systemUTC()).forget(spec("protocol=csv"), JOB);
            for (String name : files().keySet()) {
                if (name.matches(".*/CDC0*[12]\\.(csv|json)")) {
                    Files.writeString(
                            folder.resolve(name),
                            "broken",
                            java.nio.file.StandardOpenOption.APPEND);
                }
            }
        }
        try (StorageReader reader = StorageReader.open("file://" + folder + "?protocol=csv")) {
            StoredTable only = reader.tables().getFirst();
            assertThat(only.files()).hasSize(2);
            for (String file : only.files()) {
                try (StoredRows rows = reader.rows(only, file)) {
                    assertThat(rows.next().after()).containsEntry("name", "a");
                    assertThatThrownBy(rows::next)
                            .isInstanceOf(MillraceException.class)
                            .hasMessageContaining(file)
                            .hasMessageContaining("line 2");
                }
            }
        }
    }

    @Test
    void aMissingOrEmptyFileGivesItsNumberBack() throws Exception {
        TableSchema t = table("t");
        try (Driver driver = open("protocol=csv&file-index-width=6")) {
            driver.send(insert(t, 200, 0, 1, "a")).drain();
            driver.send(insert(t, 201, 0, 2, "b")).drain();
        }
        Files.write(folder.resolve("test/t/100/CDC000002.csv"), new byte[0]);
        try (Driver driver = open("protocol=csv&file-index-width=6", 250, true)) {
            driver.send(insert(t, 300, 0, 3, "c")).drain();
        }
        assertThat(files().get("test/t/100/CDC000002.csv")).contains("3,\"c\"");
        assertThat(files()).doesNotContainKey("test/t/100/CDC000003.csv");
    }

    @Test
    void rowsOfFinishedFilesAreNotWrittenTwice() throws Exception {
        TableSchema t = table("t");
        TableSchema u = table("u");
        try (Driver driver = open("protocol=csv")) {
            driver.send(TestRowBatch.insert(t, 200, 0, false, TestRowBatch.row(1, "a")));
            driver.send(TestRowBatch.insert(u, 200, 1, false, TestRowBatch.row(1, "a")));
            driver.send(TestRowBatch.insert(t, 200, 2, false, TestRowBatch.row(2, "b"))).drain();
            // Accepted, but in no file when the process dies.
            driver.send(TestRowBatch.insert(t, 200, 3, true, TestRowBatch.row(3, "c")));
        }
        // The job's own checkpoint never moved.
        try (Driver driver = open("protocol=csv")) {
            driver.send(TestRowBatch.insert(t, 200, 0, false, TestRowBatch.row(1, "a")));
            driver.send(TestRowBatch.insert(u, 200, 1, false, TestRowBatch.row(1, "a")));
            driver.send(TestRowBatch.insert(t, 200, 2, false, TestRowBatch.row(2, "b")));
            driver.send(TestRowBatch.insert(t, 200, 3, true, TestRowBatch.row(3, "c"))).drain();
        }
        assertThat(data().lines())
                .containsExactlyInAnyOrder(
                        "\"I\",\"t\",\"test\",1,\"a\"",
                        "\"I\",\"t\",\"test\",2,\"b\"",
                        "\"I\",\"t\",\"test\",3,\"c\"",
                        "\"I\",\"u\",\"test\",1,\"a\"");
        new StorageSinkFactory(Clock.systemUTC()).distrustProgress(spec("protocol=csv"), JOB);
        try (Driver driver = open("protocol=csv")) {
            driver.send(TestRowBatch.insert(u, 200, 1, true, TestRowBatch.row(1, "a"))).drain();
        }
        assertThat(data().lines().filter(line -> line.contains("\"u\""))).hasSize(2);
        new StorageSinkFactory(Clock.systemUTC()).forget(spec("protocol=csv"), JOB);
        assertThat(files()).doesNotContainKey(Progress.nameOf(JOB));
    }

    /** A store whose writes are up to a subclass. */
    private abstract static class ForwardingStore implements ObjectStore {
        final ObjectStore store;

        ForwardingStore(ObjectStore store) {
            this.store = store;
        }

        @Override
        public byte[] get(String name) throws IOException {
            return store.get(name);
        }

        @Override
        public boolean exists(String name) throws IOException {
            return store.exists(name);
        }

        @Override
        public void delete(String name) throws IOException {
            store.delete(name);
        }

        @Override
        public List<Entry> list(String prefix) throws IOException {
            return store.list(prefix);
        }

        @Override
        public String location() {
            return store.location();
        }
    }

    /** A store that dies before or after one of its writes. */
    private static final class Mortal extends ForwardingStore {
        private final AtomicInteger left;
        private final boolean before;

        Mortal(ObjectStore store, AtomicInteger left, boolean before) {
            super(store);
            this.left = left;
            this.before = before;
        }

        @Override
        public void put(String name, byte[] content, int offset, int length) throws IOException {
            int now = left.decrementAndGet();
            if (now < 0 || now == 0 && before) {
                throw new IOException("dead");
            }
            store.put(name, content, offset, length);
            if (now == 0) {
                throw new IOException("dead");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"csv", "parquet"})
    void deathAtAnyWriteLosesAndRepeatsNothing(String protocol) throws Exception {
        TableSchema t = table("t");
        TableSchema u = table("u");
        for (int write = 1; write < 24; write++) {
            Path root = Files.createDirectories(folder.resolve("run" + write));
            SinkSpec spec =
                    SinkSpec.of(
                            "file://" + root + "?csv-include-commit-ts=true&protocol=" + protocol);
            AtomicInteger left = new AtomicInteger(write);
            boolean finished = false;
            for (int life = 0; life < 4 && !finished; life++) {
                if (life > 0) {
                    left.set(life == 3 ? Integer.MAX_VALUE : write);
                }
                Driver driver = new Driver();
                ObjectStore store = new Mortal(new Stores().open(spec.uri()), left, write % 2 == 0);
                try {
                    StorageConfig config = StorageConfig.parse(spec);
                    driver.sink =
                            new StorageSink(
                                    config,
                                    FileFormat.of(spec, config.format(), Clock.systemUTC()),
                                    ColumnSelection.of(spec),
                                    store,
                                    Progress.load(store, JOB, 0),
                                    context(driver, driver.metrics, START, false),
                                    Clock.systemUTC());
                    for (int i = 0; i < 12; i++) {
                        driver.send(insert(i % 3 == 0 ? u : t, 200 + i, 0, i, "x"));
                        if (i % 4 == 3 - life) {
                            driver.drain();
                        }
                    }
                    driver.drain();
                    finished = true;
                } catch (IOException | AssertionError dead) {
                    assertThat(left.get())
                            .as("an error of its own: " + dead)
                            .isLessThanOrEqualTo(0);
                } finally {
                    if (driver.sink != null) {
                        driver.close();
                    }
                }
            }
            assertThat(finished).isTrue();
            List<String> rows = stored(spec.uri().toString());
            assertThat(rows).as("dying at write " + write).hasSize(12).doesNotHaveDuplicates();
        }
    }

    @Test
    void wholeTransactionsStayInOneFile() throws Exception {
        TableSchema t = table("t");
        String big = "x".repeat(400_000);
        String options = "protocol=csv&file-size=1048576&file-index-width=6&transaction-atomicity=";
        for (String atomicity : List.of("none", "table")) {
            try (Driver driver = open(options + atomicity)) {
                long tso = atomicity.equals("none") ? 200 : 300;
                for (int i = 0; i < 5; i++) {
                    driver.send(TestRowBatch.insert(t, tso, i, i == 4, TestRowBatch.row(i, big)));
                    driver.passes(Duration.ofSeconds(6));
                }
                driver.drain();
            }
        }
        TreeMap<String, String> files = files();
        List<Long> rows =
                files.entrySet().stream()
                        .filter(file -> file.getKey().endsWith(".csv"))
                        .map(file -> file.getValue().lines().count())
                        .toList();
        assertThat(rows.getLast()).as("rows of the last file of " + rows).isEqualTo(5);
        assertThat(rows.size()).isGreaterThan(2);
    }

    @Test
    void manySmallTransactionsShareFiles() throws Exception {
        TableSchema t = table("t");
        try (Driver driver = open("protocol=csv")) {
            for (int i = 0; i < 20_000; i++) {
                driver.send(insert(t, 200 + i, 0, i, "x"));
            }
            driver.drain();
        }
        assertThat(data().lines()).hasSize(20_000);
        assertThat(files().keySet().stream().filter(name -> name.endsWith(".csv")))
                .as("8192 events each")
                .hasSize(3);
    }

    @Test
    void filesCloseByTime() throws Exception {
        TableSchema t = table("t");
        try (Driver driver = open("protocol=csv&flush-interval=2s")) {
            driver.send(insert(t, 200, 0, 1, "a"));
            driver.passes(Duration.ofMillis(1900));
            Thread.sleep(50);
            assertThat(driver.acked).isEmpty();
            driver.passes(Duration.ofMillis(200));
            driver.await("ack", () -> driver.acked.size() == 1);
        }
        assertThat(data()).contains("1,\"a\"");
    }

    @Test
    void metadataNeverGoesBack() throws Exception {
        try (Driver driver = open("protocol=csv")) {
            driver.sink.resolved(900);
            driver.passes(Duration.ofSeconds(3));
            driver.await("metadata", () -> Files.exists(folder.resolve("metadata")));
        }
        try (Driver driver = open("protocol=csv", 500, true)) {
            driver.sink.resolved(600);
            driver.passes(Duration.ofSeconds(3));
        }
        // Closing has waited for whatever was being written.
        assertThat(files().get("metadata")).isEqualTo("{\"checkpoint-ts\":900}");
    }

    @Test
    void expiredFilesAreDeleted() throws Exception {
        try (ObjectStore store = new Stores().open(spec("").uri())) {
            for (String day : List.of("2026-11-01", "2026-11-20")) {
                store.put("s/t/1/" + day + "/CDC1.csv", new byte[1]);
                store.put("s/t/1/" + day + "/meta/CDC.index", new byte[1]);
            }
            store.put("s/t/meta/schema_1_0000000001.json", new byte[1]);
            assertThat(Cleanup.deleteExpired(store, LocalDate.parse("2026-11-15"))).isEqualTo(2);
            assertThat(store.list("s/t/1/2026-11-01/")).isEmpty();
            assertThat(store.list("")).hasSize(3);
        }
    }

    /** Counts how many data files are written at a time, and takes its time. */
    private static final class Slow extends ForwardingStore {
        private final AtomicInteger now;
        private final AtomicInteger most;

        Slow(ObjectStore store, AtomicInteger now, AtomicInteger most) {
            super(store);
            this.now = now;
            this.most = most;
        }

        @Override
        public void put(String name, byte[] content, int offset, int length) throws IOException {
            if (!name.endsWith(".csv")) {
                store.put(name, content, offset, length);
                return;
            }
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            try {
                Thread.sleep(50);
                store.put(name, content, offset, length);
            } catch (InterruptedException e) {
                throw new IOException(e);
            } finally {
                now.decrementAndGet();
            }
        }
    }

    @Test
    void asManyFilesAreWrittenAtATimeAsThereAreWorkers() throws Exception {
        for (int workers : new int[] {1, 3}) {
            Path root = Files.createDirectories(folder.resolve("workers" + workers));
            SinkSpec spec = SinkSpec.of("file://" + root + "?protocol=csv&worker-count=" + workers);
            StorageConfig config = StorageConfig.parse(spec);
            AtomicInteger most = new AtomicInteger();
            Mortal whole =
                    new Mortal(
                            new Stores().open(spec.uri()),
                            new AtomicInteger(Integer.MAX_VALUE),
                            true);
            ObjectStore store = new Slow(whole, new AtomicInteger(), most);
            try (Driver driver = new Driver()) {
                driver.sink =
                        new StorageSink(
                                config,
                                FileFormat.of(spec, config.format(), Clock.systemUTC()),
                                ColumnSelection.of(spec),
                                store,
                                Progress.load(store, JOB, 0),
                                context(driver, driver.metrics, START, false),
                                Clock.systemUTC());
                for (int i = 0; i < 12; i++) {
                    driver.send(insert(table("t" + i), 200 + i, 0, i, "x"));
                }
                driver.drain();
            }
            assertThat(most.get()).isEqualTo(workers);
        }
    }

    @Test
    void aSinkWithAnExpirationDeletesByItself() throws Exception {
        Path old = folder.resolve("s/t/1/2026-11-01/CDC1.csv");
        Path kept = folder.resolve("s/t/1/2026-11-20/CDC1.csv");
        for (Path file : List.of(old, kept)) {
            Files.createDirectories(Objects.requireNonNull(file.getParent()));
            Files.write(file, new byte[1]);
        }
        try (Driver driver =
                open(
                        "protocol=csv&date-separator=day&file-expiration-days=3"
                                + "&file-cleanup-cron-spec=* * * * * *")) {
            driver.await("the clean-up", () -> !Files.exists(old));
        }
        assertThat(kept).exists();
    }

    @Test
    void nullsLookAsAsked() throws Exception {
        TableSchema t = table("t");
        try (Driver driver = open("protocol=csv&csv-null=nil")) {
            driver.send(TestRowBatch.insert(t, 200, 0, true, TestRowBatch.row(1, null))).drain();
        }
        assertThat(data()).isEqualTo("\"I\",\"t\",\"test\",1,nil\r\n");
    }

    @Test
    void selectedColumnsAreInRowsHeadersAndSchemaFiles() throws Exception {
        TableSchema t = table("t", "more");
        SinkSpec spec =
                new SinkSpec(
                        spec("protocol=csv&csv-output-field-header=true&output-column-id=true")
                                .uri(),
                        Map.of(),
                        List.of(),
                        List.of(
                                new SinkSpec.ColumnSelector(
                                        List.of("test.t"), List.of("*", "!name"))),
                        true,
                        false,
                        "UTC");
        try (Driver driver = open(spec, START, false)) {
            driver.send(TestRowBatch.insert(t, 200, 0, true, TestRowBatch.row(1, "hidden", "x")))
                    .drain();
        }
        assertThat(data())
                .isEqualTo(
                        "ticdc-meta$operation,ticdc-meta$table,ticdc-meta$schema,id,more\r\n"
                                + "\"I\",\"t\",\"test\",1,\"x\"\r\n");
        assertThat(schemaFile())
                .contains("\"ColumnName\":\"id\"", "\"ColumnName\":\"more\"", "\"ColumnId\"")
                .doesNotContain("\"name\"");
    }

    @Test
    void columnIdsAreInSchemaFilesOnlyIfAsked() throws Exception {
        try (Driver driver = open("protocol=csv")) {
            driver.send(insert(table("t"), 200, 0, 1, "a")).drain();
        }
        assertThat(schemaFile()).contains("\"ColumnName\":\"id\"").doesNotContain("ColumnId");
    }

    private String schemaFile() throws IOException {
        return files().entrySet().stream()
                .filter(file -> file.getKey().contains("/meta/schema_"))
                .map(file -> file.getValue().replaceAll("\\s+", ""))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void sizesOfFilesAreBroughtIntoTheirRange() {
        assertThat(StorageConfig.parse(spec("protocol=csv&file-size=-1")).fileBytes())
                .isEqualTo(1 << 20);
        assertThat(StorageConfig.parse(spec("protocol=csv&file-size=99999999999")).fileBytes())
                .isEqualTo(512 << 20);
        assertThat(StorageConfig.parse(spec("protocol=csv")).fileBytes()).isEqualTo(64 << 20);
    }

    @Test
    void badOptionsAreNamed() {
        StorageSinkFactory factory = new StorageSinkFactory(Clock.systemUTC());
        List<String> bad =
                List.of(
                        "worker-count=0",
                        "file-size=big",
                        "flush-interval=soon",
                        "flush-concurrency=513",
                        "date-separator=hour",
                        "file-expiration-days=3",
                        "parquet-compression=zstd",
                        "file-cleanup-cron-spec=daily",
                        "transaction-atomicity=global",
                        "output-column-id=maybe",
                        "csv-delimiter=",
                        "csv-quote=xx",
                        "csv-binary-encoding-method=octal");
        for (String option : bad) {
            assertThatThrownBy(() -> factory.validate(spec("protocol=csv&" + option)))
                    .as(option)
                    .isInstanceOf(MillraceException.class)
                    .extracting(e -> ((MillraceException) e).text().replaceAll("[._]", "-"))
                    .asString()
                    .contains(
                            option.startsWith("transaction")
                                    ? "atomicity"
                                    : option.substring(0, option.indexOf('=')).replace('_', '-'));
        }
        for (String protocol : List.of("", "avro", "open-protocol")) {
            assertThatThrownBy(() -> factory.validate(spec("protocol=" + protocol)))
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.SINK_UNKNOWN_PROTOCOL));
        }
        factory.validate(spec("protocol=CSV&date-separator=Day&file-expiration-days=1"));
        factory.testOpen(spec("protocol=csv"));
    }

    @Test
    void strangeNamesStayInTheirFolder() throws Exception {
        TableSchema t = table("../x%/y");
        try (Driver driver = open("protocol=csv")) {
            driver.send(insert(t, 200, 0, 1, "a")).drain();
        }
        assertThat(files()).containsKey("test/..%2Fx%25%2Fy/100/CDC00000000000000000001.csv");
        assertThat(Paths.part("..")).isEqualTo("%2E%2E");
    }
}
