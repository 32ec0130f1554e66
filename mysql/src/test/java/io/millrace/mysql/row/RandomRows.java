package io.millrace.mysql.row;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.TableMap;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;

/**
 * Random tables and rows events, encoded slowly from JDK values, with the texts that a reader must
 * find: the oracle of the decoder.
 */
final class RandomRows {
    /** A value on the wire and as {@link CellText} shows it. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Value(byte[] wire, String text) {}

    /** A column type and its values. */
    record Type(
            ColumnKind kind,
            int wireType,
            int meta,
            boolean unsigned,
            int scale,
            String charset,
            Function<Random, Value> values) {}

    /** An event's body, and the text of each image's cells: null where absent. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Event(int type, byte[] body, List<List<String>> images) {}

    /** Text of a cell that the image does not hold. */
    static final String ABSENT = "absent";

    private final Random random;
    private final ZoneId zone;

    RandomRows(Random random, ZoneId zone) {
        this.random = random;
        this.zone = zone;
    }

    Type type() {
        return type(random.nextInt(18));
    }

    /** A type of one family: integers 0 to 4, year, bits, elements, float, double, decimal, … */
    Type type(int family) {
        return switch (family) {
            case 0 -> integer(ColumnKind.TINYINT, WireTypes.TINY, 1);
            case 1 -> integer(ColumnKind.SMALLINT, WireTypes.SHORT, 2);
            case 2 -> integer(ColumnKind.MEDIUMINT, WireTypes.INT24, 3);
            case 3 -> integer(ColumnKind.INT, WireTypes.LONG, 4);
            case 4 -> integer(ColumnKind.BIGINT, WireTypes.LONGLONG, 8);
            case 5 ->
                    plain(
                            ColumnKind.YEAR,
                            WireTypes.YEAR,
                            0,
                            0,
                            r -> {
                                int year = r.nextInt(256);
                                return new Value(
                                        new byte[] {(byte) year},
                                        Integer.toString(year == 0 ? 0 : 1900 + year));
                            });
            case 6 -> {
                int bits = 1 + random.nextInt(64);
                int bytes = (bits + 7) / 8;
                yield plain(
                        ColumnKind.BIT,
                        WireTypes.BIT,
                        bits / 8 << 8 | bits % 8,
                        0,
                        r -> {
                            BigInteger value = new BigInteger(bits, r);
                            return new Value(bigEndian(value, bytes), value.toString());
                        });
            }
            case 7 -> {
                boolean set = random.nextBoolean();
                int bytes = set ? 1 + random.nextInt(8) : 1 + random.nextInt(2);
                yield plain(
                        set ? ColumnKind.SET : ColumnKind.ENUM,
                        WireTypes.STRING,
                        (set ? WireTypes.SET : WireTypes.ENUM) << 8 | bytes,
                        0,
                        r -> {
                            BigInteger value = new BigInteger(bytes * 8, r);
                            return new Value(reversed(bigEndian(value, bytes)), value.toString());
                        });
            }
            case 8 ->
                    plain(
                            ColumnKind.FLOAT,
                            WireTypes.FLOAT,
                            4,
                            0,
                            r -> {
                                float value = r.nextFloat() * 1e6f;
                                return new Value(
                                        reversed(
                                                bigEndian(
                                                        BigInteger.valueOf(
                                                                Float.floatToIntBits(value)),
                                                        4)),
                                        Double.toString(value));
                            });
            case 9 ->
                    plain(
                            ColumnKind.DOUBLE,
                            WireTypes.DOUBLE,
                            8,
                            0,
                            r -> {
                                double value = r.nextGaussian() * 1e9;
                                return new Value(
                                        reversed(
                                                bigEndian(
                                                        BigInteger.valueOf(
                                                                Double.doubleToLongBits(value)),
                                                        8)),
                                        Double.toString(value));
                            });
            case 10 -> decimal();
            case 11 ->
                    plain(
                            ColumnKind.DATE,
                            WireTypes.DATE,
                            0,
                            0,
                            r -> {
                                int y = r.nextInt(10_000);
                                int m = r.nextInt(13);
                                int d = r.nextInt(32);
                                return new Value(
                                        reversed(
                                                bigEndian(
                                                        BigInteger.valueOf(y * 512L + m * 32L + d),
                                                        3)),
                                        String.format(Locale.ROOT, "%04d-%02d-%02d", y, m, d));
                            });
            case 12 -> time();
            case 13 -> dateTime();
            case 14 -> timestamp();
            case 15 -> text();
            default -> bytes();
        };
    }

