package io.millrace.bench;

import io.millrace.testkit.servers.DbServer;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The ceiling of every capture: the distribution's own {@code mysqlbinlog} copies the raw log over
 * the network.
 */
final class BinlogDrain implements Subject {
    private static final long TIMEOUT_SECONDS = 300;

    @Override
    public String name() {
        return "binlog-drain";
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        Path folder = Files.createTempDirectory(bench.scratch(), "drain");
        File log = bench.scratchFile("drain");
        boolean mysql = bench.upstream().flavor() == DbServer.Flavor.MYSQL;
        List<String> command =
                List.of(
                        bench.upstream()
                                .program(mysql ? "mysqlbinlog" : "mariadb-binlog")
                                .toString(),
                        "--no-defaults",
                        "--read-from-remote-server",
                        "--raw",
                        "--host=127.0.0.1",
                        "--port=" + bench.upstream().port(),
                        "--user=" + Bench.USER,
                        "--password=" + Bench.PASSWORD,
                        "--result-file=" + folder + "/",
                        bench.file());
        try (ChildProcess child = ChildProcess.start(command, Map.of(), log, log)) {
            child.await(TIMEOUT_SECONDS, log);
            double seconds = (System.nanoTime() - child.startedNanos()) / 1e9;
            long copied = Files.size(folder.resolve(bench.file()));
            if (copied < bench.binlogBytes()) {
                throw new IllegalStateException(
                        "copied "
                                + copied
                                + " of "
                                + bench.binlogBytes()
                                + " bytes"
                                + ChildProcess.tail(log));
            }
            return new Figures.Builder()
                    .put("rows_per_s", bench.rows() / seconds)
                    .put("rows_per_s_with_start", bench.rows() / seconds)
                    .put("mb_per_s", bench.megabytes() / seconds)
                    .put("cpu_s", child.cpuSeconds())
                    .put("peak_rss_mb", child.peakRssMb())
                    .build();
        } finally {
            Files.deleteIfExists(folder.resolve(bench.file()));
        }
    }
}
