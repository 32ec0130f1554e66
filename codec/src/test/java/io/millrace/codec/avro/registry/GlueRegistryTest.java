package io.millrace.codec.avro.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a server in this JVM that speaks as AWS's API reference says; there is no real Glue. */
class GlueRegistryTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Clock CLOCK =
            Clock.fixed(Instant.parse("2024-02-29T01:02:03Z"), ZoneOffset.UTC);

    /** What the server knows: versions by schema, each a definition and its id. */
    private final Map<String, Map<String, UUID>> schemas = new HashMap<>();

    private final List<String> operations = new ArrayList<>();
    private String registry = "reg";
    private String state = "AVAILABLE";
    private String error = "";
    private int errorStatus = 400;
    private JsonNode created = JSON.createObjectNode();
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private GlueRegistry glue() {
        return new GlueRegistry(
                new GlueRegistry.Settings(
                        "reg",
                        "eu-central-1",
                        URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/"),
                        new AwsCredentials("AKID", "geheim", "session")),
                CLOCK);
    }

    private void handle(HttpExchange exchange) throws IOException {
        byte[] bytes = exchange.getRequestBody().readAllBytes();
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        Map<String, String> signed = new HashMap<>();
        for (String name : List.of("content-type", "host", "x-amz-target")) {
            signed.put(name, exchange.getRequestHeaders().getFirst(name));
        }
        String expected =
                new AwsSignature(
                                new AwsCredentials("AKID", "geheim", "session"),
                                "eu-central-1",
                                "glue")
                        .headers(signed, bytes, CLOCK.instant())
                        .get("authorization");
        String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
        operations.add(target);
        JsonNode request = JSON.readTree(bytes);
        if (!authorization.equals(expected)
                || !exchange.getRequestHeaders()
                        .getFirst("Content-Type")
                        .equals("application/x-amz-json-1.1")) {
            answer(exchange, 400, fault("InvalidSignatureException"));
        } else if (!error.isEmpty()) {
            answer(exchange, errorStatus, fault(error));
        } else {
            answer(exchange, target.substring("AWSGlue.".length()), request);
        }
    }

    private static ObjectNode fault(String type) {
        return JSON.createObjectNode()
                .put("__type", "com.amazonaws.glue#" + type)
                .put("Message", "says Glue");
    }

    private void answer(HttpExchange exchange, String operation, JsonNode request)
            throws IOException {
        switch (operation) {
            case "GetRegistry" -> {
                boolean known =
                        request.path("RegistryId").path("RegistryName").asText().equals(registry);
                answer(
                        exchange,
                        known ? 200 : 400,
                        known
                                ? JSON.createObjectNode().put("RegistryName", registry)
                                : fault("EntityNotFoundException"));
            }
            case "CreateSchema" -> {
                created = request;
                Map<String, UUID> versions = new HashMap<>();
                schemas.put(request.path("SchemaName").asText(), versions);
                UUID id = UUID.randomUUID();
                versions.put(request.path("SchemaDefinition").asText(), id);
                answer(
                        exchange,
                        200,
                        JSON.createObjectNode()
                                .put("SchemaVersionId", id.toString())
                                .put("SchemaVersionStatus", state));
            }
            case "RegisterSchemaVersion" -> {
                Map<String, UUID> versions =
                        schemas.get(request.path("SchemaId").path("SchemaName").asText());
                if (versions == null) {
                    answer(exchange, 400, fault("EntityNotFoundException"));
                    return;
                }
                UUID id =
                        versions.computeIfAbsent(
                                request.path("SchemaDefinition").asText(),
                                definition -> UUID.randomUUID());
                answer(
                        exchange,
                        200,
                        JSON.createObjectNode()
                                .put("SchemaVersionId", id.toString())
                                .put("Status", state));
            }
            case "GetSchemaVersion" -> {
                if (state.equals("PENDING")) {
                    state = "AVAILABLE";
                }
                String wanted = request.path("SchemaVersionId").asText();
                String definition =
                        schemas.values().stream()
                                .flatMap(each -> each.entrySet().stream())
                                .filter(each -> each.getValue().toString().equals(wanted))
                                .map(Map.Entry::getKey)
                                .findFirst()
                                .orElse("");
                answer(
                        exchange,
                        200,
                        JSON.createObjectNode()
                                .put("SchemaDefinition", definition)
                                .put("Status", state));
            }
            default -> answer(exchange, 400, fault("UnknownOperationException"));
        }
    }

    private static void answer(HttpExchange exchange, int status, JsonNode body)
            throws IOException {
        byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private UUID idOf(String definition) {
        return Objects.requireNonNull(schemas.getOrDefault("t-value", Map.of()).get(definition));
    }

    private static UUID idOf(byte[] header) {
        ByteBuffer bytes = ByteBuffer.wrap(header);
        assertThat(header).hasSize(18).startsWith(3, 0);
        return new UUID(bytes.getLong(2), bytes.getLong(10));
    }

    @Test
    void aSchemaIsMadeThenItsVersionsAreAdded() {
        try (GlueRegistry glue = glue()) {
            glue.check();
            byte[] first = glue.register("t-value", "\"string\"");
            assertThat(operations)
                    .containsExactly(
                            "AWSGlue.GetRegistry",
                            "AWSGlue.RegisterSchemaVersion",
                            "AWSGlue.CreateSchema");
            assertThat(created.path("RegistryId").path("RegistryName").asText()).isEqualTo("reg");
            assertThat(created.path("DataFormat").asText()).isEqualTo("AVRO");
            assertThat(created.path("Compatibility").asText()).isEqualTo("NONE");
            assertThat(glue.schema(idOf(first))).isEqualTo("\"string\"");

            operations.clear();
            assertThat(glue.register("t-value", "\"string\"")).isEqualTo(first);
            assertThat(operations).as("what was registered is remembered").isEmpty();
            byte[] second = glue.register("t-value", "\"int\"");
            assertThat(operations).containsExactly("AWSGlue.RegisterSchemaVersion");
            assertThat(idOf(second)).isNotEqualTo(idOf(first));
            assertThat(glue.schema(idOf(second))).isEqualTo("\"int\"");
        }
        try (GlueRegistry again = glue()) {
            assertThat(idOf(again.register("t-value", "\"int\""))).isEqualTo(idOf("\"int\""));
        }
    }

    @Test
    void aVersionThatIsStillCheckedIsWaitedFor() {
        state = "PENDING";
        try (GlueRegistry glue = glue()) {
            byte[] header = glue.register("t-value", "\"string\"");
            assertThat(operations).endsWith("AWSGlue.CreateSchema", "AWSGlue.GetSchemaVersion");
            assertThat(idOf(header)).isEqualTo(idOf("\"string\""));
        }
    }

    @Test
    void whatGlueRefusesIsSaidByItsFault() {
        registry = "another";
        refused(ErrorCode.SCHEMA_REGISTRY, "there is no schema registry reg", GlueRegistry::check);
        state = "FAILURE";
        refused(
                ErrorCode.SCHEMA_REGISTRY,
                "not compatible",
                glue -> glue.register("t", "\"string\""));
        error = "AccessDeniedException";
        refused(ErrorCode.SINK_ACCESS_DENIED, "check the access key", GlueRegistry::check);
        error = "ThrottlingException";
        refused(ErrorCode.SINK_TRANSIENT, "says Glue", GlueRegistry::check);
        error = "InvalidInputException";
        refused(ErrorCode.SCHEMA_REGISTRY, "InvalidInputException", GlueRegistry::check);
        error = "Whatever";
        errorStatus = 503;
        refused(ErrorCode.SINK_TRANSIENT, "Whatever", GlueRegistry::check);
        server.stop(0);
        refused(ErrorCode.SINK_CONNECTION, "cannot be reached", GlueRegistry::check);
    }

    @Test
    void endpointsAreThoseOfTheRegion() {
        AwsCredentials nobody = new AwsCredentials("a", "b", "");
        assertThat(new GlueRegistry.Settings("r", "eu-west-1", nobody).endpoint())
                .isEqualTo(URI.create("https://glue.eu-west-1.amazonaws.com/"));
        assertThat(new GlueRegistry.Settings("r", "cn-north-1", nobody).endpoint())
                .isEqualTo(URI.create("https://glue.cn-north-1.amazonaws.com.cn/"));
    }

    private interface Call {
        void to(GlueRegistry glue);
    }

    private void refused(ErrorCode code, String text, Call call) {
        try (GlueRegistry glue = glue()) {
            assertThatThrownBy(() -> call.to(glue))
                    .isInstanceOfSatisfying(
                            MillraceException.class, e -> assertThat(e.code()).isEqualTo(code))
                    .hasMessageContaining(text)
                    .hasMessageNotContaining("geheim");
        }
    }
}
