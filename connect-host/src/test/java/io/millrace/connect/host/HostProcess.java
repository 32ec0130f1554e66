package io.millrace.connect.host;

import io.millrace.core.error.MillraceException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/** A host as the only thing of a process, so that tests can kill it. */
final class HostProcess {
    static final int REFUSED = 4;
    static final int FATAL = 3;

    private HostProcess() {}

    /** Arguments: data folder, port of the API, port of Kafka, plug-ins. */
    public static void main(String[] args) throws InterruptedException {
        ConnectSettings settings =
                new ConnectSettings(
                        "127.0.0.1",
                        Integer.parseInt(args[1]),
                        Optional.empty(),
                        new ConnectSettings.Embedded(Path.of(args[0]), Integer.parseInt(args[2])),
                        "connect",
                        List.of(Path.of(args[3])),
                        Optional.empty(),
                        Optional.empty(),
                        Map.of());
        try {
            ConnectHost host = ConnectHost.start(settings, why -> Runtime.getRuntime().halt(FATAL));
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
        new CountDownLatch(1).await();
    }
}
