package io.millrace.connect.host.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.connect.runtime.rest.entities.ConfigInfo;
import org.apache.kafka.connect.runtime.rest.entities.ConfigInfos;
import org.apache.kafka.connect.runtime.rest.entities.ConfigKeyInfo;
import org.apache.kafka.connect.runtime.rest.entities.ConfigValueInfo;
import org.apache.kafka.connect.runtime.rest.entities.ConnectorType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class HostHerderTest {
    private static ConfigInfo info(String name, @Nullable ConfigValueInfo value) {
        return new ConfigInfo(
                new ConfigKeyInfo(
                        name, "STRING", false, "", "LOW", "", "", 0, "NONE", name, List.of()),
                value);
    }

    private static ConfigInfos infos(ConfigInfo... infos) {
        return new ConfigInfos("C", 0, List.of(), List.of(infos));
    }

    @Test
    void aKeyWithoutAValueGetsAnEmptyOne() {
        ConfigInfos repaired = HostHerder.repaired(infos(info("internal.alias", null)));

        assertThat(repaired.errorCount()).isZero();
        ConfigValueInfo value = repaired.configs().getFirst().configValue();
        assertThat(value.name()).isEqualTo("internal.alias");
        assertThat(value.errors()).isEmpty();
    }

    @Test
    void aNameThatNoPathCanHoldIsAnError() {
        for (String text : List.of("a/b", "a\\b", "50%", ".", "..", "x".repeat(501))) {
            aNameIsRefused(text);
        }
    }

    private static void aNameIsRefused(String text) {
        ConfigValueInfo name = new ConfigValueInfo("name", text, List.of(), List.of(), true);

        ConfigInfos repaired = HostHerder.repaired(infos(info("name", name)));

        assertThat(repaired.errorCount()).isEqualTo(1);
        assertThat(repaired.configs().getFirst().configValue().errors())
                .singleElement()
                .asString()
                .contains("'" + text + "' must not contain '/'");
    }

    @Test
    void aClassThatIsNotThereIsAskedForOnce() {
        Set<List<String>> unknown = new HashSet<>();
        AtomicInteger asked = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            assertThat(
                            HostHerder.askedOnce(
                                    unknown,
                                    Map.of("connector.class", "a.Gone"),
                                    config -> {
                                        asked.incrementAndGet();
                                        return ConnectorType.UNKNOWN;
                                    }))
                    .isEqualTo(ConnectorType.UNKNOWN);
        }
        assertThat(asked).hasValue(1);
        for (Map<String, String> other :
                List.of(
                        Map.of("connector.class", "a.There"),
                        Map.of("connector.class", "a.Gone", "connector.plugin.version", "2"))) {
            assertThat(HostHerder.askedOnce(unknown, other, config -> ConnectorType.SINK))
                    .isEqualTo(ConnectorType.SINK);
        }
    }

    @Test
    void anythingElseStaysAsItIs() {
        ConfigValueInfo name = new ConfigValueInfo("name", "a b", List.of(), List.of(), true);
        ConfigValueInfo other = new ConfigValueInfo("topic", "a/b", List.of("x"), List.of(), true);
        ConfigInfos given = infos(info("name", name), info("topic", other));

        assertThat(HostHerder.repaired(given)).isEqualTo(given);
    }
}
