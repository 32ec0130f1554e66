package io.millrace.codec.avro.registry;

import java.util.Map;
import java.util.Optional;

/**
 * Who asks AWS.
 *
 * @param token of a session; empty for keys that last
 */
public record AwsCredentials(String accessKey, String secretKey, String token) {
    /** Those of the server's environment, under AWS's own names. */
    public static Optional<AwsCredentials> of(Map<String, String> environment) {
        String accessKey = environment.getOrDefault("AWS_ACCESS_KEY_ID", "");
        String secretKey = environment.getOrDefault("AWS_SECRET_ACCESS_KEY", "");
        return accessKey.isEmpty() || secretKey.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new AwsCredentials(
                                accessKey,
                                secretKey,
                                environment.getOrDefault("AWS_SESSION_TOKEN", "")));
    }

    @Override
    public String toString() {
        return "AwsCredentials[" + accessKey + "]";
    }
}
