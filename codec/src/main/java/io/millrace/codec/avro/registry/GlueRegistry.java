package io.millrace.codec.avro.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/**
 * AWS Glue's schema registry, by its JSON protocol as AWS's API reference describes it. A subject
 * is a schema of the registry, made with compatibility NONE when it is missing, its versions are
 * those of the table. What was registered is remembered.
 *
 * <p>The header of a message is 3, a 0 for "not compressed", and the 16 bytes of the version's id.
 */
public final class GlueRegistry implements SchemaRegistry {
    /** First byte of each message. */
    public static final byte MAGIC = 3;

    /** Bytes before the Avro data. */
    public static final int HEADER_BYTES = 18;

    /** How long connecting, and each whole answer, may take. */
    private static final Duration TIME_LIMIT = Duration.ofSeconds(10);

    /** How often, and after which pauses, a version that Glue still checks is looked at. */
    private static final int MAX_LOOKS = 20;

    private static final Duration LOOK_PAUSE = Duration.ofMillis(500);

    private static final String CONTENT_TYPE = "application/x-amz-json-1.1";
    private static final int SERVER_ERROR = 500;
    private static final int MAX_ERROR_TEXT = 500;

    private static final String NOT_FOUND = "EntityNotFoundException";
    private static final String EXISTS = "AlreadyExistsException";
    private static final Set<String> DENIED =
            Set.of(
                    "AccessDeniedException",
                    "UnrecognizedClientException",
                    "InvalidSignatureException",
                    "SignatureDoesNotMatch",
                    "InvalidClientTokenId",
                    "MissingAuthenticationToken",
                    "MissingAuthenticationTokenException",
                    "IncompleteSignatureException",
                    "ExpiredTokenException");
    private static final Set<String> PASSING =
            Set.of(
                    "ThrottlingException",
                    "InternalServiceException",
                    "ConcurrentModificationException",
                    "OperationTimeoutException",
                    "ServiceUnavailable");

    private final Settings settings;
    private final AwsSignature signature;
    private final Clock clock;
    private final HttpClient http;
    private final JsonMapper mapper = new JsonMapper();
    private final Map<String, Registered> latest = new HashMap<>();

