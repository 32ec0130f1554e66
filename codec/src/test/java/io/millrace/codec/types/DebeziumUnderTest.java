package io.millrace.codec.types;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.codec.debezium.DebeziumDecoder;
import io.millrace.core.model.Column;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Debezium's units for dates and times, and what its types cannot hold. */
final class DebeziumUnderTest extends ProtocolUnderTest.OfQueue {
    private static final JsonMapper JSON = new JsonMapper();
    private static final long MICROS = 1_000_000;

    DebeziumUnderTest() {
        super(
                "debezium",
                "enable-tidb-extension=true",
                new DebeziumDecoder(),
                (message, row) ->
                        JSON.readTree(message.valueBytes()).at("/payload/after/c").toString());
    }

    @Override
    public @Nullable Object canonical(Column column, Object decoded) {
        return switch (column.kind()) {
            case ENUM, SET -> Canonical.elementNumber(column, decoded.toString());
            case DATE -> LocalDate.ofEpochDay(((Number) decoded).longValue()).toString();
            case TIME -> time(((Number) decoded).longValue(), column.scale());
            case DATETIME -> dateTime(((Number) decoded).longValue(), column.scale());
            case TIMESTAMP -> decoded.toString().replace('T', ' ').replace("Z", "");
            case DECIMAL -> ((Number) decoded).doubleValue();
            default -> Canonical.read(column, decoded);
        };
    }

    private static String time(long micros, int scale) {
        long magnitude = Math.abs(micros);
        long seconds = magnitude / MICROS;
        String text =
                String.format(
                        "%s%02d:%02d:%02d",
                        micros < 0 ? "-" : "", seconds / 3600, seconds / 60 % 60, seconds % 60);
        return scale == 0
                ? text
                : text + String.format(".%06d", magnitude % MICROS).substring(0, scale + 1);
    }

    private static String dateTime(long units, int scale) {
        Instant instant =
                Instant.EPOCH.plus(units, scale > 3 ? ChronoUnit.MICROS : ChronoUnit.MILLIS);
        LocalDateTime local = LocalDateTime.ofInstant(instant, ZoneOffset.UTC);
        String pattern = "yyyy-MM-dd HH:mm:ss" + (scale == 0 ? "" : "." + "S".repeat(scale));
        return local.format(DateTimeFormatter.ofPattern(pattern));
    }

    @Override
    public @Nullable Object afterLoss(Column column, Object value) {
        return switch (column.kind()) {
            case BIGINT -> BigInteger.valueOf(((BigInteger) value).longValue());
            case DECIMAL -> new BigDecimal(value.toString()).doubleValue();
            case DATE, DATETIME -> value.toString().contains("-00") ? null : value;
            case TIMESTAMP -> value.toString().startsWith("0000") ? "1970-01-01 00:00:00" : value;
            default -> value;
        };
    }

    @Override
    public List<String> losses() {
        return List.of(
                "BIGINT UNSIGNED: from 2^63 on values are negative (2^64-1 is -1).",
                "DECIMAL: a double, with its 15 to 17 digits.",
                "DATE and DATETIME: impossible dates such as 0000-00-00 are null, or 0 where the"
                        + " column is not null.",
                "TIMESTAMP: the zero timestamp is 1970-01-01T00:00:00Z.",
                "ENUM: the invalid value (number 0) and an element that is the empty string look"
                        + " the same.",
                "Binary columns are Base64 strings that only the TiDB extension tells from text.");
    }
}
