package io.millrace.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Calls one server's API. Every failure becomes a {@link CliException} that a person can act on.
 */
final class ApiClient {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    /**
     * Creating a changefeed really opens its sink, which may take as long as the sink's own
     * time-outs.
     */
    private static final Duration REQUEST_TIMEOUT = Duration.ofMinutes(2);

    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http;
    private final URI server;
    private @Nullable String authorization;
    private final @Nullable PrintWriter trace;
    private final String hint;

    /**
     * @param server base address such as {@code http://127.0.0.1:8300}; the scheme may be left out
     * @param credentials {@code user:password} for Basic authentication, or null
     */
    ApiClient(String server, @Nullable String credentials) {
        this(server, credentials, null, null);
    }

    /**
     * @param tls for https addresses; null is the JDK's default. With it, an address without scheme
     *     is an https one
     * @param trace gets a line for each request and each answer; null is silent
     */
    ApiClient(
            String server,
            @Nullable String credentials,
            @Nullable SSLContext tls,
            @Nullable PrintWriter trace) {
        this(
                server,
                credentials,
                tls,
                trace,
                "Start one with: ./millrace server --upstream mysql://...");
    }

    /**
     * @param hint what to do when nobody answers
     */
    ApiClient(
            String server,
            @Nullable String credentials,
            @Nullable SSLContext tls,
            @Nullable PrintWriter trace,
            String hint) {
        this.hint = hint;
        HttpClient.Builder client = HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT);
        if (tls != null) {
            client.sslContext(tls);
        }
        this.http = client.build();
        this.trace = trace;
        String address =
                server.contains("://") ? server : (tls == null ? "http://" : "https://") + server;
        try {
            this.server =
                    URI.create(
                            address.endsWith("/")
                                    ? address.substring(0, address.length() - 1)
                                    : address);
        } catch (IllegalArgumentException e) {
            throw new CliException(
                    "--server is not an address: " + server + " (expected http://host:port)");
        }
        this.authorization =
                credentials == null
                        ? null
                        : "Basic "
                                + Base64.getEncoder()
                                        .encodeToString(
                                                credentials.getBytes(StandardCharsets.UTF_8));
    }

    /** From now on requests carry a token. */
    void bearer(String token) {
        authorization = "Bearer " + token;
    }

    JsonNode get(String path) {
        return call("GET", path, null);
    }

    JsonNode post(String path, JsonNode body) {
        return call("POST", path, body);
    }

    JsonNode put(String path, JsonNode body) {
        return call("PUT", path, body);
    }

    JsonNode patch(String path, JsonNode body) {
        return call("PATCH", path, body);
    }

    JsonNode delete(String path) {
        return call("DELETE", path, null);
    }

    JsonNode delete(String path, JsonNode body) {
        return call("DELETE", path, body);
    }

    /** A path segment with everything escaped that is not plain. */
    static String segment(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private JsonNode call(String method, String path, @Nullable JsonNode body) {
        HttpRequest.BodyPublisher publisher =
                body == null
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofString(body.toString());
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(server + path))
                        .timeout(REQUEST_TIMEOUT)
                        .header("Content-Type", "application/json")
                        .header("X-client-version", Main.version())
                        .method(method, publisher);
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        trace("> " + method + " " + server + path);
        HttpResponse<String> response;
        try {
            response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (ConnectException e) {
            throw new CliException("no server answers at " + server + ". " + hint);
        } catch (IOException e) {
            throw new CliException("calling " + server + path + " failed: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException("interrupted while calling " + server + path);
        }
        trace("< " + response.statusCode() + " " + response.body().length() + " bytes");
        JsonNode answer = parse(response.body());
        if (response.statusCode() / 100 != 2) {
            // TiCDC's API and Kafka Connect's have their own words.
            String message = answer.path("error_msg").asText(answer.path("message").asText(""));
            if (response.statusCode() == 401 && message.isEmpty()) {
                message = "the server wants another user and password: give --user";
            }
            throw new CliException(
                    message.isEmpty()
                            ? method + " " + path + " answered " + response.statusCode()
                            : message,
                    answer.path("error_code").asText(""));
        }
        return answer;
    }

    private void trace(String line) {
        if (trace != null) {
            trace.println(line);
            trace.flush();
        }
    }

    private static JsonNode parse(String text) {
        if (text.isBlank()) {
            return JsonNodeFactory.instance.objectNode();
        }
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            return JsonNodeFactory.instance.objectNode().put("error_msg", text.strip());
        }
    }
}
