package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.connect.host.BrokerLimits;
import io.millrace.connect.host.ConnectSettings;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConnectConfigTest {
    private static ServerConfig config(Path folder, String text) throws IOException {
        Path file = Files.writeString(folder.resolve("millrace.toml"), text);
        return ServerConfig.of(new Settings().addFile(file));
    }

    private static ConnectSettings connect(Path folder, String text) throws IOException {
        return config(folder, text).connect().orElseThrow();
    }

    @Test
    void itIsOffUnlessEnabled(@TempDir Path folder) throws IOException {
        assertThat(config(folder, "").connect()).isEmpty();
        assertThat(config(folder, "[connect]\nkafka-port = 1").connect()).isEmpty();
        assertThat(config(folder, "").shown()).containsEntry("connect.enabled", "false");
        // The command line turns it on, and so does the documented file.
        assertThat(
                        ServerConfig.of(new Settings().addFile(Path.of("../docs/millrace.toml")))
                                .connect())
                .isPresent();
    }

    @Test
    void theDocumentedFileHoldsTheDefaults() throws IOException {
        Path file = Path.of("../docs/millrace.toml");
        ServerConfig nothingSaid =
                ServerConfig.of(
                        new Settings()
                                .set("connect.enabled", "true")
                                .set("tiunimanager.enabled", "true"));
        assertThat(ServerConfig.of(new Settings().addFile(file)).shown())
                .isEqualTo(nothingSaid.shown());
        String text = Files.readString(file);
        assertThat(nothingSaid.shown().keySet())
                .allSatisfy(key ->
                        assertThat(text)
                                .containsPattern(
                                        "(?m)^(# )?"
                                                + Pattern.quote(
                                                        key.substring(key.lastIndexOf('.') + 1))
                                                + " = "));
    }

    @Test
    void enabledItRunsABrokerInTheDataFolder(@TempDir Path folder) throws IOException {
        ConnectSettings connect = connect(folder, "data-dir = \"d\"\n[connect]\nenabled = true");
        assertThat(connect.host()).isEqualTo("127.0.0.1");
        assertThat(connect.port()).isEqualTo(8083);
        assertThat(connect.kafka())
                .isEqualTo(new ConnectSettings.Embedded(Path.of("d/connect"), 19_092));
        assertThat(connect.groupId()).isEqualTo("connect");
        assertThat(connect.login()).isEmpty();
        assertThat(connect.tls()).isEmpty();
    }

    @Test
    void takesAllThatAFileSays(@TempDir Path folder) throws IOException {
        ServerConfig config =
                config(
                        folder,
                        """
                        [auth]
                        user = "u"
                        password = "geheim"
                        [connect]
                        enabled = true
                        addr = "0.0.0.0:9083"
                        advertise-addr = "host1:9083"
                        bootstrap-servers = "k1:9092"
                        plugin-path = "/p1, /p2"
                        group-id = "g"
                        [connect.worker]
                        "offset.flush.interval.ms" = 1000
                        producer.linger.ms = 5
                        sasl.jaas.config = "secret"
                        """);
        ConnectSettings connect = config.connect().orElseThrow();
        assertThat(connect.host()).isEqualTo("0.0.0.0");
        assertThat(connect.advertised()).isEqualTo(Optional.of("host1:9083"));
        assertThat(connect.kafka()).isEqualTo(new ConnectSettings.External("k1:9092"));
        assertThat(connect.pluginPath()).containsExactly(Path.of("/p1"), Path.of("/p2"));
        assertThat(connect.groupId()).isEqualTo("g");
        assertThat(connect.login())
                .isEqualTo(Optional.of(new ConnectSettings.Login("u", "geheim")));
        assertThat(connect.worker())
                .containsEntry("offset.flush.interval.ms", "1000")
                .containsEntry("producer.linger.ms", "5")
                .containsEntry("sasl.jaas.config", "secret");
        assertThat(config.shown())
                .containsEntry("connect.addr", "0.0.0.0:9083")
                .containsEntry("connect.bootstrap-servers", "k1:9092")
                .doesNotContainValue("secret");
        assertThat(connect.toString()).doesNotContain("secret").doesNotContain("geheim");
    }

    @Test
    void whatFailedIsRestartedOnlyWhenAskedFor(@TempDir Path folder) throws IOException {
        assertThat(connect(folder, "[connect]\nenabled = true").watch())
                .isEqualTo(
                        new ConnectSettings.Watch(
                                Duration.ofSeconds(30),
                                false,
                                Duration.ofSeconds(10),
                                Duration.ofMinutes(5)));
        ServerConfig config =
                config(
                        folder,
                        """
                        [connect]
                        enabled = true
                        stalled-after = "2m"
                        auto-restart = true
                        restart-wait = "3s"
                        restart-max-wait = "1h"
                        """);
        assertThat(config.connect().orElseThrow().watch())
                .isEqualTo(
                        new ConnectSettings.Watch(
                                Duration.ofMinutes(2),
                                true,
                                Duration.ofSeconds(3),
                                Duration.ofHours(1)));
        assertThat(config.shown())
                .containsEntry("connect.auto-restart", "true")
                .containsEntry("connect.restart-wait", "3000ms");
    }

    @Test
    void aWrongValueIsNamed(@TempDir Path folder) {
        String on = "[connect]\nenabled = true\n";
        refused(
                folder,
                "[connect]\nenabled = \"maybe\"",
                "connect.enabled - must be true or false");
        refused(folder, on + "addr = \"here\"", "connect.addr - must be host:port");
        refused(folder, on + "addr = \"0.0.0.0:1\"", "connect.advertise-addr - must be given");
        refused(folder, on + "addr = \"h:99999\"", "connect.addr - the port must be 0..65535");
        refused(folder, on + "kafka-port = 70000", "connect.kafka-port - the port must be");
        refused(
                folder,
                on + "bootstrap-servers = \"k:1\"\nkafka-port = 5",
                "connect.kafka-port - is for the broker in this process");
        refused(folder, on + "bootstrap-servers = \"\"", "connect.bootstrap-servers - must not be");
        refused(folder, on + "group-id = \"\"", "connect.group-id - must not be empty");
        refused(folder, on + "auto-restart = \"x\"", "connect.auto-restart - must be true or");
        refused(folder, on + "restart-wait = \"1ms\"", "connect.restart-wait - must be at least");
        refused(
                folder,
                on + "restart-max-wait = \"1s\"",
                "connect.restart-max-wait - must not be less than connect.restart-wait");
        refused(folder, on + "stalled-after = \"x\"", "connect.stalled-after - must be a duration");
        refused(folder, on + "grup-id = \"g\"", "connect.grup-id - unknown key");
    }

    @Test
    void theBrokersLimits(@TempDir Path folder) throws IOException {
        String on = "[connect]\nenabled = true\n";
        assertThat(limits(connect(folder, on)))
                .isEqualTo(new BrokerLimits(168, 0, 50L << 30, 1L << 30));
        assertThat(
                        limits(
                                connect(
                                        folder,
                                        on
                                                + "retention-hours = 24\nretention-bytes = \"5 MiB\"\n"
                                                + "disk-limit = \"2TiB\"\ndisk-reserve = 4096")))
                .isEqualTo(new BrokerLimits(24, 5L << 20, 2L << 40, 4096));
        assertThat(limits(connect(folder, on + "disk-limit = 0\ndisk-reserve = 0")))
                .isEqualTo(new BrokerLimits(168, 0, 0, 0));
        assertThat(config(folder, on + "disk-limit = \"1GiB\"").shown())
                .containsEntry("connect.disk-limit", "1073741824")
                .containsEntry("connect.retention-hours", "168");
        refused(folder, on + "retention-hours = 0", "connect.retention-hours - must be 1..");
        refused(folder, on + "disk-limit = \"5 apples\"", "connect.disk-limit - must be a number");
        refused(folder, on + "disk-limit = -1", "connect.disk-limit - must be a number");
        refused(folder, on + "disk-limit = 100", "connect.disk-limit - must be 0 (none) or at");
        refused(folder, on + "disk-reserve = \"99999999999TiB\"", "is too large");
        refused(folder, on + "retention-bytes = 1", "connect.retention-bytes - must be 0 (none)");
        refused(
                folder,
                on + "bootstrap-servers = \"k:1\"\ndisk-limit = \"1GiB\"",
                "connect.disk-limit - is for the broker in this process");
    }

    private static BrokerLimits limits(ConnectSettings connect) {
        return ((ConnectSettings.Embedded) connect.kafka()).limits();
    }

    @Test
    void embeddedKafkaIsTheBrokerOfThisProcessOrAnErrorThatTellsWhatToDo(@TempDir Path folder)
            throws IOException {
        String on = "[connect]\nenabled = true\n";
        assertThat(ConnectConfig.inProcessKafka(config(folder, on).connect()).address())
                .isEqualTo("127.0.0.1:19092");
        assertThat(
                        ConnectConfig.inProcessKafka(
                                        config(folder, on + "kafka-port = 5").connect())
                                .address())
                .isEqualTo("127.0.0.1:5");
        noBroker(
                folder,
                "[connect]\nenabled = false",
                "enabled is false: start it with Kafka Connect");
        noBroker(
                folder,
                on + "bootstrap-servers = \"k:1\"",
                "bootstrap-servers=k:1: leave that setting out");
        noBroker(folder, on + "kafka-port = 0", "kafka-port is 0: set a port");
    }

    private static void noBroker(Path folder, String text, String message) {
        assertThatThrownBy(() ->
                        ConnectConfig.inProcessKafka(config(folder, text).connect()).address())
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining(message)
                .hasMessageEndingWith("name the brokers in the sink-uri, kafka://host:port/topic");
    }

    private static void refused(Path folder, String text, String message) {
        assertThatThrownBy(() -> config(folder, text))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining(message);
    }
}
