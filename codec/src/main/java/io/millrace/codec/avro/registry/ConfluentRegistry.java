package io.millrace.codec.avro.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A registry that speaks Confluent's HTTP API, over http or https; user and password of the URL are
 * sent as Basic authentication. Every call has a time limit. What was registered is remembered, so
 * that an equal schema of the same subject costs no second call.
 *
 * <p>The header of a message is a zero byte and the schema's id, 32 bits big-endian.
 */
public final class ConfluentRegistry implements SchemaRegistry {
    /** How long connecting, and each whole answer, may take. */
    public static final Duration TIME_LIMIT = Duration.ofSeconds(10);

    /** First byte of each message. */
    public static final byte MAGIC = 0;

    /** Bytes before the Avro data. */
    public static final int HEADER_BYTES = 5;

    private static final String CONTENT_TYPE = "application/vnd.schemaregistry.v1+json";
    private static final int MAX_ERROR_TEXT = 500;

    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int REQUEST_TIMEOUT = 408;
    private static final int CONFLICT = 409;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int SERVER_ERROR = 500;

    private final String base;
    private final Optional<String> authorization;
    private final Duration timeLimit;
    private final HttpClient http;
    private final JsonMapper mapper = new JsonMapper();
    private final Map<String, Registered> latest = new HashMap<>();

    private record Registered(String schema, byte[] header) {}

    /**
     * @param url {@code http://[user:password@]host[:port][/path]}, or https
     * @throws MillraceException CODEC_INVALID_CONFIG when it is no such URL
     */
    public ConfluentRegistry(String url) {
        this(url, TIME_LIMIT);
    }

    ConfluentRegistry(String url, Duration timeLimit) {
        this.timeLimit = timeLimit;
        URI uri = parse(url);
        String user = uri.getRawUserInfo();
        authorization =
                Optional.ofNullable(user)
                        .map(text ->
                                "Basic "
                                        + Base64.getEncoder()
                                                .encodeToString(
                                                        decode(text)
                                                                .getBytes(StandardCharsets.UTF_8)));
        String path = uri.getRawPath() == null ? "" : uri.getRawPath();
        while (path.endsWith("/")) {
            path = path.substring(0, path.length() - 1);
        }
        String host = uri.getHost();
        base =
                uri.getScheme()
                        + "://"
                        + host
                        + (uri.getPort() < 0 ? "" : ":" + uri.getPort())
                        + path;
        http = HttpClient.newBuilder().connectTimeout(timeLimit).build();
    }

    /** Checks a URL without connecting; as the constructor does. */
    public static void validate(String url) {
        parse(url);
    }

    private static URI parse(String url) {
        URI uri;
        try {
            uri = new URI(url);
        } catch (URISyntaxException e) {
            // The URL may hold a password: neither it nor the cause is repeated.
            throw invalid("schema-registry is no URL: " + e.getReason());
        }
        String scheme = uri.getScheme();
        if (scheme == null
                || !(scheme.equalsIgnoreCase("http") || scheme.equalsIgnoreCase("https"))) {
            throw invalid("schema-registry must be an http:// or https:// URL");
        }
        if (uri.getHost() == null) {
            throw invalid("schema-registry has no host");
        }
        return uri;
    }

