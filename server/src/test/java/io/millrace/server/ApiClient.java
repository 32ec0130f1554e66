package io.millrace.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/** Calls a server as any client would. */
final class ApiClient {
    private final HttpClient http = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();
    private final String url;

    record Answer(int status, String contentType, String text, JsonNode body) {
        String errorCode() {
            return body.path("error_code").asText();
        }

        String errorMessage() {
            return body.path("error_msg").asText();
        }
    }

    ApiClient(String url) {
        this.url = url;
    }

    Answer call(String method, String path, String body) {
        return send(
                HttpRequest.newBuilder(URI.create(url + path))
                        .method(method, BodyPublishers.ofString(body))
                        .build());
    }

    Answer send(HttpRequest request) {
        try {
            HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
            String type = response.headers().firstValue("content-type").orElse("");
            return new Answer(
                    response.statusCode(),
                    type,
                    response.body(),
                    type.contains("json") && !response.body().isEmpty()
                            ? json.readTree(response.body())
                            : json.createObjectNode());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    Answer get(String path) {
        return send(HttpRequest.newBuilder(URI.create(url + path)).build());
    }

    Answer post(String path, String body) {
        return call("POST", path, body);
    }

    Answer create(String body) {
        return post("/api/v2/changefeeds", body);
    }

    /** Waits until a changefeed has a state. */
    JsonNode await(String id, String state) throws InterruptedException {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (true) {
            JsonNode info = get("/api/v2/changefeeds/" + id).body();
            if (info.path("state").asText().equals(state)) {
                return info;
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError(id + " is not " + state + " but " + info);
            }
            Thread.sleep(10);
        }
    }
}
