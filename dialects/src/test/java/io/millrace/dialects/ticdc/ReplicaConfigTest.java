package io.millrace.dialects.ticdc;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How {@code replica_config} is read, and what of it the engine is told. */
final class ReplicaConfigTest {
    private static ObjectNode read(String json) {
        return GoJson.bind(
                json.getBytes(StandardCharsets.UTF_8), ReplicaConfig.SHAPE, GoJson.object());
    }

    @Test
    void ignoredTransactionsReachTheFilter() {
        ObjectNode config = read("{\"filter\":{\"ignore_txn_start_ts\":[7,18446744073709551615]}}");
        assertThat(ReplicaConfig.filter(config).ignoredTsos()).isEqualTo(List.of(7L, -1L));
        assertThat(ReplicaConfig.filter(config).compileEvents().ignoresTransaction(-1L)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    "a > 1" | a > 1
                    ["a > 1"] | (a > 1)
                    ["a > 1","b = 2"] | (a > 1) OR (b = 2)
                    ["","a > 1","  "] | (a > 1)
                    [""] | ``
                    [] | ``
                    """)
    void anExpressionMayBeAnArray(String json, String expected) {
        ObjectNode config =
                read(
                        "{\"filter\":{\"event_filters\":[{\"ignore_insert_value_expr\":"
                                + json
                                + "}]}}");
        assertThat(config.at("/filter/event_filters/0/ignore_insert_value_expr").asText())
                .isEqualTo(expected);
    }

    @Test
    void noQuotaIsTheDefaultOne() {
        ObjectNode config = ReplicaConfig.defaults();
        config.put("memory_quota", 0);
        ReplicaConfig.validateAndAdjust(config, "blackhole");
        assertThat(ReplicaConfig.memoryQuota(config)).isEqualTo(1L << 30);
    }
}
