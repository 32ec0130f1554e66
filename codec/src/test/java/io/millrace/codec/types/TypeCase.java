package io.millrace.codec.types;

import io.millrace.codec.Tables;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A column type and values at its edges. Values are canonical: {@link BigInteger} for everything
 * that is read as a number of 64 bits (ENUM and SET too), {@link Float}, {@link Double}, String, or
 * {@code byte[]}; a VECTOR's is its bytes.
 *
 * @param column nullable, named {@code c}
 * @param values the first is the sample of the documentation; NULL comes on top of them
 */
record TypeCase(Column column, List<Object> values) {
    private static final BigInteger TWO = BigInteger.TWO;
    private static final String ODD_TEXT =
            "\"quotes\" 'single' back\\slash /slash <html>&amp; tab\t cr\r lf\n nul\0 del\u007f";
    private static final String UNICODE =
            "é ß 漢字 \u2028\u2029 \ufeff 😀 \ud83d\udc68\u200d\ud83d\udc69 \uffff";

    /** All cases; every kind of column occurs. */
    static List<TypeCase> all() {
        List<TypeCase> out = new ArrayList<>();
        integers(out, ColumnKind.TINYINT, 8);
        integers(out, ColumnKind.SMALLINT, 16);
        integers(out, ColumnKind.MEDIUMINT, 24);
        integers(out, ColumnKind.INT, 32);
        integers(out, ColumnKind.BIGINT, 64);
        out.add(of(ColumnKind.YEAR, "year", 4, 0, big(2024), big(0), big(1901), big(2155)));
        out.add(of(ColumnKind.BIT, "bit(1)", 1, 0, big(1), big(0)));
        out.add(of(ColumnKind.BIT, "bit(12)", 12, 0, big(0xA5F), big(0), big(0xFFF)));
        out.add(
                of(
                        ColumnKind.BIT,
                        "bit(64)",
                        64,
                        0,
                        TWO.pow(63),
                        big(0),
                        big(1),
                        TWO.pow(64).subtract(BigInteger.ONE)));
        out.add(
                of(
                        ColumnKind.FLOAT,
                        "float",
                        0,
                        0,
                        1.5f,
                        0f,
                        3.14f,
                        -1e-7f,
                        123456.7f,
                        1e21f,
                        16777216f,
                        Float.MAX_VALUE,
                        -Float.MAX_VALUE,
                        Float.MIN_NORMAL,
                        Float.MIN_VALUE));
        out.add(
                of(
                        ColumnKind.DOUBLE,
                        "double",
                        0,
                        0,
                        -2.25,
                        0.0,
                        0.1,
                        1000000.0,
                        999999.0,
                        0.00001,
                        1e21,
                        1e-6,
                        1e-7,
                        9007199254740993.0,
                        Double.MAX_VALUE,
                        -Double.MAX_VALUE,
                        Double.MIN_NORMAL,
                        Double.MIN_VALUE));
        out.add(
                of(
                        ColumnKind.DECIMAL,
                        "decimal(10,2)",
                        10,
                        2,
                        "12.30",
                        "0.00",
                        "-0.01",
                        "99999999.99",
                        "-99999999.99"));
        out.add(
                of(
                        ColumnKind.DECIMAL,
                        "decimal(65,30)",
                        65,
                        30,
                        "1." + "0".repeat(29) + "1",
                        "9".repeat(35) + "." + "9".repeat(30),
                        "-" + "9".repeat(35) + "." + "9".repeat(30),
                        "0." + "0".repeat(30)));
        out.add(
                of(
                        ColumnKind.DATE,
                        "date",
                        0,
                        0,
                        "2024-02-29",
                        "0000-00-00",
                        "2024-00-00",
                        "1000-01-01",
                        "1969-12-31",
                        "9999-12-31"));
        out.add(
                of(
                        ColumnKind.TIME,
                        "time",
                        0,
                        0,
                        "12:34:56",
                        "00:00:00",
                        "-00:00:01",
                        "838:59:59",
                        "-838:59:59"));
        out.add(
                of(
                        ColumnKind.TIME,
                        "time(6)",
                        0,
                        6,
                        "-12:34:56.000001",
                        "00:00:00.000000",
                        "838:59:59.000000",
                        "-838:59:58.999999"));
        out.add(
                of(
                        ColumnKind.DATETIME,
                        "datetime",
                        0,
                        0,
                        "2024-02-29 01:02:03",
                        "0000-00-00 00:00:00",
                        "1000-01-01 00:00:00",
                        "9999-12-31 23:59:59"));
        out.add(
                of(
                        ColumnKind.DATETIME,
                        "datetime(3)",
                        0,
                        3,
                        "2024-02-29 01:02:03.456",
                        "1969-12-31 23:59:59.999"));
        out.add(
                of(
                        ColumnKind.DATETIME,
                        "datetime(6)",
                        0,
                        6,
                        "2024-02-29 01:02:03.000001",
                        "0000-00-00 00:00:00.000000",
                        "9999-12-31 23:59:59.999999"));
        out.add(
                of(
                        ColumnKind.TIMESTAMP,
                        "timestamp",
                        0,
                        0,
                        "2024-02-29 01:02:03",
                        "0000-00-00 00:00:00",
                        "1970-01-01 00:00:01",
                        "2038-01-19 03:14:07"));
        out.add(
                of(
                        ColumnKind.TIMESTAMP,
                        "timestamp(6)",
                        0,
                        6,
                        "2024-02-29 01:02:03.120000",
                        "2038-01-19 03:14:07.999999"));
        texts(out, ColumnKind.CHAR, "char(200)", 200);
        texts(out, ColumnKind.VARCHAR, "varchar(200)", 200);
        texts(out, ColumnKind.TINYTEXT, "tinytext", 0);
        texts(out, ColumnKind.TEXT, "text", 0);
        texts(out, ColumnKind.MEDIUMTEXT, "mediumtext", 0);
        texts(out, ColumnKind.LONGTEXT, "longtext", 0);
        out.add(inCharset("latin1", "é\"ÿ", "", "\\"));
        out.add(inCharset("gbk", "漢\"字", "<a>"));
        out.add(inCharset("ucs2", "漢\"字é", "\n"));
        bytes(out, ColumnKind.BINARY, "binary(4)", 4);
        bytes(out, ColumnKind.VARBINARY, "varbinary(300)", 300);
        bytes(out, ColumnKind.TINYBLOB, "tinyblob", 0);
        bytes(out, ColumnKind.BLOB, "blob", 0);
        bytes(out, ColumnKind.MEDIUMBLOB, "mediumblob", 0);
        bytes(out, ColumnKind.LONGBLOB, "longblob", 0);
        out.add(
                elements(
                        ColumnKind.ENUM,
                        List.of("new", "quo\"te", "漢", ""),
                        big(1),
                        big(0),
                        big(2),
                        big(3)));
        out.add(
                elements(
                        ColumnKind.SET,
                        List.of("x", "quo\"te", "漢"),
                        big(5),
                        big(0),
                        big(1),
                        big(7)));
        out.add(
                elements(
                        ColumnKind.SET,
                        IntStream.range(0, 64).mapToObj(i -> "e" + i).toList(),
                        TWO.pow(63),
                        TWO.pow(64).subtract(BigInteger.ONE)));
        out.add(
                of(
                        ColumnKind.JSON,
                        "json",
                        0,
                        0,
                        "{\"a\": [1, \"x\", null]}",
                        "null",
                        "\"\"",
                        "18446744073709551615",
                        "[]",
                        "{\"k\\\"e\\\\y\": {\"<\": \"é漢😀\\u0000\"}}",
                        "[".repeat(90) + "]".repeat(90)));
        out.add(
                of(
                        ColumnKind.GEOMETRY,
                        "point",
                        0,
                        0,
                        new byte[] {0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, (byte) 0xF0, 0x3F}));
        out.add(
                of(
                        ColumnKind.VECTOR,
                        "vector(2)",
                        2,
                        0,
                        new byte[] {0, 0, (byte) 0x80, 0x3F, 0, 0, 0x20, (byte) 0xC1},
                        new byte[0]));
        out.add(
                of(
                        ColumnKind.UUID,
                        "uuid",
                        0,
                        0,
                        "123e4567-e89b-12d3-a456-426655440000",
                        "00000000-0000-0000-0000-000000000000"));
        out.add(of(ColumnKind.INET4, "inet4", 0, 0, "192.168.0.1", "0.0.0.0"));
        out.add(of(ColumnKind.INET6, "inet6", 0, 0, "2001:db8::ff00:42:8329", "::"));
        return out;
    }

