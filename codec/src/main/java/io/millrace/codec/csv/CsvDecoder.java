package io.millrace.codec.csv;

import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.text.Cells;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the lines of a file back, given the columns that the table had; for tools and tests, not
 * for speed. Integers come as {@link Long} or {@link BigInteger}, floats as {@link Float} and
 * {@link Double}, decimals as {@link BigDecimal}, bytes as {@code byte[]}, ENUM and SET by name,
 * everything else as {@link String}. A NULL text that equals a value is read as NULL when nothing
 * is quoted.
 */
public final class CsvDecoder {
    private final CsvConfig config;
    private final byte[] delimiter;
    private final byte[] terminator;
    private final byte[] nullText;
    private final int quote;

    public CsvDecoder(CsvConfig config) {
        this.config = config;
        delimiter = config.delimiter().getBytes(StandardCharsets.UTF_8);
        terminator = config.terminator().getBytes(StandardCharsets.UTF_8);
        nullText = config.nullText().getBytes(StandardCharsets.UTF_8);
        quote = config.quote().isEmpty() ? -1 : config.quote().charAt(0);
    }

    /** A field before it is known what it means. */
    private record Field(byte[] bytes, boolean quoted) {
        String text() {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    /**
     * The rows of a whole file, in order; the two lines of an update are two rows, a DELETE and an
     * INSERT.
     *
     * @throws MillraceException INVALID_PARAMETER when the bytes are no such file; names the line
     */
    public List<DecodedEvent.Row> decode(TableSchema schema, byte[] content) {
        List<DecodedEvent.Row> rows = new ArrayList<>();
        rows(schema, new ByteArrayInputStream(content)).forEachRemaining(rows::add);
        return rows;
    }

    /**
     * As {@link #decode}, row by row: a row is read, and its errors are thrown, when asked for;
     * when the stream cannot be read, as UncheckedIOException.
     */
    public Iterator<DecodedEvent.Row> rows(TableSchema schema, InputStream in) {
        Lines lines = new Lines(in);
        if (config.outputFieldHeader() && lines.hasNext()) {
            lines.next();
        }
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return lines.hasNext();
            }

            @Override
            public DecodedEvent.Row next() {
                List<Field> fields = lines.next();
                try {
                    return row(schema, fields);
                } catch (IllegalArgumentException e) {
                    throw new MillraceException(
                            ErrorCode.INVALID_PARAMETER,
                            "line " + lines.number + " of a csv file: " + e.getMessage(),
                            e);
                }
            }
        };
    }

    private DecodedEvent.Row row(TableSchema schema, List<Field> fields) {
        int[] ordinals = Cells.written(schema, false);
        int meta =
                3
                        + (config.includeCommitTs() ? 1 : 0)
                        + (config.outputOldValue() ? 1 : 0)
                        + (config.outputHandleKey() ? 1 : 0);
        if (fields.size() != meta + ordinals.length) {
            throw new IllegalArgumentException(
                    fields.size() + " fields instead of " + (meta + ordinals.length));
        }
        int op =
                switch (fields.get(0).text()) {
                    case "I" -> RowBatch.INSERT;
                    case "U" -> RowBatch.UPDATE;
                    case "D" -> RowBatch.DELETE;
                    default ->
                            throw new IllegalArgumentException(
                                    "unknown operation " + fields.get(0).text());
                };
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        for (int i = 0; i < ordinals.length; i++) {
            Column column = schema.column(ordinals[i]);
            values.put(column.name(), value(column, fields.get(meta + i)));
        }
        return new DecodedEvent.Row(
                new TableName(fields.get(2).text(), fields.get(1).text()),
                op,
                config.includeCommitTs() ? Long.parseUnsignedLong(fields.get(3).text()) : 0,
                op == RowBatch.DELETE ? values : Map.of(),
                op == RowBatch.DELETE ? Map.of() : values);
    }

