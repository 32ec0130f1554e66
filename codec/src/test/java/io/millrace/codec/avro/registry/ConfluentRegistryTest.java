package io.millrace.codec.avro.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the client makes of each answer; a real registry is met in {@code RegistryIT}. */
class ConfluentRegistryTest {
    private record Answer(int status, String body) {}

    private record Call(String method, String path, String contentType, String auth, String body) {}

    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final List<Call> calls = new ArrayList<>();
    private final CountDownLatch end = new CountDownLatch(1);
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.start();
    }

    @AfterEach
    void stop() {
        end.countDown();
        server.stop(0);
    }

    private void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getRawPath();
        synchronized (calls) {
            calls.add(
                    new Call(
                            exchange.getRequestMethod(),
                            path,
                            exchange.getRequestHeaders().getFirst("Content-Type"),
                            exchange.getRequestHeaders().getFirst("Authorization"),
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8)));
        }
        Answer answer = answers.getOrDefault(path, new Answer(404, "nothing here"));
        if (answer.status() == 0) {
            try {
                end.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.close();
            return;
        }
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(answer.status(), body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private String url(String userInfo, String path) {
        return "http://" + userInfo + "127.0.0.1:" + server.getAddress().getPort() + path;
    }

    private ConfluentRegistry registry() {
        return new ConfluentRegistry(url("", ""));
    }

    @Test
    void registersASchemaOnce() throws IOException {
        answers.put("/base/subjects/a%20b-value/versions", new Answer(200, "{\"id\":258}"));
        try (ConfluentRegistry registry = new ConfluentRegistry(url("us%40er:p+w:1@", "/base/"))) {
            String schema = "{\"type\":\"string\"}";
            assertThat(registry.register("a b-value", schema)).containsExactly(0, 0, 0, 1, 2);
            assertThat(registry.register("a b-value", schema)).containsExactly(0, 0, 0, 1, 2);
            assertThat(calls).hasSize(1);
            Call call = calls.getFirst();
            assertThat(call.method()).isEqualTo("POST");
            assertThat(call.contentType()).isEqualTo("application/vnd.schemaregistry.v1+json");
            assertThat(new JsonMapper().readTree(call.body()))
                    .isEqualTo(new JsonMapper().createObjectNode().put("schema", schema));
            assertThat(call.auth())
                    .isEqualTo(
                            "Basic "
                                    + Base64.getEncoder()
                                            .encodeToString(
                                                    "us@er:p+w:1"
                                                            .getBytes(StandardCharsets.UTF_8)));
            registry.register("a b-value", "{\"type\":\"int\"}");
            assertThat(calls).hasSize(2);
        }
    }

    @Test
    void aRegistryAnswersItsRootWithAnEmptyObject() {
        answers.put("/", new Answer(200, "{}"));
        try (ConfluentRegistry registry = registry()) {
            registry.check();
        }
        assertThat(calls).hasSize(1);
    }

    @Test
    void anotherRootIsFineWhereThereAreSubjects() {
        answers.put("/", new Answer(200, "<html>"));
        answers.put("/subjects", new Answer(200, "[]"));
        try (ConfluentRegistry registry = registry()) {
            registry.check();
        }
    }

    @Test
    void whatIsNoRegistryIsRefused() {
        answers.put("/", new Answer(200, "<html>"));
        refused(ErrorCode.SCHEMA_REGISTRY).hasMessageContaining("404");
        answers.put("/subjects", new Answer(200, "<html>"));
        refused(ErrorCode.SCHEMA_REGISTRY).hasMessageContaining("<html>");
        answers.put("/subjects", new Answer(503, "later"));
        refused(ErrorCode.SINK_TRANSIENT).hasMessageContaining("later");
        answers.put("/", new Answer(401, "who?"));
        refused(ErrorCode.SINK_ACCESS_DENIED).hasMessageContaining("user:password@");
    }

    private AbstractThrowableAssert<?, ? extends Throwable> refused(ErrorCode code) {
        try (ConfluentRegistry registry = registry()) {
            return code(assertThatThrownBy(registry::check), code);
        }
    }

    private static AbstractThrowableAssert<?, ? extends Throwable> code(
            AbstractThrowableAssert<?, ? extends Throwable> thrown, ErrorCode code) {
        return thrown.isInstanceOfSatisfying(
                MillraceException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void refusalsOfASchemaAreNotRetriedAndFailuresAre() {
        String path = "/subjects/t-value/versions";
        try (ConfluentRegistry registry = registry()) {
            answers.put(
                    path,
                    new Answer(409, "{\"error_code\":409,\"message\":\"reader lost a field\"}"));
            code(
                            assertThatThrownBy(() -> registry.register("t-value", "{}")),
                            ErrorCode.SCHEMA_REGISTRY)
                    .hasMessageContaining("t-value")
                    .hasMessageContaining("reader lost a field")
                    .hasMessageContaining("compatibility level");
            answers.put(
                    path, new Answer(422, "{\"error_code\":42201,\"message\":\"Invalid schema\"}"));
            code(
                            assertThatThrownBy(() -> registry.register("t-value", "{}")),
                            ErrorCode.SCHEMA_REGISTRY)
                    .hasMessageContaining("42201 Invalid schema");
            answers.put(path, new Answer(500, "{\"error_code\":50001,\"message\":\"store\"}"));
            code(
                    assertThatThrownBy(() -> registry.register("t-value", "{}")),
                    ErrorCode.SINK_TRANSIENT);
            answers.put(path, new Answer(200, "{}"));
            code(
                    assertThatThrownBy(() -> registry.register("t-value", "{}")),
                    ErrorCode.SCHEMA_REGISTRY);
        }
    }

    @Test
    void silenceAndAbsenceAreTransient() {
        answers.put("/", new Answer(0, ""));
        try (ConfluentRegistry registry =
                new ConfluentRegistry(url("u:secret@", ""), Duration.ofMillis(100))) {
            code(assertThatThrownBy(registry::check), ErrorCode.SINK_CONNECTION)
                    .hasMessageNotContaining("secret");
        }
        String url = url("u:secret@", "");
        end.countDown();
        server.stop(0);
        try (ConfluentRegistry registry = new ConfluentRegistry(url)) {
            code(assertThatThrownBy(registry::check), ErrorCode.SINK_CONNECTION)
                    .hasMessageNotContaining("secret");
        }
    }

    @Test
    void badUrlsAreNamedWithoutTheirPassword() {
        for (String url :
                List.of("ftp://u:secret@h", "h:8081", "http://u:secret@", "http://u:sec ret@h/")) {
            code(
                            assertThatThrownBy(() -> ConfluentRegistry.validate(url)),
                            ErrorCode.CODEC_INVALID_CONFIG)
                    .hasMessageContaining("schema-registry")
                    .hasMessageNotContaining("ret@");
        }
    }
}
