package io.millrace.mysql.sink;

import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.rows.TestRowBatch;
import io.millrace.testkit.servers.DbServer;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows per second of the sink alone, from batches in memory into a real server without durable
 * commits: {@code SinkThroughput mysql|mariadb rows workers,… [parameters]}. Not a test.
 */
public final class SinkThroughput {
    private static final TableSchema ORDERS =
            new TableSchema(
                    1,
                    1,
                    new TableName("b", "orders"),
                    List.of(
                            SinkContract.notNull("id", ColumnKind.BIGINT),
                            SinkContract.notNull("user_id", ColumnKind.INT),
                            SinkContract.notNull("status", ColumnKind.VARCHAR),
                            SinkContract.notNull("amount", ColumnKind.DECIMAL),
                            SinkContract.notNull("qty", ColumnKind.INT),
                            SinkContract.notNull("note", ColumnKind.VARCHAR),
                            SinkContract.notNull("created", ColumnKind.DATETIME),
                            SinkContract.notNull("score", ColumnKind.DOUBLE)),
                    List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));

    private SinkThroughput() {}

    /** See the class. */
    public static void main(String[] args) throws Exception {
        int rows = Integer.parseInt(args[1]);
        String parameters = args.length > 3 ? "&" + args[3] : "";
        DbServer.Builder builder =
                DbServer.of(DbServer.Flavor.valueOf(args[0].toUpperCase(java.util.Locale.ROOT)))
                        .option("innodb_flush_log_at_trx_commit", "0")
                        .option("sync_binlog", "0")
                        .option("innodb_buffer_pool_size", "1G")
                        .option("skip-log-bin", "")
                        .option("local_infile", "1");
        try (DbServer server = builder.start()) {
            for (String workers : args[2].split(",")) {
                server.execute(
                        "DROP DATABASE IF EXISTS b",
                        "DROP DATABASE IF EXISTS millrace",
                        "CREATE DATABASE b",
                        "CREATE TABLE b.orders (id BIGINT PRIMARY KEY, user_id INT NOT NULL, status"
                                + " VARCHAR(16) NOT NULL, amount DECIMAL(12,2) NOT NULL, qty INT NOT"
                                + " NULL, note VARCHAR(64) NOT NULL, created DATETIME NOT NULL,"
                                + " score DOUBLE NOT NULL)");
                String uri =
                        "mysql://root:millrace@127.0.0.1:"
                                + server.port()
                                + "/?worker-count="
                                + workers
                                + parameters;
                long[] tso = {SinkContract.NEW};
                try (SinkDriver sink = new SinkDriver(uri, "bench", SinkContract.CLOCK)) {
                    report(args[0], workers, "insert 1000/event", rows, sink, tso, 1000, 0);
                    report(args[0], workers, "update 1000/event", rows / 4, sink, tso, 1000, 1);
                    report(args[0], workers, "update 1/event", rows / 4, sink, tso, 1, 1);
                    report(args[0], workers, "mixed 1/event", rows / 4, sink, tso, 1, 3);
                    report(args[0], workers, "delete 1000/event", rows / 4, sink, tso, 1000, 2);
                }
                server.query("SELECT COUNT(*) FROM b.orders").ifPresent(System.out::println);
            }
        }
    }

    private static void report(
            String flavour,
            String workers,
            String what,
            int rows,
            SinkDriver sink,
            long[] tso,
            int perBatch,
            int mode)
            throws InterruptedException {
        List<RowBatch> batches = new ArrayList<>();
        int op = mode == 0 ? RowBatch.INSERT : mode == 2 ? RowBatch.DELETE : RowBatch.UPDATE;
        for (int at = 0; at < rows; at += perBatch) {
            List<Object[]> before = new ArrayList<>();
            List<Object[]> after = new ArrayList<>();
            int kind = op;
            boolean fresh = false;
            if (mode == 3) {
                // 2 inserts of new rows, 2 updates, 1 delete of an earlier new row
                int dice = (at / perBatch) % 5;
                fresh = dice < 2 || dice == 4;
                kind = dice < 2 ? RowBatch.INSERT : dice < 4 ? RowBatch.UPDATE : RowBatch.DELETE;
            }
            for (int i = at; i < at + perBatch; i++) {
                long id = i;
                if (fresh) {
                    id = 10_000_000 + (kind == RowBatch.DELETE ? i - 4 : i);
                }
                if (kind != RowBatch.INSERT) {
                    before.add(row(id, 0));
                }
                if (kind != RowBatch.DELETE) {
                    after.add(row(id, kind == RowBatch.UPDATE ? mode + perBatch : 0));
                }
            }
            tso[0]++;
            batches.add(
                    TestRowBatch.of(
                            ORDERS,
                            kind,
                            tso[0],
                            0,
                            true,
                            kind == RowBatch.INSERT ? List.of() : before,
                            kind == RowBatch.DELETE ? List.of() : after));
        }
        long cpu =
                java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        long start = System.nanoTime();
        for (RowBatch batch : batches) {
            sink.offer(batch);
        }
        sink.drain();
        double seconds = (System.nanoTime() - start) / 1e9;
        cpu =
                java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
                        - cpu;
        System.out.printf(
                "%s workers=%s %-18s %,9.0f rows/s (%.2f s, dealer %.2f s cpu)%n",
                flavour, workers, what, rows / seconds, seconds, cpu / 1e9);
    }

    private static Object[] row(long id, int variant) {
        return TestRowBatch.row(
                id,
                (int) (id % 1000),
                variant == 0 ? "new" : "paid" + variant,
                (id % 10000) + ".25",
                (int) (id % 7),
                "some note text about the order " + id,
                "2026-03-01 12:34:56",
                id * 0.5);
    }
}
