package io.millrace.bench;

import io.millrace.testkit.servers.KafkaServer;
import java.io.File;
import java.nio.file.Files;
import java.util.List;

/**
 * A Kafka broker in a JVM of its own, so that it shares neither heap nor JIT with what is measured.
 */
final class BrokerProcess implements AutoCloseable {
    private static final long START_TIMEOUT_SECONDS = 60;

    private final ChildProcess child;
    private final String bootstrap;

    private BrokerProcess(ChildProcess child, String bootstrap) {
        this.child = child;
        this.bootstrap = bootstrap;
    }

    static BrokerProcess start(File output, File log) throws Exception {
        ChildProcess child =
                ChildProcess.java(BrokerProcess.class, List.of("-Xmx1g"), List.of(), output, log);
        long deadline = System.nanoTime() + START_TIMEOUT_SECONDS * 1_000_000_000L;
        while (System.nanoTime() < deadline && child.isAlive()) {
            for (String line : Files.readAllLines(output.toPath())) {
                if (line.startsWith("BOOTSTRAP ")) {
                    return new BrokerProcess(child, line.substring("BOOTSTRAP ".length()));
                }
            }
            Thread.sleep(50);
        }
        child.close();
        throw new IllegalStateException("the broker did not start" + ChildProcess.tail(log));
    }

    String bootstrap() {
        return bootstrap;
    }

    @Override
    public void close() {
        child.close();
    }

    public static void main(String[] args) throws Exception {
        try (KafkaServer server = KafkaServer.builder().start()) {
            System.out.println("BOOTSTRAP " + server.bootstrapServers());
            System.out.flush();
            Thread.sleep(Long.MAX_VALUE);
        }
    }
}
