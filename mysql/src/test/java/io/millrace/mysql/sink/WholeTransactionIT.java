package io.millrace.mysql.sink;

import static io.millrace.testkit.rows.TestRowBatch.delete;
import static io.millrace.testkit.rows.TestRowBatch.insert;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.engine.AckLedger;
import io.millrace.core.engine.Intake;
import io.millrace.core.engine.MemoryBudget;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestRowBatch;
import io.millrace.testkit.servers.DbServer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Source transactions that are held open in the target: none may be held for ever. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class WholeTransactionIT {
    private static final long WAIT_NANOS = 60_000_000_000L;

    private static final TableSchema A =
            SinkContract.table(
                    "a",
                    List.of(SinkContract.notNull("id", ColumnKind.BIGINT)),
                    SinkContract.primary(0));

    private static final TableSchema B =
            SinkContract.table(
                    "b",
                    List.of(SinkContract.notNull("id", ColumnKind.BIGINT)),
                    SinkContract.primary(0));

    private DbServer server;
    private int jobs;

    @BeforeAll
    void startTarget() {
        server = DbServer.mariadb().start();
    }

    @AfterAll
    void stopTarget() {
        server.close();
    }

    @BeforeEach
    void createTables() {
        jobs++;
        server.execute(
                "DROP DATABASE IF EXISTS d",
                "CREATE DATABASE d",
                "CREATE TABLE d.a (id BIGINT PRIMARY KEY)",
                "CREATE TABLE d.b (id BIGINT PRIMARY KEY)");
    }

    private String uri(String parameters) {
        return "mysql://root:"
                + server.rootPassword()
                + "@127.0.0.1:"
                + server.port()
                + "/?transaction-atomicity=table&"
                + parameters;
    }

    private Sink open(String parameters, String job, AckLedger ledger) {
        return new MySqlSinkFactory(SinkContract.CLOCK)
                .open(
                        SinkSpec.of(uri(parameters)),
                        new SinkContext(job, "127.0.0.1:8300", ledger, 0, Optional.empty(), false));
    }

    private long count(String table) throws Exception {
        return Long.parseLong(server.query("SELECT COUNT(*) FROM d." + table).orElseThrow());
    }

    /** The ledger stops offering long before the transaction ends. */
    @Test
    void aTransactionOfMoreEventsThanTheLedgerHoldsPasses() throws Exception {
        int events = Sink.MAX_UNACKED + 4_000;
        AckLedger ledger = new AckLedger(Optional.empty(), 1);
        long deadline = System.nanoTime() + WAIT_NANOS;
        try (Sink sink = open("worker-count=2", "whole/ledger", ledger)) {
            for (int e = 0; e < events; e++) {
                TestRowBatch batch =
                        insert(
                                e % 3 == 0 ? B : A,
                                SinkContract.NEW,
                                e,
                                e == events - 1,
                                row((long) e));
                while (!ledger.hasRoom()) {
                    await(sink, ledger, deadline);
                }
                long seq = ledger.append(batch);
                while (!sink.offer(seq, batch)) {
                    await(sink, ledger, deadline);
                }
            }
            while (ledger.inFlight() > 0) {
                await(sink, ledger, deadline);
            }
        }
        assertThat(count("a") + count("b")).isEqualTo(events);
    }

    private static void await(Sink sink, AckLedger ledger, long deadline) {
        ledger.failure()
                .ifPresent(e -> {
                    throw e;
                });
        if (System.nanoTime() > deadline) {
            throw new AssertionError(ledger.inFlight() + " events are not acked in time");
        }
        if (ledger.advance() + sink.doWork(System.nanoTime()) == 0) {
            LockSupport.parkNanos(50_000);
        }
    }

    /** Rows are freed while their transaction is still open. */
    @Test
    void aTransactionOfManyTimesTheMemoryQuotaPasses() throws Exception {
        int events = 200;
        String text = "x".repeat(100_000);
        server.execute("CREATE TABLE d.large (id BIGINT PRIMARY KEY, v LONGTEXT)");
        TableSchema large =
                SinkContract.table(
                        "large",
                        List.of(
                                SinkContract.notNull("id", ColumnKind.BIGINT),
                                Column.of("v", ColumnKind.LONGTEXT)),
                        SinkContract.primary(0));
        AckLedger ledger = new AckLedger(Optional.empty(), 1);
        MemoryBudget budget = new MemoryBudget(1 << 20);
        Intake intake = new Intake(budget);
        long deadline = System.nanoTime() + WAIT_NANOS;
        try (Sink sink = open("worker-count=2", "whole/quota", ledger)) {
            for (int e = 0; e < events; e++) {
                TestRowBatch batch =
                        insert(large, SinkContract.NEW, e, e == events - 1, row((long) e, text));
                assertThat(batch.sizeBytes()).isGreaterThan(100_000);
                while (!intake.tryEmit(batch)) {
                    await(sink, ledger, deadline);
                }
                intake.poll();
                long seq = ledger.append(batch);
                while (!sink.offer(seq, batch)) {
                    await(sink, ledger, deadline);
                }
                if (e < events - 1) {
                    ledger.advance();
                    assertThat(ledger.inFlight()).as("held open").isEqualTo(e + 1);
                }
            }
            while (ledger.inFlight() > 0) {
                await(sink, ledger, deadline);
            }
        }
        assertThat(count("large")).isEqualTo(events);
        assertThat(budget.used()).isZero();
    }

    /** The source transaction's last rows belong to a table that is not replicated. */
    @Test
    void aTransactionEndsWithoutItsLastBatch() throws Exception {
        try (SinkDriver sink =
                new SinkDriver(uri("worker-count=3"), "whole/" + jobs, SinkContract.CLOCK)) {
            sink.offer(insert(A, SinkContract.NEW, 0, false, row(1L)));
            sink.offer(insert(B, SinkContract.NEW, 1, false, row(1L)));
            sink.transactionEnded(SinkContract.NEW);
            sink.ddl(
                    SinkContract.ddl(
                            SinkContract.NEW + 1,
                            DdlKind.ADD_COLUMN,
                            "ALTER TABLE a ADD COLUMN c INT"),
                    false);
            assertThat(count("a") + count("b")).isEqualTo(2);

            // Without anything behind it, and with rows that the sink has not dealt out yet.
            TestRowBatch many = insert(B, SinkContract.NEW + 2, 0, false, rows(20_000));
            sink.offer(many);
            sink.transactionEnded(SinkContract.NEW + 2);
            sink.drain();
            assertThat(count("b")).isEqualTo(20_001);
        }
    }

    private static Object[][] rows(int count) {
        Object[][] all = new Object[count][];
        for (int i = 0; i < count; i++) {
            all[i] = row(i + 2L);
        }
        return all;
    }

    /** Each transaction is longer than a downstream one, and there is no pause between them. */
    @Test
    void aStreamWithoutPausesCommitsWhereTransactionsEnd() throws Exception {
        int events = 3 * Sink.MAX_UNACKED;
        AckLedger ledger = new AckLedger(Optional.empty(), 1);
        long deadline = System.nanoTime() + WAIT_NANOS;
        try (Sink sink = open("worker-count=1&max-txn-row=7", "whole/stream", ledger)) {
            for (int e = 0; e < events; e++) {
                long tso = SinkContract.NEW + e / 13;
                TestRowBatch batch =
                        e % 2 == 0
                                ? insert(A, tso, e % 13, e % 13 == 12, row((long) e / 2))
                                : delete(A, tso, e % 13, e % 13 == 12, row((long) e / 2));
                while (!ledger.hasRoom()) {
                    await(sink, ledger, deadline);
                }
                long seq = ledger.append(batch);
                while (!sink.offer(seq, batch)) {
                    await(sink, ledger, deadline);
                }
            }
            sink.transactionEnded(SinkContract.NEW + (events - 1) / 13);
            while (ledger.inFlight() > 0) {
                await(sink, ledger, deadline);
            }
        }
        assertThat(count("a")).isZero();
    }
}
