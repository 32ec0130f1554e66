package io.millrace.storage.parquet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableSchema;
import java.io.Closeable;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.column.impl.ColumnReadStoreImpl;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/**
 * Reads the files of {@link ParquetRowWriter} back, one row group at a time. Integers come as
 * {@link Long} or {@link BigInteger}, FLOAT and DOUBLE as {@link Float} and {@link Double},
 * decimals as {@link BigDecimal}, a TIMESTAMP as an {@link Instant}, bytes as {@code byte[]}, ENUM
 * and SET by name, everything else as {@link String}, as SQL has it.
 */
public final class ParquetRowReader implements Iterator<ParquetRowReader.Row>, Closeable {
    private static final int MICROS_PER_SECOND = 1_000_000;
    private static final int META_COLUMNS = 2;

    private final TableSchema schema;
    private final ParquetFile file;
    private final JsonMapper json = new JsonMapper();
    private final MessageType type;
    private final List<Type> image;
    private final boolean hasDates;
    private final boolean hasOld;
    private final Iterator<BlockMetaData> groups;
    private ColumnReader[] columns = new ColumnReader[0];
    private long rowsLeft;

    /**
     * A row of a file.
     *
     * @param op {@link RowBatch#INSERT}, UPDATE or DELETE
     * @param before the old row of a delete, and of an update where the file has it, else empty
     * @param after the new row, empty for a delete
     */
    public record Row(
            int op,
            long commitTso,
            Map<String, @Nullable Object> before,
            Map<String, @Nullable Object> after) {}

    /**
     * Reads the footer.
     *
     * @param schema of the table
     * @throws IOException when this is no Parquet file
     * @throws IllegalArgumentException when it was not written by a storage sink
     */
    public ParquetRowReader(TableSchema schema, Path path) throws IOException {
        this.schema = schema;
        file = new ParquetFile(path);
        boolean made = false;
        try {
            var meta = file.footer().getFileMetaData();
            type = meta.getSchema();
            if (!ParquetColumns.LAYOUT.equals(
                    meta.getKeyValueMetaData().get(ParquetColumns.LAYOUT_KEY))) {
                throw new IllegalArgumentException(
                        "its metadata do not tell "
                                + ParquetColumns.LAYOUT_KEY
                                + "="
                                + ParquetColumns.LAYOUT
                                + ": no storage sink has written it");
            }
            groups = file.footer().getBlocks().iterator();
            List<Type> fields = type.getFields();
            hasOld = !fields.getLast().isPrimitive();
            hasDates = ParquetColumns.of(schema, false).hasDates;
            image =
                    fields.subList(
                            META_COLUMNS + (hasDates ? 1 : 0), fields.size() - (hasOld ? 1 : 0));
            made = true;
        } finally {
            if (!made) {
                file.close();
            }
        }
    }

    @Override
    public boolean hasNext() {
        while (rowsLeft == 0) {
            if (!groups.hasNext()) {
                return false;
            }
            PageReadStore group = file.rows(groups.next());
            rowsLeft = group.getRowCount();
            var store =
                    new ColumnReadStoreImpl(
                            group,
                            new Unused(type),
                            type,
                            file.footer().getFileMetaData().getCreatedBy());
            columns =
                    type.getColumns().stream()
                            .map(store::getColumnReader)
                            .toArray(ColumnReader[]::new);
        }
        return true;
    }

