package io.millrace.codec;

import static io.millrace.testkit.rows.TestRowBatch.ABSENT;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.rows.TestRowBatch;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Each rule of the manual, against bytes that are written down here. */
class RowChecksumTest {
    @Test
    void eachKindCountsByItsRule() {
        record Case(ColumnKind kind, boolean unsigned, Object value, String hex) {}
        List<Case> cases =
                List.of(
                        new Case(ColumnKind.INT, false, 1, "0100000000000000"),
                        new Case(ColumnKind.TINYINT, false, -1, "ffffffffffffffff"),
                        new Case(ColumnKind.INT, true, 4294967295L, "ffffffff00000000"),
                        new Case(ColumnKind.BIGINT, true, -2L, "feffffffffffffff"),
                        new Case(ColumnKind.BIGINT, false, 0x0123456789abcdefL, "efcdab8967452301"),
                        new Case(ColumnKind.YEAR, false, 2024, "e807000000000000"),
                        new Case(ColumnKind.BIT, false, 0x1ff, "ff01000000000000"),
                        new Case(ColumnKind.ENUM, false, 2, "0200000000000000"),
                        new Case(ColumnKind.SET, false, 5, "0500000000000000"),
                        new Case(ColumnKind.FLOAT, false, 0.5f, "000000000000e03f"),
                        new Case(ColumnKind.DOUBLE, false, 0.5, "000000000000e03f"),
                        new Case(ColumnKind.DOUBLE, false, Double.NaN, "0000000000000000"),
                        new Case(ColumnKind.VARCHAR, false, "ü", "02000000c3bc"),
                        new Case(ColumnKind.TEXT, false, "", "00000000"),
                        new Case(ColumnKind.BLOB, false, new byte[] {0, -1}, "0200000000ff"),
                        new Case(ColumnKind.DECIMAL, false, "1.50", "04000000312e3530"),
                        new Case(ColumnKind.JSON, false, "{}", "020000007b7d"),
                        new Case(
                                ColumnKind.DATE,
                                false,
                                "2024-02-29",
                                "0a000000" + hex("2024-02-29")),
                        new Case(
                                ColumnKind.TIMESTAMP,
                                false,
                                "2024-02-29 01:02:03.5",
                                "15000000" + hex("2024-02-29 01:02:03.5")),
                        new Case(
                                ColumnKind.VECTOR,
                                false,
                                new byte[] {0, 0, (byte) 128, 63},
                                "03000000" + hex("[1]")));
        for (Case each : cases) {
            TableSchema schema = table(column("a", each.kind(), each.unsigned()));
            assertThat(of(new RowChecksum("UTC", true), schema, each.value()))
                    .as("%s", each)
                    .isEqualTo(crc(each.hex()));
        }
    }

    @Test
    void columnsCountInTheirOrderAndNullsNotAtAll() {
        TableSchema schema =
                table(
                        column("a", ColumnKind.INT, false),
                        column("b", ColumnKind.VARCHAR, false),
                        column("c", ColumnKind.INT, false));
        RowChecksum sum = new RowChecksum("UTC", true);
        assertThat(of(sum, schema, 1, "x", 2))
                .isEqualTo(crc("0100000000000000" + "0100000078" + "0200000000000000"))
                .isNotEqualTo(of(sum, schema, 2, "x", 1));
        assertThat(of(sum, schema, 1, null, 2))
                .isEqualTo(of(sum, schema, 1, ABSENT, 2))
                .isEqualTo(crc("0100000000000000" + "0200000000000000"));
        assertThat(of(sum, schema, null, null, null)).isZero();
    }

    @Test
    void aTimestampCountsInUtc() {
        TableSchema schema = table(column("a", ColumnKind.TIMESTAMP, false));
        assertThat(of(new RowChecksum("Asia/Tokyo", true), schema, "2024-03-01 08:59:59.25"))
                .isEqualTo(crc("16000000" + hex("2024-02-29 23:59:59.25")));
        assertThat(of(new RowChecksum("+02:00", true), schema, "2023-12-31 23:00:00"))
                .isEqualTo(crc("13000000" + hex("2023-12-31 21:00:00")));
        assertThat(of(new RowChecksum("Etc/UTC", true), schema, "2023-12-31 23:00:00"))
                .isEqualTo(crc("13000000" + hex("2023-12-31 23:00:00")));
        assertThat(of(new RowChecksum("Asia/Tokyo", true), schema, "0000-00-00 00:00:00"))
                .isEqualTo(crc("13000000" + hex("0000-00-00 00:00:00")));
        TableSchema local = table(column("a", ColumnKind.DATETIME, false));
        assertThat(of(new RowChecksum("Asia/Tokyo", true), local, "2024-03-01 08:59:59"))
                .isEqualTo(crc("13000000" + hex("2024-03-01 08:59:59")));
    }

    @Test
    void geometryCountsWhereItIsToldAsBinary() {
        TableSchema schema = table(column("a", ColumnKind.GEOMETRY, false));
        byte[] point = {1, 2};
        assertThat(of(new RowChecksum("UTC", true), schema, point)).isEqualTo(crc("020000000102"));
        assertThat(of(new RowChecksum("UTC", false), schema, point)).isZero();
    }

    @Test
    void anUpdateTakesWhatItLeftUnchangedFromTheOldImage() {
        TableSchema schema =
                table(column("a", ColumnKind.INT, false), column("b", ColumnKind.INT, false));
        RowView view = TestRowBatch.update(schema, 1, 0, true, row(1, 2), row(ABSENT, 3)).rows();
        view.next();
        RowChecksum sum = new RowChecksum("UTC", true);
        assertThat(sum.of(schema, new int[] {0, 1}, view, RowView.AFTER, true))
                .isEqualTo(crc("0100000000000000" + "0300000000000000"));
        assertThat(sum.of(schema, new int[] {0, 1}, view, RowView.BEFORE, true))
                .isEqualTo(crc("0100000000000000" + "0200000000000000"));
    }

    private static long of(RowChecksum sum, TableSchema schema, @Nullable Object... values) {
        RowView view = TestRowBatch.insert(schema, 1, 0, true, row(values)).rows();
        view.next();
        int[] all = IntStream.range(0, schema.columns().size()).toArray();
        return sum.of(schema, all, view, RowView.AFTER, false);
    }

    private static long crc(String hex) {
        CRC32 crc = new CRC32();
        crc.update(HexFormat.of().parseHex(hex));
        return crc.getValue();
    }

    private static String hex(String ascii) {
        return HexFormat.of().formatHex(ascii.getBytes(StandardCharsets.US_ASCII));
    }

    private static TableSchema table(Column... columns) {
        return new TableSchema(1, 1, new TableName("d", "t"), List.of(columns), List.of());
    }

    private static Column column(String name, ColumnKind kind, boolean unsigned) {
        boolean text = kind.access() == ColumnKind.Access.TEXT;
        return new Column(
                name,
                kind,
                "",
                unsigned,
                true,
                0,
                0,
                text ? "utf8mb4" : "binary",
                "",
                List.of("p", "q", "r"),
                Column.Generated.NONE,
                false,
                Optional.empty());
    }
}
