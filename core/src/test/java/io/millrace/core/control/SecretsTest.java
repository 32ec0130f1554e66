package io.millrace.core.control;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SecretsTest {
    @ParameterizedTest
    @CsvSource({
        "blackhole://, blackhole://",
        "mysql://h:3306/?worker-count=4&a=1, mysql://h:3306/?worker-count=4&a=1",
        "mysql://u:p@h:3306/, mysql://u:xxxxx@h:3306/",
        "mysql://u:p@ss@h:3306/, mysql://u:xxxxx@h:3306/",
        "mysql://u:p?x@h:3306/?b=1, mysql://u:xxxxx@h:3306/?b=1",
        "mysql://u@h:3306/, mysql://u@h:3306/",
        "mysql://u:@h:3306/, mysql://u:xxxxx@h:3306/",
        "kafka://b:9092/t?z=1&sasl-password=p&a=x, kafka://b:9092/t?a=x&sasl-password=xxxxx&z=1",
        "kafka://b:9092/t?key=/path/k.pem&protocol=avro, kafka://b:9092/t?key=/path/k.pem&protocol=avro",
        "s3://b/x?secret-access-key=s&access-key=k, s3://b/x?access-key=xxxxx&secret-access-key=xxxxx",
        "gcs://b?credentials-file=/etc/x, gcs://b?credentials-file=/etc/x",
        "azblob://c?account-key=k&sas-token=t, azblob://c?account-key=xxxxx&sas-token=xxxxx"
    })
    void urisAreMasked(String uri, String masked) {
        assertThat(Secrets.maskUri(uri)).isEqualTo(masked);
    }

    @ParameterizedTest
    @CsvSource({
        "mysql://u:p@h:3306/?a=1, mysql://u:xxxxx@h:3306/?a=2, mysql://u:p@h:3306/?a=2",
        "mysql://u:p@h:3306/?a=1, mysql://u:xxxxx@h:3306/?a=1, mysql://u:p@h:3306/?a=1",
        "mysql://u:p@h:3306/, mysql://u:new@h:3306/?a=2, mysql://u:new@h:3306/?a=2",
        "mysql://u:p?x@h:3306/?b=1, mysql://u:xxxxx@h:3306/, mysql://u:p?x@h:3306/",
        "mysql://u:p$1@H:3306/, MySQL://u:xxxxx@h:3306/x?b=1, MySQL://u:p$1@h:3306/x?b=1",
        "mysql://u:p@h:3306/, mysql://v:xxxxx@h:3306/, ''",
        "mysql://u:p@h:3306/, mysql://u:xxxxx@h2:3306/, ''",
        "mysql://u@h:3306/, mysql://u:xxxxx@h:3306/, ''",
        "kafka://b/t?z=1&sasl-password=p%26q, kafka://b/t2?sasl-password=xxxxx, kafka://b/t2?sasl-password=p%26q",
        "kafka://b/t?z=1, kafka://b/t?sasl-password=xxxxx, ''",
        "kafka://b/t?sasl-oauth-client-secret=s, kafka://b/t?sasl-oauth-client-secret=xxxxx&sasl-oauth-token-url=http://evil/, ''",
        "s3://b/p?secret-access-key=s, s3://b/p?secret-access-key=xxxxx&endpoint=evil, ''",
        "kafka://b/t?schema-registry=http://u:p@r, kafka://b/t?a=1&schema-registry=http://u:xxxxx@r, kafka://b/t?a=1&schema-registry=http://u:p@r",
        "kafka://b/t?schema-registry=http://u:p@r, kafka://b/t?schema-registry=http://u:xxxxx@evil, ''",
        "kafka://b/t?sasl-password=p, kafka://c/t?sasl-password=xxxxx, ''",
        "s3://b/x?secret-access-key=s&access-key=k, s3://b/x?access-key=n&secret-access-key=xxxxx&e=1, s3://b/x?access-key=n&secret-access-key=s&e=1"
    })
    void hiddenValuesThatComeBackAreTheStoredOnes(String stored, String given, String restored) {
        assertThat(Secrets.restoreUri(given, stored).orElse("")).isEqualTo(restored);
    }

    @Test
    void addressesInParametersAreMaskedToo() {
        assertThat(
                        Secrets.maskUri(
                                "kafka://b/t?schema-registry=http://u:p@r:1&claim-check-storage-uri="
                                        + "s3%3A%2F%2Fb%3Fsecret-access-key%3Dk%26region%3Dx&z=file:///a"))
                .isEqualTo(
                        "kafka://b/t?claim-check-storage-uri="
                                + "s3%3A%2F%2Fb%3Fregion%3Dx%26secret-access-key%3Dxxxxx"
                                + "&schema-registry=http%3A%2F%2Fu%3Axxxxx%40r%3A1&z=file%3A%2F%2F%2Fa");
    }

    @Test
    void textsAreMasked() {
        assertThat(
                        Secrets.maskText(
                                "cannot open mysql://root:s3cr3t@db:1/?x=1, sasl-password=abc,"
                                        + " \"sasl_password\":\"def\" fine"))
                .isEqualTo(
                        "cannot open mysql://root:xxxxx@db:1/?x=1, sasl-password=xxxxx,"
                                + " \"sasl_password\":\"xxxxx\" fine");
    }
}
