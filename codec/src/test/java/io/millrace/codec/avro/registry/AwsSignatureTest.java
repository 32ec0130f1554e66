package io.millrace.codec.avro.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AwsSignatureTest {
    private static final String DAY = "20150830";

    /** The case "post-vanilla" of the test suite that AWS publishes for its signatures. */
    @Test
    void isThatOfThePublishedTestSuite() {
        Map<String, String> headers =
                new AwsSignature(
                                new AwsCredentials(
                                        "AKIDEXAMPLE",
                                        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                        ""),
                                "us-east-1",
                                "service")
                        .headers(
                                Map.of("host", "example.amazonaws.com"),
                                new byte[0],
                                Instant.parse("2015-08-30T12:36:00Z"));
        assertThat(headers)
                .containsOnly(
                        Map.entry("x-amz-date", DAY + "T123600Z"),
                        Map.entry(
                                "authorization",
                                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"
                                        + DAY
                                        + "/us-east-1/service/aws4_request,"
                                        + " SignedHeaders=host;x-amz-date, Signature="
                                        + "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
    }

    @Test
    void theTokenIsSent() {
        Map<String, String> headers =
                new AwsSignature(new AwsCredentials("A", "s", "the token"), "r", "glue")
                        .headers(Map.of("host", "h"), new byte[0], Instant.EPOCH);
        assertThat(headers).containsEntry("x-amz-security-token", "the token");
        assertThat(headers.get("authorization")).contains("host;x-amz-date;x-amz-security-token,");
    }

    @Test
    void credentialsOfTheEnvironmentAreThereOrNot() {
        assertThat(AwsCredentials.of(Map.of("AWS_ACCESS_KEY_ID", "a"))).isEmpty();
        assertThat(
                        AwsCredentials.of(
                                Map.of(
                                        "AWS_ACCESS_KEY_ID",
                                        "a",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "geheim")))
                .contains(new AwsCredentials("a", "geheim", ""));
        assertThat(new AwsCredentials("a", "geheim", "auch geheim").toString())
                .doesNotContain("geheim");
    }
}
