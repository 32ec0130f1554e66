package io.millrace.mysql.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class MySqlSinkConfigTest {
    private static MySqlSinkConfig config(String uri) {
        return MySqlSinkConfig.of(SinkSpec.of(uri));
    }

    @Test
    void defaultsForTiDbAreThoseOfTiCdc() {
        MySqlSinkConfig c = config("tidb://h/").forTarget(true);
        assertThat(c.user()).isEqualTo("root");
        assertThat(c.port()).isEqualTo(4000);
        assertThat(c.workerCount()).isEqualTo(16);
        assertThat(c.maxTxnRow()).isEqualTo(256);
        assertThat(c.maxMultiUpdateRow()).isEqualTo(40);
        assertThat(c.readTimeout()).isEqualTo(Duration.ofMinutes(2));
        assertThat(c.tls()).isFalse();
        assertThat(c.wholeTables()).isFalse();
    }

    @Test
    void defaultsForOneServerAreFewerWritersAndLongerTransactions() {
        MySqlSinkConfig c = config("mysql://h/").forTarget(false);
        assertThat(c.workerCount()).isEqualTo(4);
        assertThat(c.maxTxnRow()).isEqualTo(2048);
        MySqlSinkConfig given = config("mysql://h/?worker-count=7&max-txn-row=9").forTarget(false);
        assertThat(given.workerCount()).isEqualTo(7);
        assertThat(given.maxTxnRow()).isEqualTo(9);
    }

    @Test
    void readsUserPasswordHostAndPort() {
        MySqlSinkConfig c = config("mysql+ssl://a%40b:p%3A%40+%25@[::1]:3307/?timeout=1m30s");
        assertThat(c.user()).isEqualTo("a@b");
        assertThat(c.password()).isEqualTo("p:@+%");
        assertThat(c.host()).isEqualTo("::1");
        assertThat(c.port()).isEqualTo(3307);
        assertThat(c.tls()).isTrue();
        assertThat(c.connectTimeout()).isEqualTo(Duration.ofSeconds(90));
        assertThat(c.toString()).doesNotContain("p:@");
    }

    @Test
    void readsEveryOption() {
        assertThat(
                        config(
                                "mysql://u:p@h:1/?worker-count=2&max-txn-row=3"
                                        + "&max-multi-update-row=5&max-multi-update-row-size=4"
                                        + "&tidb-txn-mode=pessimistic&safe-mode=true&time-zone="
                                        + "&timeout=8s&read-timeout=7s&write-timeout=6s"
                                        + "&batch-dml-enable=false&multi-stmt-enable=false"
                                        + "&transaction-atomicity=table&progress-schema=own"))
                .isEqualTo(
                        new MySqlSinkConfig(
                                "h",
                                1,
                                "u",
                                "p",
                                false,
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                2,
                                3,
                                5,
                                4,
                                "pessimistic",
                                true,
                                "",
                                Duration.ofSeconds(8),
                                Duration.ofSeconds(7),
                                Duration.ofSeconds(6),
                                false,
                                false,
                                true,
                                false,
                                "own"));
        assertThat(config("mysql://h/").sessionTimeZone()).isEqualTo("UTC");
        assertThat(config("mysql://h/?row-events=false").rowEvents()).isFalse();
        assertThat(config("mysql://h/").rowEvents()).isTrue();
    }

    @Test
    void tooLargeNumbersAreCut() {
        MySqlSinkConfig c =
                config("mysql://h/?worker-count=9999&max-txn-row=9999&max-multi-update-row=9999");
        assertThat(c.workerCount()).isEqualTo(1024);
        assertThat(c.maxTxnRow()).isEqualTo(2048);
        assertThat(c.maxMultiUpdateRow()).isEqualTo(256);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "worker-count=0",
                "worker-count=x",
                "max-txn-row=-1",
                "max-multi-update-row-size=-1",
                "timeout=5",
                "read-timeout=-2m",
                "safe-mode=maybe",
                "ssl-ca=/no/such/file",
                "time-zone=Asia/Tokyo",
                "cache-prep-stmts=7"
            })
    void badValuesAreRefusedByName(String parameter) {
        assertThatThrownBy(() -> config("mysql://h/?" + parameter))
                .hasMessageContaining(parameter.substring(0, parameter.indexOf('=')))
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.MYSQL_INVALID_CONFIG);
    }

    @Test
    void aLevelOfAtomicityThatThereIsNotIsAMatterOfTheUri() {
        assertThatThrownBy(() -> config("mysql://h/?transaction-atomicity=global"))
                .hasMessageContaining("transaction-atomicity global")
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_URI_INVALID);
    }

    @Test
    void unsupportedIsRefused() {
        assertThatThrownBy(() -> config("mysql://h/?has-vector-type=true"))
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.UNSUPPORTED_OPTION);
    }
}