    /**
     * Where and who.
     *
     * @param registry name of the registry
     * @param region such as {@code eu-central-1}
     * @param endpoint of the service
     */
    public record Settings(
            String registry, String region, URI endpoint, AwsCredentials credentials) {
        /** At the region's own endpoint. */
        public Settings(String registry, String region, AwsCredentials credentials) {
            this(registry, region, endpoint(region), credentials);
        }

        private static URI endpoint(String region) {
            return URI.create(
                    "https://glue."
                            + region
                            + (region.startsWith("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com")
                            + "/");
        }
    }

    private record Registered(String schema, byte[] header) {}

    /** What Glue said: the result, or the name of an error. */
    private record Answer(int status, String error, String message, JsonNode body) {}

    /**
     * @param clock stamps the signatures; AWS tolerates five minutes
     */
    public GlueRegistry(Settings settings, Clock clock) {
        this.settings = settings;
        this.clock = clock;
        signature = new AwsSignature(settings.credentials(), settings.region(), "glue");
        http = HttpClient.newBuilder().connectTimeout(TIME_LIMIT).build();
    }

    @Override
    public void check() {
        ObjectNode request = object();
        request.putObject("RegistryId").put("RegistryName", settings.registry());
        Answer answer = call("GetRegistry", request);
        if (answer.error().equals(NOT_FOUND)) {
            throw new MillraceException(
                    ErrorCode.SCHEMA_REGISTRY,
                    "there is no schema registry "
                            + settings.registry()
                            + " in AWS Glue, region "
                            + settings.region()
                            + "; make it first, or name another");
        }
        succeeded("asking for the registry", answer);
    }

    @Override
    public byte[] register(String subject, String schema) {
        Registered known = latest.get(subject);
        if (known != null && known.schema().equals(schema)) {
            return known.header();
        }
        String doing = "registering a version of schema " + subject;
        Answer answer = call("RegisterSchemaVersion", version(subject, schema));
        String status = "Status";
        if (answer.error().equals(NOT_FOUND)) {
            ObjectNode request = object();
            request.putObject("RegistryId").put("RegistryName", settings.registry());
            request.put("SchemaName", subject);
            request.put("DataFormat", "AVRO");
            request.put("Compatibility", "NONE");
            request.put("SchemaDefinition", schema);
            doing = "making schema " + subject;
            answer = call("CreateSchema", request);
            status = "SchemaVersionStatus";
            if (answer.error().equals(EXISTS)) {
                // Somebody else was faster.
                answer = call("RegisterSchemaVersion", version(subject, schema));
                status = "Status";
            }
        }
        succeeded(doing, answer);
        String id = answer.body().path("SchemaVersionId").asText("");
        UUID uuid;
        try {
            uuid = UUID.fromString(id);
        } catch (IllegalArgumentException e) {
            throw failed(doing, answer);
        }
        awaitAvailable(subject, id, answer.body().path(status).asText("AVAILABLE"));
        byte[] header = new byte[HEADER_BYTES];
        header[0] = MAGIC;
        WireBytes.putI64Be(header, 2, uuid.getMostSignificantBits());
        WireBytes.putI64Be(header, 2 + Long.BYTES, uuid.getLeastSignificantBits());
        latest.put(subject, new Registered(schema, header));
        return header;
    }

    private ObjectNode version(String subject, String schema) {
        ObjectNode request = object();
        request.putObject("SchemaId")
                .put("RegistryName", settings.registry())
                .put("SchemaName", subject);
        return request.put("SchemaDefinition", schema);
    }

    /** Glue checks a new version against the earlier ones, which may take a moment. */
    private void awaitAvailable(String subject, String id, String first) {
        String status = first;
        for (int look = 0; status.equals("PENDING") && look < MAX_LOOKS; look++) {
            try {
                Thread.sleep(LOOK_PAUSE);
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
            Answer answer = call("GetSchemaVersion", object().put("SchemaVersionId", id));
            succeeded("asking for a version of schema " + subject, answer);
            status = answer.body().path("Status").asText("");
        }
        if (status.equals("PENDING")) {
            throw new MillraceException(
                    ErrorCode.SINK_TRANSIENT,
                    "AWS Glue does not get done with the new version of schema " + subject);
        }
        if (!status.equals("AVAILABLE")) {
            throw new MillraceException(
                    ErrorCode.SCHEMA_REGISTRY,
                    "AWS Glue refuses the new version of schema "
                            + subject
                            + " in registry "
                            + settings.registry()
                            + " (status "
                            + status
                            + "), it is not compatible with the earlier ones; relax the schema's"
                            + " compatibility, or send the table to another topic, and resume");
        }
    }

    /**
     * The schema of a version, as JSON; for readers.
     *
     * @throws MillraceException SCHEMA_REGISTRY when Glue does not know it
     */
    public String schema(UUID version) {
        Answer answer =
                call("GetSchemaVersion", object().put("SchemaVersionId", version.toString()));
        succeeded("asking for schema version " + version, answer);
        return answer.body().path("SchemaDefinition").asText();
    }

    @Override
    public void close() {
        http.shutdownNow();
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    private Answer call(String operation, ObjectNode request) {
        byte[] body = request.toString().getBytes(StandardCharsets.UTF_8);
        Map<String, String> headers = new TreeMap<>();
        headers.put("content-type", CONTENT_TYPE);
        headers.put("x-amz-target", "AWSGlue." + operation);
        Map<String, String> signed = new TreeMap<>(headers);
        signed.put("host", settings.endpoint().getRawAuthority());
        headers.putAll(signature.headers(signed, body, clock.instant()));
        HttpRequest.Builder builder =
                HttpRequest.newBuilder(settings.endpoint())
                        .timeout(TIME_LIMIT)
                        .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        headers.forEach(builder::header); // the client itself adds the host
        HttpResponse<String> response;
        try {
            response =
                    http.send(
                            builder.build(),
                            HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        } catch (IOException e) {
            String cause = e.getMessage();
            throw new MillraceException(
                    ErrorCode.SINK_CONNECTION,
                    "AWS Glue at "
                            + settings.endpoint()
                            + " cannot be reached: "
                            + (cause == null ? e.getClass().getSimpleName() : cause),
                    e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        JsonNode answer;
        try {
            answer = mapper.readTree(response.body());
        } catch (JsonProcessingException e) {
            answer = object().put("message", response.body());
        }
        if (response.statusCode() == 200) {
            return new Answer(200, "", "", answer);
        }
        // Perhaps with a name space before: com.amazonaws...#EntityNotFoundException
        String type = answer.path("__type").asText("HTTP " + response.statusCode());
        String message = answer.path("Message").asText(answer.path("message").asText(""));
        return new Answer(
                response.statusCode(), type.substring(type.indexOf('#') + 1), message, answer);
    }

    private MillraceException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new MillraceException(
                ErrorCode.SINK_CONNECTION,
                "interrupted while waiting for AWS Glue at " + settings.endpoint(),
                e);
    }

    private void succeeded(String doing, Answer answer) {
        if (answer.status() != 200) {
            throw failed(doing, answer);
        }
    }

    private MillraceException failed(String doing, Answer answer) {
        ErrorCode code =
                DENIED.contains(answer.error())
                        ? ErrorCode.SINK_ACCESS_DENIED
                        : answer.status() >= SERVER_ERROR || PASSING.contains(answer.error())
                                ? ErrorCode.SINK_TRANSIENT
                                : ErrorCode.SCHEMA_REGISTRY;
        String message = answer.message().strip();
        return new MillraceException(
                code,
                "AWS Glue at "
                        + settings.endpoint()
                        + " failed while "
                        + doing
                        + ": "
                        + answer.error()
                        + " "
                        + (message.length() <= MAX_ERROR_TEXT
                                ? message
                                : message.substring(0, MAX_ERROR_TEXT) + " ...")
                        + (code == ErrorCode.SINK_ACCESS_DENIED
                                ? "; check the access key, its rights on the registry and the"
                                        + " server's clock"
                                : ""));
    }
}
