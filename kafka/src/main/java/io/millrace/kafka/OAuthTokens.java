package io.millrace.kafka;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.auth.SaslExtensionsCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;
import org.jspecify.annotations.Nullable;

/**
 * Fetches a token for a client's credentials (RFC 6749, section 4.4) whenever Kafka's login asks
 * for one, which it does before the old one ends. Unlike Kafka's own handler it takes tokens of any
 * form, sends audience and grant type, and needs no list of allowed URLs. Made by Kafka.
 *
 * <p>The credentials go into the Authorization header; a server that does not like that gets them
 * in the body.
 */
public final class OAuthTokens implements AuthenticateCallbackHandler {
    static final String CLIENT_ID = "clientId";
    static final String CLIENT_SECRET = "clientSecret";
    static final String TOKEN_URL = "tokenUrl";
    static final String SCOPES = "scopes";
    static final String GRANT_TYPE = "grantType";
    static final String AUDIENCE = "audience";

    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    /** How long a token counts as good when the server does not say. */
    private static final long DEFAULT_LIFE_SECONDS = 300;

    private static final int MAX_ERROR_TEXT = 200;

    private Map<String, ?> options = Map.of();

    /**
     * A token as the server gave it.
     *
     * @param lifetimeMs when it ends, Unix milliseconds
     */
    private record Token(
            String value,
            String principalName,
            Set<String> scope,
            Long startTimeMs,
            long lifetimeMs)
            implements OAuthBearerToken {
        @Override
        public String toString() {
            return "Token[" + principalName + "]";
        }
    }

    @Override
    public void configure(
            Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
        options = entries.getFirst().getOptions();
    }

    @Override
    public void handle(Callback[] callbacks) throws IOException, UnsupportedCallbackException {
        for (Callback callback : callbacks) {
            switch (callback) {
                case OAuthBearerTokenCallback wanted -> fetch(wanted);
                case SaslExtensionsCallback none -> {}
                default -> throw new UnsupportedCallbackException(callback);
            }
        }
    }

    /** Errors go into the callback: Kafka hides the text of exceptions. */
    private void fetch(OAuthBearerTokenCallback wanted) {
        URI url = URI.create(option(TOKEN_URL));
        String place =
                "the token endpoint "
                        + url.getScheme()
                        + "://"
                        + url.getHost()
                        + (url.getPort() < 0 ? "" : ":" + url.getPort());
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(TIMEOUT).build()) {
            HttpResponse<String> answer = post(client, url, true);
            if (answer.statusCode() == 400 || answer.statusCode() == 401) {
                answer = post(client, url, false);
            }
            if (answer.statusCode() != 200) {
                String body = answer.body();
                wanted.error(
                        "refused",
                        place
                                + " answered "
                                + answer.statusCode()
                                + ": "
                                + body.substring(0, Math.min(body.length(), MAX_ERROR_TEXT)),
                        null);
                return;
            }
            wanted.token(token(answer.body(), place));
        } catch (IOException e) {
            wanted.error("unreachable", place + " cannot be asked: " + e, null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            wanted.error("interrupted", "interrupted while asking " + place, null);
        }
    }

    private HttpResponse<String> post(HttpClient client, URI url, boolean inHeader)
            throws IOException, InterruptedException {
        Map<String, String> form = new LinkedHashMap<>();
        form.put("grant_type", option(GRANT_TYPE));
        putIfSet(form, "scope", option(SCOPES));
        putIfSet(form, "audience", option(AUDIENCE));
        HttpRequest.Builder request =
                HttpRequest.newBuilder(url)
                        .timeout(TIMEOUT)
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .header("Accept", "application/json");
        if (inHeader) {
            String credentials = encode(option(CLIENT_ID)) + ":" + encode(option(CLIENT_SECRET));
            request.header(
                    "Authorization",
                    "Basic "
                            + Base64.getEncoder()
                                    .encodeToString(credentials.getBytes(StandardCharsets.UTF_8)));
        } else {
            form.put("client_id", option(CLIENT_ID));
            form.put("client_secret", option(CLIENT_SECRET));
        }
        String body =
                form.entrySet().stream()
                        .map(field -> field.getKey() + "=" + encode(field.getValue()))
                        .collect(Collectors.joining("&"));
        return client.send(
                request.POST(HttpRequest.BodyPublishers.ofString(body)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static void putIfSet(Map<String, String> form, String name, String value) {
        if (!value.isEmpty()) {
            form.put(name, value);
        }
    }

    private Token token(String answer, String place) throws IOException {
        long now = System.currentTimeMillis();
        JsonNode root;
        try {
            root = new JsonMapper().readTree(answer);
        } catch (JsonProcessingException e) {
            // Without its text: it may hold a part of the token.
            throw new IOException(place + " did not answer with JSON");
        }
        String value = root.path("access_token").asText("");
        if (value.isEmpty()) {
            throw new IOException(place + " gave no access_token");
        }
        long life = root.path("expires_in").asLong(DEFAULT_LIFE_SECONDS);
        String scopes = root.path("scope").asText(option(SCOPES));
        return new Token(
                value,
                option(CLIENT_ID),
                Arrays.stream(scopes.split(" "))
                        .filter(scope -> !scope.isEmpty())
                        .collect(Collectors.toUnmodifiableSet()),
                now,
                now + Duration.ofSeconds(life).toMillis());
    }

    private String option(String name) {
        @Nullable Object value = options.get(name);
        return value == null ? "" : value.toString();
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {}
}