    private @Nullable Object value(Column column, Field field) {
        String text = field.text();
        if (!field.quoted() && text.equals(config.nullText())) {
            return null;
        }
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT, YEAR, BIT -> integer(text);
            case FLOAT -> Float.valueOf(text);
            case DOUBLE -> Double.valueOf(text);
            case DECIMAL -> new BigDecimal(text);
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY ->
                    config.binaryEncoding() == CsvConfig.BinaryEncoding.HEX
                            ? HexFormat.of().parseHex(text)
                            : Base64.getDecoder().decode(text);
            default -> text;
        };
    }

    private static Object integer(String text) {
        BigInteger value = new BigInteger(text);
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }

    /** The lines of a file, one after the other. */
    private final class Lines {
        private static final int WINDOW_BYTES = 1 << 16;

        private final InputStream in;
        private final byte[] content = new byte[WINDOW_BYTES + lookAhead()];

        /** The next byte in the window, and where what was read ends. */
        private int at;

        private int end;
        private boolean ended;

        /** Of the line read last, from 1. */
        private int number;

        Lines(InputStream in) {
            this.in = in;
        }

        /** Whether a byte follows; as many as one has to see at once are in the window then. */
        boolean hasNext() {
            while (!ended && end - at < lookAhead()) {
                System.arraycopy(content, at, content, 0, end - at);
                end -= at;
                at = 0;
                try {
                    int more = in.read(content, end, content.length - end);
                    ended = more < 0;
                    end += Math.max(more, 0);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            return at < end;
        }

        List<Field> next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            number++;
            List<Field> fields = new ArrayList<>();
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            boolean quoted = false;
            while (hasNext()) {
                if (quote >= 0 && content[at] == quote && bytes.size() == 0 && !quoted) {
                    readQuoted(bytes);
                    quoted = true;
                } else if (startsWith(content, at, end, terminator)) {
                    fields.add(field(bytes, quoted));
                    at += terminator.length;
                    return fields;
                } else if (startsWith(content, at, end, delimiter)) {
                    fields.add(field(bytes, quoted));
                    bytes.reset();
                    quoted = false;
                    at += delimiter.length;
                } else if (quote < 0
                        && content[at] == '\\'
                        && !isNullText(content, at, end, bytes)) {
                    if (at + 1 == end) {
                        throw broken("ends with a backslash");
                    }
                    byte next = content[at + 1];
                    bytes.write(next == 'r' ? '\r' : next == 'n' ? '\n' : next);
                    quoted = true; // an escaped text is not the text of NULL
                    at += 2;
                } else {
                    bytes.write(content[at++]);
                }
            }
            throw broken("has no end");
        }

        /** Reads from the opening quote up to and with the closing one. */
        private void readQuoted(ByteArrayOutputStream out) {
            at++;
            while (hasNext()) {
                if (content[at] != quote) {
                    out.write(content[at++]);
                } else if (at + 1 < end && content[at + 1] == quote) {
                    out.write(quote);
                    at += 2;
                } else {
                    at++;
                    return;
                }
            }
            throw broken("has a quote without its partner");
        }

        private MillraceException broken(String what) {
            return new MillraceException(
                    ErrorCode.INVALID_PARAMETER, "line " + number + " of a csv file " + what);
        }
    }

    /** Bytes that have to be seen at once to know what begins with the first of them. */
    private int lookAhead() {
        return nullText.length + delimiter.length + terminator.length + 2;
    }

    private static Field field(ByteArrayOutputStream bytes, boolean quoted) {
        return new Field(bytes.toByteArray(), quoted);
    }

    /** Whether the backslash here begins a field that is the text of NULL as a whole. */
    private boolean isNullText(byte[] content, int at, int limit, ByteArrayOutputStream before) {
        int end = at + nullText.length;
        return before.size() == 0
                && startsWith(content, at, limit, nullText)
                && (startsWith(content, end, limit, delimiter)
                        || startsWith(content, end, limit, terminator));
    }

    private static boolean startsWith(byte[] content, int at, int limit, byte[] prefix) {
        if (limit - at < prefix.length) {
            return false;
        }
        for (int i = 0; i < prefix.length; i++) {
            if (content[at + i] != prefix[i]) {
                return false;
            }
        }
        return true;
    }
}
