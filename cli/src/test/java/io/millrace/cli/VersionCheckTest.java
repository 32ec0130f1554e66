package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class VersionCheckTest {
    @ParameterizedTest
    @CsvSource({
        "0.1.0, v8.5.0-millrace-0.1.0, ''",
        "0.1.7-SNAPSHOT, v8.5.0-millrace-0.1.0, ''",
        "0.2.0, v8.5.0-millrace-0.1.0, this client is millrace 0.2.0",
        "1.1.0, v8.5.0-millrace-0.1.0, the server is millrace 0.1.0",
        "0.1.0, v6.2.0, ''",
        "0.1.0, v8.1.2-alpha, ''",
        "0.1.0, v6.1.9, the server has version v6.1.9",
        "0.1.0, v5.2.0-master-dirty, TiCDC 6.2.0",
        "0.1.0, None, ''",
        "0.1.0, '', ''"
    })
    void warnsWhenTheVersionsDoNotFit(String client, String server, String warning) {
        String told = VersionCheck.warning(client, server).orElse("");
        if (warning.isEmpty()) {
            assertThat(told).isEmpty();
        } else {
            assertThat(told).contains(warning);
        }
    }
}