    private static BigInteger big(long value) {
        return BigInteger.valueOf(value);
    }

    private static void integers(List<TypeCase> out, ColumnKind kind, int bits) {
        String name = kind.name().toLowerCase(Locale.ROOT);
        BigInteger half = TWO.pow(bits - 1);
        BigInteger most = TWO.pow(bits).subtract(BigInteger.ONE);
        out.add(
                of(
                        kind,
                        name,
                        0,
                        0,
                        big(-1),
                        big(0),
                        big(1),
                        half.negate(),
                        half.subtract(BigInteger.ONE)));
        out.add(
                new TypeCase(
                        Tables.typed("c", kind, name + " unsigned", true),
                        List.of(most, big(0), half.subtract(BigInteger.ONE), half)));
    }

    private static void texts(List<TypeCase> out, ColumnKind kind, String type, int length) {
        out.add(
                of(
                        kind,
                        type,
                        length,
                        0,
                        "a<b",
                        "",
                        ODD_TEXT,
                        UNICODE,
                        "NULL",
                        "\\N",
                        ",,|;\r\n",
                        " blanks ",
                        "0123456789".repeat(20)));
    }

    private static TypeCase inCharset(String charset, String... values) {
        Column column =
                new Column(
                        "c",
                        ColumnKind.VARCHAR,
                        "varchar(20)",
                        false,
                        true,
                        20,
                        0,
                        charset,
                        "",
                        List.of(),
                        Column.Generated.NONE,
                        false,
                        Optional.empty());
        return new TypeCase(column, List.of((Object[]) values));
    }

