package io.millrace.codec.types;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.codec.Compression;
import io.millrace.codec.Message;
import io.millrace.codec.avro.AvroConfig;
import io.millrace.codec.avro.AvroDecoder;
import io.millrace.codec.avro.AvroEncoder;
import io.millrace.codec.avro.MemoryRegistry;
import io.millrace.codec.canal.CanalDecoder;
import io.millrace.codec.canaljson.CanalJsonMessageDecoder;
import io.millrace.codec.csv.CsvConfig;
import io.millrace.codec.csv.CsvDecoder;
import io.millrace.codec.csv.CsvRowEncoder;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.maxwell.MaxwellDecoder;
import io.millrace.codec.openprotocol.OpenProtocolDecoder;
import io.millrace.codec.simple.SimpleDecoder;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowView;
import io.millrace.testkit.rows.TestRowBatch;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The wire formats whose types are tested and documented, in the order of the documentation. */
final class ProtocolsUnderTest {
    private static final JsonMapper JSON = new JsonMapper();

    private ProtocolsUnderTest() {}

    static final List<ProtocolUnderTest> ALL_FORMATS =
            List.of(
                    new ProtocolUnderTest.OfQueue(
                            "open-protocol",
                            "",
                            new OpenProtocolDecoder(Compression.NONE),
                            (message, row) -> {
                                byte[] value = message.valueBytes();
                                return JSON.readTree(Arrays.copyOfRange(value, 8, value.length))
                                        .at("/u/c")
                                        .toString();
                            }),
                    new ProtocolUnderTest.OfQueue(
                            "canal-json",
                            "",
                            new CanalJsonMessageDecoder(Compression.NONE),
                            (message, row) -> {
                                JsonNode json = json(message);
                                return json.at("/data/0/c")
                                        + ", sqlType "
                                        + json.at("/sqlType/c")
                                        + ", "
                                        + json.at("/mysqlType/c").asText();
                            }),
                    new ProtocolUnderTest.OfQueue(
                            "canal", "", new CanalDecoder(), ProtocolUnderTest.AS_DECODED),
                    new Avro(new MemoryRegistry()),
                    new DebeziumUnderTest(),
                    new Maxwell(),
                    new ProtocolUnderTest.OfQueue(
                            "simple (JSON)",
                            ProtocolUnderTest.OfQueue.encoderOf("simple", ""),
                            encoder -> new SimpleDecoder(false, Compression.NONE),
                            (message, row) -> json(message).at("/data/c").toString()),
                    new ProtocolUnderTest.OfQueue(
                            "simple (Avro)",
                            ProtocolUnderTest.OfQueue.encoderOf("simple", "encoding-format=avro"),
                            encoder -> new SimpleDecoder(true, Compression.NONE),
                            ProtocolUnderTest.AS_DECODED),
                    new Csv());

    private static JsonNode json(Message message) throws java.io.IOException {
        return JSON.readTree(message.valueBytes());
    }

    /** ENUM and SET are names. */
    private static final class Avro extends ProtocolUnderTest.OfQueue {
        Avro(MemoryRegistry registry) {
            super(
                    "avro",
                    () -> new AvroEncoder(AvroConfig.DEFAULTS, registry, "default"),
                    encoder -> new AvroDecoder(registry::schema),
                    ProtocolUnderTest.AS_DECODED);
        }

        @Override
        public @Nullable Object canonical(Column column, Object decoded) {
            return column.kind() == ColumnKind.ENUM || column.kind() == ColumnKind.SET
                    ? Canonical.elementNumber(column, decoded.toString())
                    : Canonical.read(column, decoded);
        }

        @Override
        public List<String> losses() {
            return List.of(
                    "BIGINT UNSIGNED: a long, in which values from 2^63 on are negative; readers"
                            + " see by tidb_type what they are.",
                    "ENUM: the invalid value (number 0) and an element that is the empty string"
                            + " look the same.");
        }
    }

    /** Binary columns are Base64, which only the table's schema tells. */
    private static final class Maxwell extends ProtocolUnderTest.OfQueue {
        Maxwell() {
            super(
                    "maxwell",
                    "",
                    new MaxwellDecoder(),
                    (message, row) -> json(message).at("/data/c").toString());
        }

        @Override
        public @Nullable Object canonical(Column column, Object decoded) {
            boolean binary =
                    column.kind().access() == ColumnKind.Access.BYTES
                            && column.kind() != ColumnKind.VECTOR;
            return binary
                    ? Canonical.comparable(Base64.getDecoder().decode(decoded.toString()))
                    : Canonical.read(column, decoded);
        }
    }

    /** Lines of storage files. */
    private static final class Csv implements ProtocolUnderTest {
        private static final int META = "\"I\",\"t1\",\"test\",1,".length();

        @Override
        public String name() {
            return "csv";
        }

        @Override
        public Outcome roundTrip(TestRowBatch batch) {
            CsvRowEncoder encoder = new CsvRowEncoder(CsvConfig.DEFAULTS);
            ByteSink out = new ByteSink(256);
            RowView view = batch.rows();
            view.next();
            encoder.begin(batch.schema());
            encoder.append(view, batch.op(), batch.commitTso(), out);
            DecodedEvent.Row row =
                    new CsvDecoder(CsvConfig.DEFAULTS)
                            .decode(batch.schema(), out.toByteArray())
                            .getFirst();
            String line = out.toString();
            return new Outcome(
                    row,
                    line.substring(META, line.length() - CsvConfig.DEFAULTS.terminator().length()));
        }

        @Override
        public @Nullable Object canonical(Column column, Object decoded) {
            return column.kind() == ColumnKind.ENUM || column.kind() == ColumnKind.SET
                    ? Canonical.elementNumber(column, decoded.toString())
                    : Canonical.read(column, decoded);
        }

        @Override
        public List<String> losses() {
            return List.of(
                    "ENUM: the invalid value (number 0) and an element that is the empty string"
                            + " look the same.");
        }
    }
}
