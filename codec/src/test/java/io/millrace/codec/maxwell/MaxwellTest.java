package io.millrace.codec.maxwell;

import static io.millrace.testkit.rows.TestRowBatch.ABSENT;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.codec.Allocations;
import io.millrace.codec.EncoderContext;
import io.millrace.codec.Message;
import io.millrace.codec.Protocols;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.Tables;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestPosition;
import io.millrace.testkit.rows.TestRowBatch;
import java.time.Clock;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MaxwellTest {
    private static final long TSO = 417318403368288260L;
    private static final long SECONDS = (TSO >>> 18) / 1000;
    private static final String HEAD = "{\"database\":\"test\",\"table\":\"t1\",\"type\":\"";

    private static RowEncoder encoder(String parameters) {
        SinkSpec spec = SinkSpec.of("kafka://h/t?protocol=maxwell" + parameters);
        Protocols.of(spec).validate(spec);
        return Protocols.of(spec).encoder(spec, EncoderContext.of(Clock.systemUTC()));
    }

    private static Message encode(String parameters, RowBatch batch) {
        RowEncoder encoder = encoder(parameters);
        encoder.begin(batch.schema(), TSO, "t");
        Message out = new Message();
        for (RowView view = batch.rows(); view.next(); ) {
            encoder.append(view, batch.op(), out);
        }
        encoder.finish(out);
        return out;
    }

    private static TableSchema people() {
        return Tables.table(
                List.of(
                        Column.of("id", ColumnKind.INT),
                        Column.of("name", ColumnKind.VARCHAR),
                        Column.of("bin", ColumnKind.VARBINARY)),
                0);
    }

    @Test
    void rowsFollowEachOtherWithNothingBetween() {
        Message out =
                encode(
                        "",
                        TestRowBatch.insert(
                                people(),
                                TSO,
                                0,
                                true,
                                row(1, "a<", new byte[] {1, 2}),
                                row(2, null, null)));
        assertThat(HexFormat.of().formatHex(out.keyBytes())).isEqualTo("0000000000000001");
        assertThat(out.value().toString())
                .isEqualTo(
                        HEAD
                                + "insert\",\"ts\":"
                                + SECONDS
                                + ",\"data\":{\"bin\":\"AQI=\",\"id\":1,\"name\":\"a\\u003c\"}}"
                                + HEAD
                                + "insert\",\"ts\":"
                                + SECONDS
                                + ",\"data\":{\"bin\":null,\"id\":2,\"name\":null}}");
        List<DecodedEvent> read = new MaxwellDecoder().decode(out.keyBytes(), out.valueBytes());
        assertThat(read).hasSize(2);
        assertThat(((DecodedEvent.Row) read.getFirst()).after())
                .isEqualTo(Map.of("bin", "AQI=", "id", 1L, "name", "a<"));
    }

    @Test
    void updatesHaveOnlyWhatChangedInOldAlsoOfBinaryColumns() {
        RowBatch update =
                TestRowBatch.update(
                        people(),
                        TSO,
                        0,
                        true,
                        row(1, "a", new byte[] {1}),
                        row(1, "a", new byte[] {2}),
                        row(1, "a", new byte[] {1}),
                        row(1, "a", new byte[] {1}));
        assertThat(encode("", update).value().toString())
                .isEqualTo(
                        HEAD
                                + "update\",\"ts\":"
                                + SECONDS
                                + ",\"data\":{\"bin\":\"Ag==\",\"id\":1,\"name\":\"a\"},"
                                + "\"old\":{\"bin\":\"AQ==\"}}"
                                + HEAD
                                + "update\",\"ts\":"
                                + SECONDS
                                + ",\"data\":{\"bin\":\"AQ==\",\"id\":1,\"name\":\"a\"}}");
    }

    @Test
    void deletedRowsAreInOld() {
        RowBatch delete = TestRowBatch.delete(people(), TSO, 0, true, row(1, "a", null));
        assertThat(encode("", delete).value().toString())
                .isEqualTo(
                        HEAD
                                + "delete\",\"ts\":"
                                + SECONDS
                                + ",\"old\":{\"bin\":null,\"id\":1,\"name\":\"a\"}}");
        assertThat(encode("&delete-only-output-handle-key-columns=true", delete).value().toString())
                .endsWith(",\"old\":{\"id\":1}}");
    }

    @Test
    void minimalRowImages() {
        assertThat(
                        encode(
                                        "",
                                        TestRowBatch.update(
                                                people(),
                                                TSO,
                                                0,
                                                true,
                                                row(1, ABSENT, ABSENT),
                                                row(ABSENT, "b", ABSENT)))
                                .value()
                                .toString())
                .endsWith(",\"data\":{\"id\":1,\"name\":\"b\"}}");
    }

    @Test
    void ddlHasTheTableBeforeAndAfter() {
        TableSchema before =
                Tables.table(
                        List.of(
                                Column.of("id", ColumnKind.BIGINT),
                                Column.of("d", ColumnKind.DOUBLE)));
        SchemaChange.Change part =
                new SchemaChange.Change(
                        DdlKind.DROP_COLUMN,
                        new TableName("test", "t1"),
                        Optional.empty(),
                        Optional.of(before),
                        Optional.of(Tables.table(List.of(Column.of("id", ColumnKind.BIGINT)))),
                        "ALTER TABLE t1 DROP d");
        SchemaChange change =
                new SchemaChange(
                        TSO, new TestPosition(TSO, 0), part.query(), "test", List.of(part));
        Message out = new Message();
        assertThat(encoder("").appendDdl(change, part, out)).isTrue();
        assertThat(out.key().toString())
                .isEqualTo("{\"ts\":417318403368288260,\"scm\":\"test\",\"tbl\":\"t1\",\"t\":2}");
        assertThat(out.isKeyed()).isTrue();
        assertThat(out.value().toString())
                .isEqualTo(
                        "{\"type\":\"table-alter\",\"database\":\"test\",\"table\":\"t1\","
                                + "\"old\":{\"database\":\"test\",\"table\":\"t1\",\"columns\":"
                                + "[{\"type\":\"bigint\",\"name\":\"id\"},"
                                + "{\"type\":\"float\",\"name\":\"d\"}],\"primary-key\":null},"
                                + "\"def\":{\"database\":\"test\",\"table\":\"t1\",\"columns\":"
                                + "[{\"type\":\"bigint\",\"name\":\"id\"}],\"primary-key\":null},"
                                + "\"ts\":417318403368288260,\"sql\":\"ALTER TABLE t1 DROP d\"}");
        assertThat(new MaxwellDecoder().decode(out.keyBytes(), out.valueBytes()))
                .containsExactly(
                        new DecodedEvent.Ddl(
                                new TableName("test", "t1"), TSO, "table-alter", part.query()));
    }

    @Test
    void ddlKindsHaveMaxwellsWords() {
        assertThat(MaxwellEncoder.ddlType(DdlKind.CREATE_TABLE)).isEqualTo("table-create");
        assertThat(MaxwellEncoder.ddlType(DdlKind.DROP_SCHEMA)).isEqualTo("database-drop");
        assertThat(MaxwellEncoder.ddlType(DdlKind.SCHEMA_CHARSET)).isEqualTo("database-alter");
        assertThat(MaxwellEncoder.ddlType(DdlKind.CREATE_VIEW)).isEqualTo("create view");
        assertThat(MaxwellEncoder.ddlType(DdlKind.TRUNCATE_PARTITION)).isEqualTo("table-alter");
        assertThat(MaxwellEncoder.ddlType(DdlKind.EXCHANGE_PARTITION)).isEqualTo("table-alter");
    }

    @Test
    void thereAreNoWatermarksAndNoShortRows() {
        assertThat(encoder("").hasWatermarks()).isFalse();
        assertThat(encoder("").canShorten()).isFalse();
        assertThat(encoder("&max-batch-size=7").maxRowsPerMessage()).isEqualTo(7);
        assertThatThrownBy(() -> encoder("&large-message-handle-option=handle-key-only"))
                .hasMessageContaining("not with 'maxwell'");
    }

    @Test
    void saysWhatIsWrongWithAMessage() {
        MaxwellDecoder decoder = new MaxwellDecoder();
        assertThatThrownBy(() -> decoder.decode(null, null)).hasMessageContaining("no value");
        assertThatThrownBy(() -> decoder.decode(null, new byte[] {'{'}))
                .hasMessageContaining("no JSON");
        assertThatThrownBy(() -> decoder.decode(null, new byte[] {'{', '}'}))
                .hasMessageContaining("no member database");
    }

    @Test
    void allocatesNothingPerRow() {
        TableSchema schema = Tables.wide();
        RowEncoder encoder = encoder("");
        Message out = new Message();
        for (RowBatch batch : Tables.wideBatches(schema, TSO)) {
            encoder.begin(schema, TSO, "t");
            assertThat(
                            Allocations.perPass(
                                    batch,
                                    view -> {
                                        if (out.rows() == 16) {
                                            out.clear();
                                        }
                                        encoder.append(view, batch.op(), out);
                                    }))
                    .isZero();
        }
    }
}
