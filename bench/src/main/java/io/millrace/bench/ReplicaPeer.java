package io.millrace.bench;

import io.millrace.testkit.servers.DbServer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.concurrent.TimeUnit;

/**
 * MariaDB's own parallel replica: four threads, optimistic. It commits in order, so the last row
 * tells the end.
 */
final class ReplicaPeer implements Subject {
    private static final int THREADS = 4;
    private static final long TIMEOUT_SECONDS = 600;

    private final DbServer target;
    private final Workload workload;

    ReplicaPeer(DbServer target, Workload workload) {
        this.target = target;
        this.workload = workload;
    }

    @Override
    public String name() {
        return "mariadb-replica";
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        MySqlTarget.reset(target, workload);
        target.execute(
                "STOP SLAVE",
                "RESET SLAVE ALL",
                "SET GLOBAL gtid_strict_mode=0",
                "SET GLOBAL slave_parallel_threads=" + THREADS,
                "SET GLOBAL slave_parallel_mode='optimistic'",
                "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT="
                        + bench.upstream().port()
                        + ", MASTER_USER='"
                        + Bench.USER
                        + "', MASTER_PASSWORD='"
                        + Bench.PASSWORD
                        + "', MASTER_LOG_FILE='"
                        + bench.file()
                        + "', MASTER_LOG_POS="
                        + bench.offset()
                        + ", MASTER_USE_GTID=no, MASTER_SSL=0");
        try (Connection connection = target.connect("bench");
                PreparedStatement marker =
                        connection.prepareStatement("SELECT COUNT(*) FROM done")) {
            double cpuBefore = MySqlTarget.cpuSeconds(target.pid());
            long started = System.nanoTime();
            long deadline = started + TimeUnit.SECONDS.toNanos(TIMEOUT_SECONDS);
            target.execute("START SLAVE");
            while (true) {
                try (ResultSet result = marker.executeQuery()) {
                    result.next();
                    if (result.getLong(1) > 0) {
                        break;
                    }
                }
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            "the replica did not catch up in "
                                    + TIMEOUT_SECONDS
                                    + " s: "
                                    + target.query("SHOW SLAVE STATUS").orElse(""));
                }
                Thread.sleep(10);
            }
            double seconds = (System.nanoTime() - started) / 1e9;
            double cpu = MySqlTarget.cpuSeconds(target.pid()) - cpuBefore;
            target.execute("STOP SLAVE");
            MySqlTarget.verify(bench, target);
            return new Figures.Builder()
                    .put("rows_per_s", bench.rows() / seconds)
                    .put("rows_per_s_with_start", bench.rows() / seconds)
                    .put("mb_per_s", bench.megabytes() / seconds)
                    .put("cpu_s", cpu)
                    .build();
        }
    }
}
