package io.millrace.connect.host.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.connect.host.BrokerLimits;
import io.millrace.connect.host.ConnectSettings;
import io.millrace.core.error.MillraceException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.connect.runtime.isolation.PluginClassLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartsTest {
    @Test
    void aFolderBelongsToOne(@TempDir Path folder) throws Exception {
        try (FolderLock held = FolderLock.take(folder)) {
            assertThat(held).isNotNull();
            assertThatThrownBy(() -> FolderLock.take(folder))
                    .isInstanceOf(MillraceException.class)
                    .hasMessageContaining("is in use by this process");
            // The attempt in this process has not given the lock up.
            assertThat(takenByAnotherProcess(folder))
                    .contains(
                            "is in use by another process (pid "
                                    + ProcessHandle.current().pid()
                                    + ")");
        }
        assertThat(takenByAnotherProcess(folder)).isEqualTo("taken");
        FolderLock.take(folder).close();
    }

    private static String takenByAnotherProcess(Path folder) throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                Taker.class.getName(),
                                folder.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return said.strip();
    }

    /** Another process that tries to take a folder. */
    static final class Taker {
        private Taker() {}

        public static void main(String[] args) {
            try (FolderLock lock = FolderLock.take(Path.of(args[0]))) {
                System.out.println(lock == null ? "" : "taken");
            } catch (MillraceException e) {
                System.out.println(e.text());
            }
        }
    }

    @Test
    void aPortInUseIsToldBySettingAndAddress() throws Exception {
        try (ServerSocket used = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() ->
                            TcpPorts.requireFree("connect.addr", "127.0.0.1", used.getLocalPort()))
                    .isInstanceOf(MillraceException.class)
                    .hasMessageContaining("connect.addr - cannot listen on 127.0.0.1:");
        }
        TcpPorts.requireFree("connect.addr", "127.0.0.1", 0);
    }

    @Test
    void partsStopInOrderAndOneThatHangsIsLeftBehind() {
        List<String> stopped = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch never = new CountDownLatch(1);
        Deque<OrderedStop.Stage> stages = new ArrayDeque<>();
        stages.push(new OrderedStop.Stage("lock", Duration.ZERO, () -> stopped.add("lock")));
        stages.push(
                new OrderedStop.Stage(
                        "broker",
                        Duration.ofSeconds(10),
                        () -> {
                            stopped.add("broker");
                            throw new IllegalStateException("as expected by this test");
                        }));
        stages.push(
                new OrderedStop.Stage(
                        "worker",
                        Duration.ofMillis(50),
                        () -> {
                            stopped.add("worker");
                            try {
                                never.await();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        }));

        OrderedStop.run(stages);

        assertThat(stopped).containsExactly("worker", "broker", "lock");
        never.countDown();
    }

    @Test
    void whatAPartLeavesOfItsTimeIsTheNextOnesToo() {
        List<String> stopped = Collections.synchronizedList(new ArrayList<>());
        Deque<OrderedStop.Stage> stages = new ArrayDeque<>();
        stages.push(
                new OrderedStop.Stage(
                        "slow",
                        Duration.ofMillis(1),
                        () -> {
                            try {
                                Thread.sleep(100);
                                stopped.add("slow");
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        }));
        stages.push(new OrderedStop.Stage("quick", Duration.ofSeconds(20), () -> {}));
        OrderedStop.run(stages);
        assertThat(stopped).containsExactly("slow");
    }

    @Test
    void aHaltOfKafkaIsToldOnceInsteadOfEndingTheProcess() {
        List<String> told = new ArrayList<>();
        try (ExitGuard guard = ExitGuard.install(told::add)) {
            assertThat(guard).isNotNull();
            Exit.halt(1, "raft is broken");
            Exit.exit(2);
        }
        Exit.halt(1);
        assertThat(told).singleElement().asString().contains("halt 1: raft is broken");
    }

    @Test
    void theUsersWorkerSettingsOverrideOurs(@TempDir Path folder) throws Exception {
        Path plugins = Files.createDirectory(folder.resolve("plugins"));
        ConnectSettings settings =
                new ConnectSettings(
                        "::1",
                        8083,
                        Optional.of("worker1:9083"),
                        new ConnectSettings.External("k1:9092,k2:9092"),
                        "g",
                        List.of(plugins, folder.resolve("missing")),
                        Optional.empty(),
                        Optional.empty(),
                        ConnectSettings.Watch.DEFAULTS,
                        Map.of(
                                "producer.linger.ms",
                                "5",
                                "rest.extension.classes",
                                "org.example.Theirs"));

        Map<String, String> worker = WorkerProperties.of(settings, "k1:9092,k2:9092");

        assertThat(worker)
                .containsEntry("bootstrap.servers", "k1:9092,k2:9092")
                .containsEntry("group.id", "g")
                .containsEntry("config.storage.topic", "g-configs")
                .containsEntry("config.storage.replication.factor", "-1")
                .containsEntry("listeners", "http://[::1]:8083")
                .containsEntry("rest.advertised.host.name", "worker1")
                .containsEntry("rest.advertised.port", "9083")
                .containsEntry("plugin.path", plugins.toString())
                .containsEntry("plugin.discovery", "service_load")
                .containsEntry("producer.batch.size", "262144")
                .containsEntry("producer.linger.ms", "5")
                .containsEntry(
                        "rest.extension.classes",
                        RestRepairs.class.getName() + ",org.example.Theirs")
                .doesNotContainKey("session.timeout.ms");
    }

    /** An interface that both a plug-in and the process have. */
    interface Greeter {}

    @Test
    void aPluginFindsItsOwnProvidersOfItsOwnInterfaces(@TempDir Path folder) throws Exception {
        String own = Greeter.class.getName();
        Path plugin = folder.resolve("plugin");
        Path process = folder.resolve("process");
        for (Path place : List.of(plugin, process)) {
            Path services = Files.createDirectories(place.resolve("META-INF/services"));
            Files.writeString(services.resolve(own), "a.Greeter");
            Files.writeString(services.resolve("org.example.Elsewhere"), "a.Other");
        }
        String file = own.replace('.', '/') + ".class";
        Files.createDirectories(plugin.resolve(file).getParent());
        try (var in = Greeter.class.getClassLoader().getResourceAsStream(file)) {
            Files.copy(in, plugin.resolve(file));
        }
        try (URLClassLoader parent = new URLClassLoader(new URL[] {process.toUri().toURL()}, null);
                PluginClassLoader loader =
                        new PluginLoaders()
                                .newPluginClassLoader(
                                        plugin.toUri().toURL(),
                                        new URL[] {plugin.toUri().toURL()},
                                        parent)) {
            assertThat(Collections.list(loader.getResources("META-INF/services/" + own)))
                    .singleElement()
                    .asString()
                    .contains("/plugin/");
            assertThat(
                            Collections.list(
                                    loader.getResources("META-INF/services/org.example.Elsewhere")))
                    .hasSize(2);
        }
    }

    /** Kafka takes an empty path for the current directory. */
    @Test
    void withoutAPluginFolderThereIsNoPath(@TempDir Path folder) {
        ConnectSettings settings =
                new ConnectSettings(
                        "127.0.0.1",
                        8083,
                        Optional.empty(),
                        new ConnectSettings.External("k1:9092"),
                        "g",
                        List.of(folder.resolve("missing")),
                        Optional.empty(),
                        Optional.empty(),
                        ConnectSettings.Watch.DEFAULTS,
                        Map.of());
        assertThat(WorkerProperties.of(settings, "k1:9092")).doesNotContainKey("plugin.path");
    }

    @Test
    void aBrokerOfOneKeepsOneCopyAndStaysOnThisMachine(@TempDir Path folder) {
        assertThat(EmbeddedBroker.properties(folder, 1234, BrokerLimits.DEFAULT))
                .containsEntry("advertised.listeners", "PLAINTEXT://127.0.0.1:1234")
                .containsEntry("offsets.topic.replication.factor", "1")
                .hasEntrySatisfying(
                        "listeners",
                        listeners ->
                                assertThat(listeners.toString())
                                        .startsWith(
                                                "PLAINTEXT://127.0.0.1:1234,CONTROLLER://127.0.0.1:"));
    }
}
