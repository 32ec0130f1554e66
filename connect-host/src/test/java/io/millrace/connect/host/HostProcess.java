package io.millrace.connect.host;

import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A host as the only thing of a process, so that tests can kill it. It ends with the process that
 * started it: at the end of its standard input.
 */
final class HostProcess {
    static final int REFUSED = 4;
    static final int FATAL = 3;
    private static final int ABANDONED = 5;

    private HostProcess() {}

    /**
     * Arguments: data folder, port of the API, port of Kafka (or {@code host:port} of one
     * elsewhere), folders with plug-ins (commas between them), and then settings of the worker as
     * {@code key=value}; {@code disk-limit} and {@code disk-reserve} are the broker's, {@code
     * auto-restart=true} restarts what failed, for the first time after a second.
     */
    public static void main(String[] args) throws IOException {
        Map<String, String> worker = new TreeMap<>();
        for (String setting : List.of(args).subList(4, args.length)) {
            int equals = setting.indexOf('=');
            worker.put(setting.substring(0, equals), setting.substring(equals + 1));
        }
        BrokerLimits all = BrokerLimits.DEFAULT;
        String reserve = worker.remove("disk-reserve");
        String limit = worker.remove("disk-limit");
        ConnectSettings.Watch watch = ConnectSettings.Watch.DEFAULTS;
        if (Boolean.parseBoolean(worker.remove("auto-restart"))) {
            watch =
                    new ConnectSettings.Watch(
                            watch.stalledAfter(),
                            true,
                            Duration.ofSeconds(1),
                            watch.restartMaxWait());
        }
        BrokerLimits limits =
                new BrokerLimits(
                        all.retentionHours(),
                        all.retentionBytes(),
                        limit == null ? all.diskLimit() : Long.parseLong(limit),
                        reserve == null ? all.diskReserve() : Long.parseLong(reserve));
        ConnectSettings settings =
                new ConnectSettings(
                        "127.0.0.1",
                        Integer.parseInt(args[1]),
                        Optional.empty(),
                        args[2].indexOf(':') > 0
                                ? new ConnectSettings.External(args[2])
                                : new ConnectSettings.Embedded(
                                        Path.of(args[0]), Integer.parseInt(args[2]), limits),
                        "connect",
                        Stream.of(args[3].split(",")).map(Path::of).toList(),
                        Optional.empty(),
                        Optional.empty(),
                        watch,
                        worker);
        try {
            ConnectHost host = ConnectHost.start(settings, HostProcess::fatal);
            Runtime.getRuntime()
                    .addShutdownHook(
                            new Thread(() -> {
                                host.close();
                                Runtime.getRuntime().halt(0);
                            }));
        } catch (MillraceException e) {
            System.err.println("refused: " + e.text());
            Runtime.getRuntime().halt(REFUSED);
        }
        while (System.in.read() >= 0) {
            // Nobody writes: this waits for the end of the pipe.
        }
        Runtime.getRuntime().halt(ABANDONED);
    }

    private static void fatal(String why) {
        System.err.println("fatal: " + why);
        Runtime.getRuntime().halt(FATAL);
    }
}
