package io.millrace.codec.debezium;

import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.Instants;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.time.Clock;
import java.util.Arrays;

/**
 * Writes debezium as TiCDC does: a JSON key with the handle key and a JSON value with {@code
 * source}, {@code op}, {@code before} and {@code after}, each with the schema that Kafka Connect's
 * JsonConverter needs, unless that is switched off. Schemas are rendered once per table version; a
 * row appends them and its values, and allocates nothing, except for decimals of more than 15
 * digits.
 *
 * <p>As in TiCDC decimals are numbers and lose what a double can't hold, BIGINT UNSIGNED above the
 * greatest signed number is negative, binary values are Base64, years below 100 are taken for short
 * ones, and impossible dates become NULL or the epoch. Other than there NULL stays NULL in a column
 * that has a default, and schemas tell no defaults: JsonConverter would put them in place of NULL.
 *
 * <p>With minimal row images the old row of an update lacks columns that its schema may require.
 */
final class DebeziumEncoder implements RowEncoder {
    /** Fewer than elsewhere: a program holds the rendered schemas of its messages. */
    private static final int MAX_TABLES = 1 << 13;

    private static final byte[] KEY_START = Source.utf8("{\"payload\":");
    private static final byte[] CREATED =
            Source.utf8(",\"transaction\":null,\"op\":\"c\",\"before\":null,\"after\":");
    private static final byte[] DELETED =
            Source.utf8(",\"transaction\":null,\"op\":\"d\",\"after\":null,\"before\":");
    private static final byte[] UPDATED =
            Source.utf8(",\"transaction\":null,\"op\":\"u\",\"before\":");
    private static final byte[] UPDATED_WITHOUT_OLD =
            Source.utf8(",\"transaction\":null,\"op\":\"u\",\"after\":");
    private static final byte[] AFTER = Source.utf8(",\"after\":");

    private final DebeziumConfig config;
    private final Clock clock;
    private final Source source;
    private final RowProgram.Scratch scratch;
    private final TableCache<Table> tables;

    /** The value up to the time of encoding. */
    private final ByteSink head = new ByteSink(512);

    private static final class Table {
        final byte[] source;
        final RowProgram key;
        final RowProgram all;

        /** What follows the last member of the payloads. */
        final byte[] keyEnd;

        final byte[] valueEnd;

        Table(TableSchema schema, DebeziumConfig config) {
            source = Source.table(schema.name());
            int[] keyColumns = schema.handleKey().clone();
            Arrays.sort(keyColumns);
            int[] columns = Cells.written(schema, false);
            key = new RowProgram(schema, keyColumns);
            all = new RowProgram(schema, columns);
            String cluster = config.clusterId();
            boolean types = config.tidbExtension();
            if (config.disableSchema()) {
                keyEnd = end("", "");
                valueEnd = end("}", "");
            } else {
                keyEnd = end("", Schemas.key(cluster, schema, keyColumns, types));
                valueEnd = end("}", Schemas.envelope(cluster, schema, columns, types));
            }
        }
    }

    /** The end of a payload, its schema unless that is empty, and the end of the message. */
    private static byte[] end(String payloadEnd, String schema) {
        return Source.utf8(payloadEnd + (schema.isEmpty() ? "" : ",\"schema\":" + schema) + "}");
    }

    /**
     * @param clock gives the time of encoding
     */
    DebeziumEncoder(DebeziumConfig config, Clock clock) {
        this.config = config;
        this.clock = clock;
        tables = new TableCache<>(MAX_TABLES, schema -> new Table(schema, config));
        source = new Source(config.clusterId());
        scratch = new RowProgram.Scratch(new Instants());
    }

    @Override
    public void begin(TableSchema schema, long commitTso, String topic) {
        Table current = tables.select(schema);
        head.clear();
        source.append(commitTso, current.source, head);
    }

    @Override
    public void append(RowView row, int op, Message out) {
        Table current = tables.current();
        int image = op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER;
        ByteSink key = out.key();
        key.put(KEY_START);
        current.key.append(row, op, image, scratch, key);
        key.put(current.keyEnd);
        out.setKeyed();
        ByteSink value = out.value();
        value.put(head.array(), 0, head.length());
        value.putLong(clock.millis());
        switch (op) {
            case RowBatch.INSERT -> value.put(CREATED);
            case RowBatch.DELETE -> value.put(DELETED);
            default -> {
                if (config.outputOldValue()) {
                    value.put(UPDATED);
                    current.all.append(row, op, RowView.BEFORE, scratch, value);
                    value.put(AFTER);
                } else {
                    value.put(UPDATED_WITHOUT_OLD);
                }
            }
        }
        current.all.append(row, op, image, scratch, value);
        value.put(current.valueEnd);
        out.addRow();
    }

    @Override
    public boolean appendDdl(SchemaChange change, SchemaChange.Change part, Message out) {
        TableName name = part.newName().orElse(part.name());
        out.key().putUtf8("{\"payload\":{\"databaseName\":" + Schemas.quoted(name.schema()));
        out.key().put(end("}", config.disableSchema() ? "" : Schemas.CHANGE_KEY));
        out.setKeyed();
        ByteSink value = out.value();
        source.append(change.commitTso(), Source.table(name), value);
        value.putLong(clock.millis());
        value.putUtf8(SchemaChanges.members(part, name));
        value.put(end("}", config.disableSchema() ? "" : Schemas.CHANGE_VALUE));
        return true;
    }

    @Override
    public boolean hasWatermarks() {
        return config.tidbExtension();
    }

    @Override
    public void appendWatermark(long tso, Message out) {
        String cluster = config.clusterId();
        out.key().put(KEY_START);
        out.key().put(end("{}", config.disableSchema() ? "" : Schemas.watermarkKey(cluster)));
        out.setKeyed();
        ByteSink value = out.value();
        source.append(tso, Source.table(new TableName("", "")), value);
        value.putLong(clock.millis());
        value.putUtf8(",\"transaction\":null,\"op\":\"m\"");
        value.put(end("}", config.disableSchema() ? "" : Schemas.watermark(cluster)));
    }
}
