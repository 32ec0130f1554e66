package io.millrace.codec.avro.registry;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs requests to AWS, version 4, as "Signature Version 4 signing process" of the AWS manual
 * describes it: only POST to the path {@code /} without a query, which is all that Glue needs.
 */
final class AwsSignature {
    private static final String ALGORITHM = "AWS4-HMAC-SHA256";
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final int DATE_LENGTH = 8;

    private final AwsCredentials credentials;
    private final String region;
    private final String service;

    AwsSignature(AwsCredentials credentials, String region, String service) {
        this.credentials = credentials;
        this.region = region;
        this.service = service;
    }

    /**
     * The headers that a request needs besides those given: its time, the session's token if there
     * is one, and the signature over all of them.
     *
     * @param headers that are signed, {@code host} among them; names in lower case
     */
    Map<String, String> headers(Map<String, String> headers, byte[] body, Instant now) {
        String time = TIME.format(now);
        Map<String, String> added = new TreeMap<>();
        added.put("x-amz-date", time);
        if (!credentials.token().isEmpty()) {
            added.put("x-amz-security-token", credentials.token());
        }
        TreeMap<String, String> all = new TreeMap<>(headers);
        all.putAll(added);
        StringBuilder canonical = new StringBuilder("POST\n/\n\n");
        all.forEach((name, value) ->
                canonical.append(name).append(':').append(value.strip()).append('\n'));
        String names = String.join(";", all.keySet());
        canonical.append('\n').append(names).append('\n').append(hash(body));
        String day = time.substring(0, DATE_LENGTH);
        String scope = day + "/" + region + "/" + service + "/aws4_request";
        String toSign =
                ALGORITHM
                        + "\n"
                        + time
                        + "\n"
                        + scope
                        + "\n"
                        + hash(canonical.toString().getBytes(StandardCharsets.UTF_8));
        byte[] key = ("AWS4" + credentials.secretKey()).getBytes(StandardCharsets.UTF_8);
        for (String part : new String[] {day, region, service, "aws4_request", toSign}) {
            key = hmac(key, part);
        }
        added.put(
                "authorization",
                ALGORITHM
                        + " Credential="
                        + credentials.accessKey()
                        + "/"
                        + scope
                        + ", SignedHeaders="
                        + names
                        + ", Signature="
                        + HexFormat.of().formatHex(key));
        return added;
    }

    private static String hash(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every JVM has HmacSHA256", e);
        }
    }
}