    @Override
    public Row next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        rowsLeft--;
        String name = columns[0].getBinary().toStringUsingUTF8();
        columns[0].consume();
        int op =
                switch (name) {
                    case "I" -> RowBatch.INSERT;
                    case "U" -> RowBatch.UPDATE;
                    case "D" -> RowBatch.DELETE;
                    default -> throw new IllegalArgumentException("unknown operation " + name);
                };
        long commitTso = columns[1].getLong();
        columns[1].consume();
        Map<String, @Nullable Object> row = new LinkedHashMap<>();
        readImage(META_COLUMNS, row);
        Map<String, @Nullable Object> old = new LinkedHashMap<>();
        if (hasOld) {
            readImage((META_COLUMNS + columns.length) / 2, old);
        }
        return switch (op) {
            case RowBatch.DELETE -> new Row(op, commitTso, row, Map.of());
            case RowBatch.UPDATE -> new Row(op, commitTso, old, row);
            default -> new Row(op, commitTso, Map.of(), row);
        };
    }

    private void readImage(int first, Map<String, @Nullable Object> row) {
        int at = first;
        String dates = null;
        if (hasDates) {
            ColumnReader column = columns[at++];
            if (isDefined(column)) {
                dates = column.getBinary().toStringUsingUTF8();
            }
            column.consume();
        }
        for (Type field : image) {
            ColumnReader column = columns[at++];
            row.put(field.getName(), isDefined(column) ? value(field, column) : null);
            column.consume();
        }
        if (dates != null) {
            try {
                for (Map.Entry<String, JsonNode> date : json.readTree(dates).properties()) {
                    row.put(date.getKey(), date.getValue().asText());
                }
            } catch (IOException e) {
                throw new IllegalArgumentException("invalid dates " + dates, e);
            }
        }
    }

    private static boolean isDefined(ColumnReader column) {
        return column.getCurrentDefinitionLevel() == column.getDescriptor().getMaxDefinitionLevel();
    }

    private Object value(Type field, ColumnReader column) {
        PrimitiveType primitive = field.asPrimitiveType();
        LogicalTypeAnnotation meaning = field.getLogicalTypeAnnotation();
        return switch (primitive.getPrimitiveTypeName()) {
            case INT32 ->
                    switch (meaning) {
                        case LogicalTypeAnnotation.DecimalLogicalTypeAnnotation decimal ->
                                BigDecimal.valueOf(column.getInteger(), decimal.getScale());
                        case LogicalTypeAnnotation.DateLogicalTypeAnnotation date ->
                                DAY.format(LocalDate.ofEpochDay(column.getInteger()));
                        case null, default -> (long) column.getInteger();
                    };
            case INT64 ->
                    switch (meaning) {
                        case LogicalTypeAnnotation.DecimalLogicalTypeAnnotation decimal ->
                                BigDecimal.valueOf(column.getLong(), decimal.getScale());
                        case LogicalTypeAnnotation.TimestampLogicalTypeAnnotation time ->
                                time.isAdjustedToUTC()
                                        ? Instant.EPOCH.plus(column.getLong(), ChronoUnit.MICROS)
                                        : localTime(field.getName(), column.getLong());
                        case null, default ->
                                columnOf(field.getName()).kind() == ColumnKind.TIME
                                        ? duration(field.getName(), column.getLong())
                                        : (Object) column.getLong();
                    };
            case FLOAT -> column.getFloat();
            case DOUBLE -> column.getDouble();
            case FIXED_LEN_BYTE_ARRAY -> decimal(field, column.getBinary());
            case BINARY ->
                    meaning == null
                            ? column.getBinary().getBytes()
                            : column.getBinary().toStringUsingUTF8();
            case BOOLEAN, INT96 ->
                    throw new IllegalArgumentException("column " + field + " has a foreign type");
        };
    }

    private Object decimal(Type field, Binary bytes) {
        BigInteger unscaled = new BigInteger(bytes.getBytes());
        return columnOf(field.getName()).kind() == ColumnKind.DECIMAL
                        && field.getLogicalTypeAnnotation()
                                instanceof
                                LogicalTypeAnnotation.DecimalLogicalTypeAnnotation decimal
                ? new BigDecimal(unscaled, decimal.getScale())
                : (Object) unscaled;
    }

    private Column columnOf(String name) {
        int ordinal = schema.ordinalOf(name);
        if (ordinal < 0) {
            throw new IllegalArgumentException("the schema file has no column " + name);
        }
        return schema.column(ordinal);
    }

    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("uuuu-MM-dd", Locale.ROOT);
    private static final DateTimeFormatter[] TIMES = new DateTimeFormatter[7];

    static {
        for (int digits = 0; digits < TIMES.length; digits++) {
            DateTimeFormatterBuilder time =
                    new DateTimeFormatterBuilder().appendPattern("uuuu-MM-dd HH:mm:ss");
            if (digits > 0) {
                time.appendFraction(ChronoField.NANO_OF_SECOND, digits, digits, true);
            }
            TIMES[digits] = time.toFormatter(Locale.ROOT);
        }
    }

    private String localTime(String name, long micros) {
        LocalDateTime time =
                LocalDateTime.ofEpochSecond(
                        Math.floorDiv(micros, MICROS_PER_SECOND),
                        (int) Math.floorMod(micros, MICROS_PER_SECOND) * 1000,
                        ZoneOffset.UTC);
        return TIMES[columnOf(name).scale()].format(time);
    }

    private String duration(String name, long micros) {
        long whole = Math.abs(micros) / MICROS_PER_SECOND;
        String text =
                String.format(
                        Locale.ROOT,
                        "%s%02d:%02d:%02d",
                        micros < 0 ? "-" : "",
                        whole / 3600,
                        whole / 60 % 60,
                        whole % 60);
        int digits = columnOf(name).scale();
        return digits == 0
                ? text
                : text
                        + "."
                        + String.format(Locale.ROOT, "%06d", Math.abs(micros) % MICROS_PER_SECOND)
                                .substring(0, digits);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    /** Column readers want somebody to hand values to, and nobody asks them to. */
    private static final class Unused extends GroupConverter {
        private final GroupType type;

        Unused(GroupType type) {
            this.type = type;
        }

        @Override
        public Converter getConverter(int index) {
            return type.getType(index).isPrimitive()
                    ? new PrimitiveConverter() {}
                    : new Unused(type.getType(index).asGroupType());
        }

        @Override
        public void start() {}

        @Override
        public void end() {}
    }
}