    private Type integer(ColumnKind kind, int wireType, int bytes) {
        boolean unsigned = random.nextBoolean();
        return new Type(
                kind,
                wireType,
                0,
                unsigned,
                0,
                "binary",
                r -> {
                    BigInteger raw =
                            switch (r.nextInt(4)) {
                                case 0 -> BigInteger.ZERO;
                                case 1 -> BigInteger.TWO.pow(bytes * 8).subtract(BigInteger.ONE);
                                case 2 -> BigInteger.TWO.pow(bytes * 8 - 1);
                                default -> new BigInteger(bytes * 8, r);
                            };
                    BigInteger value =
                            !unsigned && raw.testBit(bytes * 8 - 1)
                                    ? raw.subtract(BigInteger.TWO.pow(bytes * 8))
                                    : raw;
                    return new Value(reversed(bigEndian(raw, bytes)), value.toString());
                });
    }

    private Type decimal() {
        int precision = 1 + random.nextInt(65);
        int scale = random.nextInt(Math.min(precision, 30) + 1);
        int whole = precision - scale;
        return plain(
                ColumnKind.DECIMAL,
                WireTypes.NEWDECIMAL,
                precision << 8 | scale,
                scale,
                r -> {
                    StringBuilder digits = new StringBuilder();
                    int zeros = r.nextInt(precision + 1);
                    for (int i = 0; i < precision; i++) {
                        digits.append(i < zeros ? 0 : r.nextInt(10));
                    }
                    BigDecimal value = new BigDecimal(new BigInteger(digits.toString()), scale);
                    if (r.nextBoolean()) {
                        value = value.negate();
                    }
                    ByteArrayOutputStream out = new ByteArrayOutputStream();
                    int lead = whole % 9;
                    groups(out, digits.substring(0, lead));
                    for (int i = lead; i < whole; i += 9) {
                        groups(out, digits.substring(i, i + 9));
                    }
                    for (int i = whole; i < precision; i += 9) {
                        groups(out, digits.substring(i, Math.min(i + 9, precision)));
                    }
                    byte[] wire = out.toByteArray();
                    wire[0] ^= (byte) 0x80;
                    if (value.signum() < 0) {
                        for (int i = 0; i < wire.length; i++) {
                            wire[i] = (byte) ~wire[i];
                        }
                    }
                    return new Value(wire, value.toPlainString());
                });
    }

    private static void groups(ByteArrayOutputStream out, String digits) {
        int[] bytes = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
        if (!digits.isEmpty()) {
            out.writeBytes(bigEndian(new BigInteger(digits), bytes[digits.length()]));
        }
    }

    private Type time() {
        int fsp = random.nextInt(7);
        return plain(
                ColumnKind.TIME,
                WireTypes.TIME2,
                fsp,
                fsp,
                r -> {
                    boolean negative = r.nextBoolean();
                    int h = r.nextInt(839);
                    int m = r.nextInt(60);
                    int s = r.nextInt(60);
                    int micros = micros(r, fsp);
                    long packed = ((long) h << 12 | m << 6 | s) << 24 | micros;
                    int fractionBytes = (fsp + 1) / 2;
                    // Fraction in the unit of its bytes: hundredths, ten-thousandths, millionths.
                    long unit = (long) Math.pow(10, 6 - 2 * fractionBytes);
                    BigInteger scaled =
                            BigInteger.valueOf(packed >> 24)
                                    .shiftLeft(8 * fractionBytes)
                                    .add(BigInteger.valueOf(fsp == 0 ? 0 : micros / unit));
                    boolean sign = negative && scaled.signum() != 0;
                    BigInteger offset = BigInteger.ONE.shiftLeft(23 + 8 * fractionBytes);
                    BigInteger wire = sign ? offset.subtract(scaled) : offset.add(scaled);
                    return new Value(
                            bigEndian(wire, 3 + fractionBytes),
                            (sign ? "-" : "")
                                    + String.format(Locale.ROOT, "%02d:%02d:%02d", h, m, s)
                                    + fraction(micros, fsp));
                });
    }

    private Type dateTime() {
        int fsp = random.nextInt(7);
        return plain(
                ColumnKind.DATETIME,
                WireTypes.DATETIME2,
                fsp,
                fsp,
                r -> {
                    int y = r.nextInt(10_000);
                    int mo = r.nextInt(13);
                    int d = r.nextInt(32);
                    int h = r.nextInt(24);
                    int m = r.nextInt(60);
                    int s = r.nextInt(60);
                    int micros = micros(r, fsp);
                    long whole = ((long) (y * 13 + mo) << 5 | d) << 17 | h << 12 | m << 6 | s;
                    return new Value(
                            join(
                                    bigEndian(BigInteger.valueOf(whole + 0x80_0000_0000L), 5),
                                    fractionBytes(micros, fsp)),
                            String.format(
                                            Locale.ROOT,
                                            "%04d-%02d-%02d %02d:%02d:%02d",
                                            y,
                                            mo,
                                            d,
                                            h,
                                            m,
                                            s)
                                    + fraction(micros, fsp));
                });
    }

