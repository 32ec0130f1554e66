package io.millrace.codec.avro.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.codec.EncoderContext;
import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.avro.AvroDecoder;
import io.millrace.codec.avro.AvroProtocol;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestRowBatch;
import io.millrace.testkit.servers.SchemaRegistryServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.junit.jupiter.api.Test;

/** The registry client and the Avro encoder against a real registry. */
class RegistryIT {
    private static final String INT = "{\"type\":\"record\",\"name\":\"r\",\"fields\":[%s]}";
    private static final String A = "{\"name\":\"a\",\"type\":\"int\"}";
    private static final String B = "{\"name\":\"b\",\"type\":\"int\"}";

    @Test
    void schemasAreKeptCheckedAndFound() throws Exception {
        try (SchemaRegistryServer server = SchemaRegistryServer.start();
                ConfluentRegistry registry = new ConfluentRegistry(server.url())) {
            registry.check();

            byte[] first = registry.register("t-value", INT.formatted(A));
            assertThat(first).hasSize(5).startsWith(0);
            int id = ByteBuffer.wrap(first).getInt(1);
            assertThat(new Schema.Parser().parse(registry.schema(id)))
                    .isEqualTo(new Schema.Parser().parse(INT.formatted(A)));
            // Another client, as after a restart, gets the same id for the same schema.
            try (ConfluentRegistry another = new ConfluentRegistry(server.url() + "/")) {
                assertThat(another.register("t-value", INT.formatted(A))).isEqualTo(first);
            }

            setCompatibility(server, "t-value", "BACKWARD");
            refused(
                    ErrorCode.SCHEMA_REGISTRY,
                    () -> registry.register("t-value", INT.formatted(A + "," + B)),
                    "incompatible");
            refused(
                    ErrorCode.SCHEMA_REGISTRY,
                    () -> registry.register("u-value", "{\"type\":\"no such type\"}"),
                    "HTTP 422");
            refused(ErrorCode.SCHEMA_REGISTRY, () -> registry.schema(987654), "HTTP 404");

            rowsAreReadByAvro(server, registry);
        }
    }

    private static void rowsAreReadByAvro(SchemaRegistryServer server, ConfluentRegistry registry)
            throws IOException {
        SinkSpec spec =
                SinkSpec.of(
                        "kafka://h:1/t?protocol=avro&enable-tidb-extension=true&schema-registry="
                                + server.url());
        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("shop", "orders"),
                        List.of(
                                notNull("id", ColumnKind.BIGINT),
                                Column.of("note", ColumnKind.VARCHAR)),
                        List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));
        AvroProtocol protocol = new AvroProtocol();
        protocol.validate(spec);
        protocol.testOpen(spec);
        try (RowEncoder encoder = protocol.encoder(spec, EncoderContext.of(Clock.systemUTC()))) {
            RowView row =
                    TestRowBatch.insert(schema, 1L << 20, 0, true, new Object[] {7L, "héllo"})
                            .rows();
            row.next();
            encoder.begin(schema, 1L << 20, "shop_orders");
            Message message = new Message();
            encoder.append(row, RowBatch.INSERT, message);

            byte[] value = message.valueBytes();
            Schema written =
                    new Schema.Parser().parse(registry.schema(ByteBuffer.wrap(value).getInt(1)));
            GenericRecord record =
                    new GenericDatumReader<GenericRecord>(written)
                            .read(
                                    null,
                                    DecoderFactory.get()
                                            .binaryDecoder(value, 5, value.length - 5, null));
            assertThat(record.get("id")).isEqualTo(7L);
            assertThat(record.get("note")).hasToString("héllo");
            assertThat(record.get("_tidb_commit_ts")).isEqualTo(1L << 20);

            DecodedEvent.Row decoded =
                    (DecodedEvent.Row)
                            new AvroDecoder(registry::schema)
                                    .decode(message.keyBytes(), value)
                                    .getFirst();
            assertThat(decoded.table()).isEqualTo(new TableName("shop", "orders"));
            assertThat(decoded.after()).isEqualTo(Map.of("id", 7L, "note", "héllo"));
        }
    }

    private static Column notNull(String name, ColumnKind kind) {
        Column c = Column.of(name, kind);
        return new Column(
                c.name(),
                c.kind(),
                c.typeText(),
                c.unsigned(),
                false,
                c.length(),
                c.scale(),
                c.charset(),
                c.collation(),
                c.elements(),
                c.generated(),
                c.invisible(),
                c.defaultValue());
    }

    private static void refused(ErrorCode code, Runnable call, String text) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        MillraceException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(text);
    }

    private static void setCompatibility(SchemaRegistryServer server, String subject, String level)
            throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(server.url() + "/config/" + subject))
                            .header("Content-Type", "application/vnd.schemaregistry.v1+json")
                            .PUT(
                                    HttpRequest.BodyPublishers.ofString(
                                            "{\"compatibility\":\"" + level + "\"}"))
                            .build();
            assertThat(http.send(request, HttpResponse.BodyHandlers.ofString()).statusCode())
                    .isEqualTo(200);
        }
    }
}
