package io.millrace.bench;

import io.millrace.testkit.servers.DbServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The database that apply benchmarks write to. */
final class MySqlTarget {
    private MySqlTarget() {}

    /** User and system CPU seconds of a process so far. */
    static double cpuSeconds(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes the target empty again. */
    static void reset(DbServer target, Workload workload) {
        target.execute(
                "DROP DATABASE IF EXISTS bench",
                "DROP DATABASE IF EXISTS millrace",
                "CREATE DATABASE bench",
                workload.createTable(),
                Bench.CREATE_MARKER);
    }

    /** Fails unless {@code bench.t} is the same on both sides; after the clock stopped. */
    static void verify(Bench bench, DbServer target) {
        String columns =
                bench.upstream()
                        .query(
                                "SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) FROM information_schema.COLUMNS"
                                        + " WHERE TABLE_SCHEMA='bench' AND TABLE_NAME='t'")
                        .orElseThrow();
        String sum =
                "SELECT CONCAT(COUNT(*),':',COALESCE(SUM(CRC32(CONCAT_WS('#',"
                        + columns
                        + "))),0)) FROM bench.t";
        String expected = bench.upstream().query(sum).orElseThrow();
        String actual = target.query(sum).orElseThrow();
        if (!expected.equals(actual)) {
            throw new IllegalStateException(
                    "target differs: count and checksum " + actual + ", upstream " + expected);
        }
    }
}