    private Type timestamp() {
        int fsp = random.nextInt(7);
        DateTimeFormatter format = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss", Locale.ROOT);
        return plain(
                ColumnKind.TIMESTAMP,
                WireTypes.TIMESTAMP2,
                fsp,
                fsp,
                r -> {
                    long second = r.nextInt(10) == 0 ? 0 : 1 + (r.nextLong() & 0x7FFF_FFFFL);
                    int micros = second == 0 ? 0 : micros(r, fsp);
                    String text =
                            second == 0
                                    ? "0000-00-00 00:00:00"
                                    : LocalDateTime.ofInstant(Instant.ofEpochSecond(second), zone)
                                            .format(format);
                    return new Value(
                            join(
                                    bigEndian(BigInteger.valueOf(second), 4),
                                    fractionBytes(micros, fsp)),
                            text + fraction(micros, fsp));
                });
    }

    private static int micros(Random r, int fsp) {
        int unit = (int) Math.pow(10, 6 - fsp);
        return r.nextInt(4) == 0 ? 0 : r.nextInt((int) Math.pow(10, fsp)) * unit;
    }

    private static String fraction(int micros, int fsp) {
        return fsp == 0 ? "" : "." + String.format(Locale.ROOT, "%06d", micros).substring(0, fsp);
    }

    private static byte[] fractionBytes(int micros, int fsp) {
        int bytes = (fsp + 1) / 2;
        return bigEndian(BigInteger.valueOf(micros / (long) Math.pow(10, 6 - 2 * bytes)), bytes);
    }

    private Type text() {
        boolean latin = random.nextBoolean();
        String charset = latin ? "latin1" : "utf8mb4";
        Charset java = latin ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8;
        String[] alphabet =
                latin
                        ? new String[] {"a", "Z", "é", "ß", "\"", "\n"}
                        : new String[] {"a", "日", "😀", "é", "\0"};
        Function<Integer, Function<Random, Value>> values =
                prefix ->
                        r -> {
                            StringBuilder text = new StringBuilder();
                            for (int i = r.nextInt(prefix == 1 ? 60 : 400); i > 0; i--) {
                                text.append(alphabet[r.nextInt(alphabet.length)]);
                            }
                            return new Value(
                                    prefixed(text.toString().getBytes(java), prefix),
                                    hex(text.toString().getBytes(StandardCharsets.UTF_8)));
                        };
        return switch (random.nextInt(4)) {
            case 0 ->
                    new Type(
                            ColumnKind.VARCHAR,
                            WireTypes.VARCHAR,
                            255,
                            false,
                            0,
                            charset,
                            values.apply(1));
            case 1 ->
                    new Type(
                            ColumnKind.VARCHAR,
                            WireTypes.VARCHAR,
                            2000,
                            false,
                            0,
                            charset,
                            values.apply(2));
            // CHAR(255) of 1020 bytes: the length's high bits are in the type byte.
            case 2 ->
                    new Type(
                            ColumnKind.CHAR,
                            WireTypes.STRING,
                            (0xFE ^ (1020 & 0x300) >> 4) << 8 | 1020 & 0xFF,
                            false,
                            0,
                            charset,
                            values.apply(2));
            default -> {
                int prefix = 2 + random.nextInt(3);
                yield new Type(
                        ColumnKind.LONGTEXT,
                        WireTypes.BLOB,
                        prefix,
                        false,
                        0,
                        charset,
                        values.apply(prefix));
            }
        };
    }

    private Type bytes() {
        if (random.nextBoolean()) {
            int size = 1 + random.nextInt(255);
            return plain(
                    ColumnKind.BINARY,
                    WireTypes.STRING,
                    WireTypes.STRING << 8 | size,
                    0,
                    r -> {
                        byte[] value = new byte[size];
                        for (int i = 0; i < r.nextInt(size + 1); i++) {
                            value[i] = (byte) r.nextInt(256);
                        }
                        int used = size;
                        while (used > 0 && value[used - 1] == 0) {
                            used--;
                        }
                        return new Value(
                                prefixed(java.util.Arrays.copyOf(value, used), 1), hex(value));
                    });
        }
        int prefix = 1 + random.nextInt(4);
        return plain(
                ColumnKind.BLOB,
                WireTypes.BLOB,
                prefix,
                0,
                r -> {
                    byte[] value = new byte[r.nextInt(prefix == 1 ? 256 : 1000)];
                    r.nextBytes(value);
                    return new Value(prefixed(value, prefix), hex(value));
                });
    }

