package io.millrace.bench;

import io.millrace.testkit.servers.DebeziumPlugins;
import io.millrace.testkit.servers.Folders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long a server takes to answer, from the start of its process and with an empty data folder:
 * without and with Kafka Connect and its broker, without and with an AOT cache.
 */
@Command(
        name = "start",
        mixinStandardHelpOptions = true,
        description = "Start of a server, with and without Kafka Connect and an AOT cache.")
final class StartBench implements Callable<Integer> {
    @Option(
            names = "--runs",
            description = "Starts of each kind. Default: ${DEFAULT-VALUE}",
            defaultValue = "5")
    private int runs;

    /** A way to start. */
    private record Kind(boolean connect, List<String> jvmOptions) {}

    @Override
    public Integer call() throws Exception {
        Path scratch = Files.createTempDirectory("millrace-bench");
        try {
            List<Path> plugins = List.of(DebeziumPlugins.mysql(), DebeziumPlugins.postgres());
            System.out.println("recording an AOT cache ...");
            List<String> aot = AotCache.use(AotCache.ofServer(scratch));
            Map<String, Kind> kinds = new LinkedHashMap<>();
            kinds.put("server", new Kind(false, List.of()));
            kinds.put("server-aot", new Kind(false, aot));
            kinds.put("server-connect", new Kind(true, List.of()));
            kinds.put("server-connect-aot", new Kind(true, aot));
            Report report = new Report("start", "empty");
            for (int run = 1; run <= runs; run++) {
                for (Map.Entry<String, Kind> entry : kinds.entrySet()) {
                    Figures figures = start(entry.getValue(), plugins, scratch);
                    report.add(entry.getKey(), figures);
                    System.out.printf(
                            "run %d of %d: %s %s%n", run, runs, entry.getKey(), figures.values());
                }
            }
            report.print(System.out);
            return 0;
        } finally {
            Folders.delete(scratch);
        }
    }

    private static Figures start(Kind kind, List<Path> plugins, Path scratch) throws Exception {
        Path folder = Files.createTempDirectory(scratch, "start");
        try (ConnectServer server =
                ConnectServer.start(folder, kind.connect, plugins, Map.of(), kind.jvmOptions)) {
            Figures.Builder figures = new Figures.Builder();
            figures.put("ready_s", server.awaitApi());
            if (kind.connect) {
                figures.put("connect_ready_s", server.awaitConnect());
            }
            server.child().sample();
            return figures.put("cpu_s", server.child().cpuSeconds())
                    .put("peak_rss_mb", server.child().peakRssMb())
                    .build();
        } finally {
            Folders.delete(folder);
        }
    }
}
