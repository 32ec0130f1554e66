package io.millrace.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class OrphanIT {
    @Test
    void serverDiesWithAKilledJvmAndTheNextJvmRemovesItsFolder() throws Exception {
        Process jvm = java();
        String[] pidAndFolder;
        try (BufferedReader output = jvm.inputReader()) {
            pidAndFolder = output.readLine().split(" ", -1);
            assertThat(isAlive(pidAndFolder[0])).isTrue();
            jvm.destroyForcibly().waitFor();
        }
        awaitEnd(pidAndFolder[0], "server of a killed JVM");

        Process next = java();
        try (BufferedReader output = next.inputReader()) {
            String[] second = output.readLine().split(" ", -1);
            // Another JVM that starts servers now may be at it already.
            Path folder = Path.of(pidAndFolder[1]);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (Files.exists(folder) && System.nanoTime() < deadline) {
                Thread.sleep(50);
            }
            assertThat(folder).doesNotExist();
            next.destroy(); // SIGTERM: the shutdown hook runs
            next.waitFor();
            // Killed by the hook; the system takes it off its list a moment later.
            awaitEnd(second[0], "server of a JVM that ended");
        }
    }

    private static Process java() throws Exception {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        StartsAServer.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static void awaitEnd(String pid, String what) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (isAlive(pid) && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        assertThat(isAlive(pid)).as(what).isFalse();
    }

    private static boolean isAlive(String pid) {
        return ProcessHandle.of(Long.parseLong(pid)).filter(ProcessHandle::isAlive).isPresent();
    }

    /**
     * Started as a JVM of its own. The thread that starts the server ends at once, which must not
     * end the server.
     */
    static final class StartsAServer {
        public static void main(String[] args) throws Exception {
            Thread starter =
                    new Thread(() -> {
                        DbServer server = DbServer.mariadb().start();
                        System.out.println(server.pid() + " " + server.dataDir());
                    });
            starter.start();
            starter.join();
            Thread.sleep(60_000);
        }
    }
}