    private static Type plain(
            ColumnKind kind, int wireType, int meta, int scale, Function<Random, Value> values) {
        return new Type(kind, wireType, meta, false, scale, "binary", values);
    }

    static TableSchema schema(List<Type> types) {
        List<Column> columns = new ArrayList<>();
        for (Type type : types) {
            columns.add(
                    new Column(
                            "c" + columns.size(),
                            type.kind,
                            type.kind.name(),
                            type.unsigned,
                            true,
                            0,
                            type.scale,
                            type.charset,
                            "",
                            List.of(),
                            Column.Generated.NONE,
                            false,
                            Optional.empty()));
        }
        return new TableSchema(1, 1, new TableName("s", "t"), columns, List.of());
    }

    static TableMap map(List<Type> types) {
        byte[] wireTypes = new byte[types.size()];
        int[] metas = new int[types.size()];
        for (int i = 0; i < wireTypes.length; i++) {
            wireTypes[i] = (byte) types.get(i).wireType;
            metas[i] = types.get(i).meta;
        }
        return new TableMap(
                7,
                new TableName("s", "t"),
                wireTypes,
                metas,
                new byte[(wireTypes.length + 7) / 8],
                new byte[0],
                false);
    }

    /** A rows event; {@code types} are the event's columns, each image may hold only some. */
    Event event(List<Type> types, int eventType, int rows, boolean minimal) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {7, 0, 0, 0, 0, 0, 1, 0});
        if (eventType >= 30) {
            out.writeBytes(new byte[] {5, 0, 1, 2, 3});
        }
        if (types.size() < 251) {
            out.write(types.size());
        } else {
            out.writeBytes(
                    new byte[] {(byte) 252, (byte) types.size(), (byte) (types.size() >> 8)});
        }
        boolean update = eventType == 24 || eventType == 31;
        List<boolean[]> present = new ArrayList<>();
        for (int image = 0; image < (update ? 2 : 1); image++) {
            boolean[] columns = new boolean[types.size()];
            columns[random.nextInt(columns.length)] = true;
            for (int i = 0; i < columns.length; i++) {
                columns[i] |= !minimal || random.nextBoolean();
            }
            present.add(columns);
            out.writeBytes(bits(columns));
        }
        List<List<String>> images = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            for (boolean[] columns : present) {
                List<String> texts = new ArrayList<>();
                List<Boolean> nulls = new ArrayList<>();
                ByteArrayOutputStream cells = new ByteArrayOutputStream();
                for (int i = 0; i < columns.length; i++) {
                    if (!columns[i]) {
                        texts.add(ABSENT);
                    } else if (random.nextInt(6) == 0) {
                        texts.add("NULL");
                        nulls.add(true);
                    } else {
                        Value value = types.get(i).values.apply(random);
                        cells.writeBytes(value.wire);
                        texts.add(value.text);
                        nulls.add(false);
                    }
                }
                boolean[] nullBits = new boolean[nulls.size()];
                for (int i = 0; i < nullBits.length; i++) {
                    nullBits[i] = nulls.get(i);
                }
                out.writeBytes(bits(nullBits));
                out.writeBytes(cells.toByteArray());
                images.add(texts);
            }
        }
        return new Event(eventType, out.toByteArray(), images);
    }

    private static byte[] bits(boolean[] set) {
        byte[] out = new byte[(set.length + 7) / 8];
        for (int i = 0; i < set.length; i++) {
            if (set[i]) {
                out[i / 8] |= (byte) (1 << i % 8);
            }
        }
        return out;
    }

    private static byte[] prefixed(byte[] value, int prefix) {
        return join(reversed(bigEndian(BigInteger.valueOf(value.length), prefix)), value);
    }

    private static byte[] join(byte[] a, byte[] b) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(a);
        out.writeBytes(b);
        return out.toByteArray();
    }

    static byte[] bigEndian(BigInteger value, int bytes) {
        byte[] out = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            out[bytes - 1 - i] = value.shiftRight(8 * i).byteValue();
        }
        return out;
    }

    static byte[] reversed(byte[] b) {
        byte[] out = new byte[b.length];
        for (int i = 0; i < b.length; i++) {
            out[i] = b[b.length - 1 - i];
        }
        return out;
    }

    private static String hex(byte[] b) {
        return HexFormat.of().withUpperCase().formatHex(b);
    }
}