    private static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.CODEC_INVALID_CONFIG, message);
    }

    /** Percent escapes only: a plus sign in a password is a plus sign. */
    private static String decode(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    @Override
    public void check() {
        // Confluent's registry answers its root with an empty object. Others have a page for people
        // there; what they all have is the list of subjects.
        HttpResponse<String> root = send(request("/").GET().build());
        if (root.statusCode() == 200 && root.body().strip().equals("{}")) {
            return;
        }
        refuseDenied(root);
        HttpResponse<String> subjects = send(request("/subjects").GET().build());
        if (subjects.statusCode() != 200 || !json(subjects).isArray()) {
            throw failed("asking for the subjects", subjects);
        }
    }

    @Override
    public byte[] register(String subject, String schema) {
        Registered known = latest.get(subject);
        if (known != null && known.schema().equals(schema)) {
            return known.header();
        }
        String body = JsonNodeFactory.instance.objectNode().put("schema", schema).toString();
        HttpResponse<String> response =
                send(
                        request("/subjects/" + encode(subject) + "/versions")
                                .header("Content-Type", CONTENT_TYPE)
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build());
        String doing = "registering a schema of subject " + subject;
        if (response.statusCode() == CONFLICT) {
            throw new MillraceException(
                    ErrorCode.SCHEMA_REGISTRY,
                    "the schema registry at "
                            + base
                            + " refuses the new schema of subject "
                            + subject
                            + " as incompatible with the earlier ones ("
                            + reason(response)
                            + "); relax the subject's compatibility level, or send the table to"
                            + " another topic, and resume");
        }
        if (response.statusCode() != 200) {
            throw failed(doing, response);
        }
        JsonNode id = json(response).path("id");
        if (!id.isInt()) {
            throw failed(doing, response);
        }
        byte[] header = new byte[HEADER_BYTES];
        header[0] = MAGIC;
        WireBytes.putI32Be(header, 1, id.intValue());
        latest.put(subject, new Registered(schema, header));
        return header;
    }

    /**
     * The schema of an id, as JSON; for readers.
     *
     * @throws MillraceException SCHEMA_REGISTRY when the registry does not know it
     */
    public String schema(int id) {
        HttpResponse<String> response = send(request("/schemas/ids/" + id).GET().build());
        JsonNode schema = response.statusCode() == 200 ? json(response).path("schema") : null;
        if (schema == null || !schema.isTextual()) {
            throw failed("asking for schema " + id, response);
        }
        return schema.textValue();
    }

    @Override
    public void close() {
        http.shutdownNow();
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder builder =
                HttpRequest.newBuilder(URI.create(base + path))
                        .timeout(timeLimit)
                        .header("Accept", CONTENT_TYPE + ", application/json");
        authorization.ifPresent(value -> builder.header("Authorization", value));
        return builder;
    }

    private HttpResponse<String> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        } catch (IOException e) {
            String cause = e.getMessage();
            throw new MillraceException(
                    ErrorCode.SINK_CONNECTION,
                    "the schema registry at "
                            + base
                            + " cannot be reached: "
                            + (cause == null ? e.getClass().getSimpleName() : cause),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MillraceException(
                    ErrorCode.SINK_CONNECTION,
                    "interrupted while waiting for the schema registry at " + base,
                    e);
        }
    }

    private JsonNode json(HttpResponse<String> response) {
        try {
            return mapper.readTree(response.body());
        } catch (JsonProcessingException e) {
            throw failed("reading the answer to " + response.uri().getPath(), response);
        }
    }

    private void refuseDenied(HttpResponse<String> response) {
        if (response.statusCode() == UNAUTHORIZED || response.statusCode() == FORBIDDEN) {
            throw new MillraceException(
                    ErrorCode.SINK_ACCESS_DENIED,
                    "the schema registry at "
                            + base
                            + " denies access (HTTP "
                            + response.statusCode()
                            + "); put user and password into the URL of schema-registry:"
                            + " http://user:password@host:port");
        }
    }

    private MillraceException failed(String doing, HttpResponse<String> response) {
        refuseDenied(response);
        int status = response.statusCode();
        boolean mayPass =
                status >= SERVER_ERROR || status == REQUEST_TIMEOUT || status == TOO_MANY_REQUESTS;
        return new MillraceException(
                mayPass ? ErrorCode.SINK_TRANSIENT : ErrorCode.SCHEMA_REGISTRY,
                "the schema registry at "
                        + base
                        + " failed while "
                        + doing
                        + ": HTTP "
                        + status
                        + ", "
                        + reason(response));
    }

    /**
     * The registry's own words: the message of its error object, else the beginning of its text.
     */
    private String reason(HttpResponse<String> response) {
        String text = response.body();
        try {
            JsonNode body = mapper.readTree(text);
            if (body.path("message").isTextual()) {
                text = body.path("error_code").asText("") + " " + body.path("message").asText();
            }
        } catch (JsonProcessingException e) {
            // No JSON: the text itself has to do.
        }
        text = text.strip();
        return text.length() <= MAX_ERROR_TEXT ? text : text.substring(0, MAX_ERROR_TEXT) + " ...";
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