    private static void bytes(List<TypeCase> out, ColumnKind kind, String type, int length) {
        byte[] every = new byte[256];
        for (int i = 0; i < every.length; i++) {
            every[i] = (byte) i;
        }
        out.add(
                of(
                        kind,
                        type,
                        length,
                        0,
                        new byte[] {(byte) 0x89, 'P', 0, '\n'},
                        new byte[0],
                        new byte[] {0},
                        new byte[] {(byte) 0xFF, (byte) 0xFE},
                        "plain \"text\" é \\x41".getBytes(StandardCharsets.UTF_8),
                        every));
    }

    private static TypeCase elements(ColumnKind kind, List<String> elements, Object... values) {
        return new TypeCase(
                Tables.elements("c", kind, elements.toArray(new String[0])), List.of(values));
    }

    private static TypeCase of(
            ColumnKind kind, String type, int length, int scale, Object... values) {
        return new TypeCase(
                Tables.column("c", kind, type, false, length, scale, List.of()), List.of(values));
    }

    /** The values and NULL. */
    List<@Nullable Object> valuesAndNull() {
        List<@Nullable Object> out = new ArrayList<>(values);
        out.add(null);
        return Collections.unmodifiableList(out);
    }

    /** The type as the documentation names it. */
    String title() {
        String type = column.typeText();
        if (column.elements().size() > 8) {
            type = column.kind().name().toLowerCase(Locale.ROOT) + " of 64 elements";
        }
        boolean plain = Arrays.asList("utf8mb4", "binary").contains(column.charset());
        return plain ? type : type + " " + column.charset();
    }
}
