package io.millrace.codec.avro;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.codec.Message;
import io.millrace.codec.RowChecksum;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.avro.registry.SchemaRegistry;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes Avro messages: key and value are each the registry's header and one record in Avro's
 * binary encoding; a delete has the key and a null value, a table without a handle key has null
 * keys.
 *
 * <p>The schemas of a table version are registered when it is seen first, by {@link #prepare} or
 * else by {@link #begin}, which then blocks. After that a row allocates nothing, but a DECIMAL of
 * more than eighteen digits in precise mode, text in another character set than UTF-8, and what
 * {@link RowChecksum} does.
 */
public final class AvroEncoder implements RowEncoder {
    /** First byte of a watermark, which eight bytes of TSO follow. */
    static final int WATERMARK = 2;

    /** First byte of a DDL, which a JSON object follows. */
    static final int DDL = 1;

    private static final byte[] CREATED = {'c'};
    private static final byte[] UPDATED = {'u'};

    private final AvroConfig config;
    private final SchemaRegistry registry;
    private final String namespace;
    private final TableCache<Table> tables = new TableCache<>(this::make);
    private final RowChecksum checksum;
    private final ByteSink scratch = new ByteSink(1024);

    /** That of the batch at hand, which a program's subjects are made of. */
    private String topic = "";

    /** What {@link #prepare} waits for; one at a time, for the registry belongs to one thread. */
    private @Nullable FutureTask<Table> registration;

    /** What it got, until a batch needs it. */
    private @Nullable Table prepared;

    private long commitTso;

    /** Programs and headers of one table version. */
    private record Table(
            TableSchema schema,
            String topic,
            AvroProgram values,
            byte[] valueHeader,
            AvroProgram keys,
            byte[] keyHeader) {
        boolean isFor(TableSchema wanted, String wantedTopic) {
            return schema == wanted && topic.equals(wantedTopic);
        }
    }

    /**
     * @param registry is closed with the encoder
     * @param namespace the changefeed's
     */
    public AvroEncoder(AvroConfig config, SchemaRegistry registry, String namespace) {
        this.config = config;
        this.registry = registry;
        this.namespace = namespace;
        checksum = new RowChecksum(config.timeZone(), true);
    }

    @Override
    public void begin(TableSchema schema, long newCommitTso, String newTopic) {
        commitTso = newCommitTso;
        topic = newTopic;
        if (!tables.select(schema).topic.equals(newTopic)) {
            tables.renew(schema);
        }
    }

    /** Registers schemas on a thread of its own: the registry may not answer for a while. */
    @Override
    public boolean prepare(TableSchema schema, String wantedTopic) {
        Table known = tables.known(schema);
        if (known != null && known.isFor(schema, wantedTopic)
                || prepared != null && prepared.isFor(schema, wantedTopic)) {
            return true;
        }
        FutureTask<Table> current = registration;
        if (current == null) {
            FutureTask<Table> fresh = new FutureTask<>(() -> registered(schema, wantedTopic));
            registration = fresh;
            Thread.ofVirtual().name("avro-schema-" + schema.name()).start(fresh);
            return false;
        }
        if (!current.isDone()) {
            return false;
        }
        registration = null;
        Table found = result(current);
        prepared = found;
        return found.isFor(schema, wantedTopic);
    }

    private static Table result(FutureTask<Table> done) {
        try {
            return done.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof MillraceException known) {
                throw known;
            }
            throw new MillraceException(
                    ErrorCode.INTERNAL, "registering a schema hit a defect: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MillraceException(
                    ErrorCode.INTERNAL, "interrupted while a schema is registered", e);
        }
    }

    /** For a batch whose table version is new here. */
    private Table make(TableSchema schema) {
        Table ready = prepared;
        prepared = null;
        return ready != null && ready.isFor(schema, topic) ? ready : registered(schema, topic);
    }

    private Table registered(TableSchema schema, String subjects) {
        AvroProgram values = new AvroProgram(schema, Cells.written(schema, false), config);
        AvroProgram keys =
                new AvroProgram(
                        schema, IntStream.of(schema.handleKey()).sorted().toArray(), config);
        byte[] keyHeader = new byte[0];
        if (schema.hasHandleKey()) {
            keyHeader =
                    registry.register(
                            AvroNames.subject(subjects, true),
                            AvroSchemas.record(schema, keys, namespace, false, false));
        }
        byte[] valueHeader =
                registry.register(
                        AvroNames.subject(subjects, false),
                        AvroSchemas.record(
                                schema,
                                values,
                                namespace,
                                config.tidbExtension(),
                                config.checksums()));
        return new Table(schema, subjects, values, valueHeader, keys, keyHeader);
    }

    @Override
    public void append(RowView row, int op, Message out) {
        Table current = tables.current();
        if (current.keyHeader.length > 0) {
            out.setKeyed();
            out.key().put(current.keyHeader);
            appendRecord(current, current.keys, row, op, out.key());
        }
        if (op == RowBatch.DELETE) {
            out.setTombstone();
        } else {
            ByteSink value = out.value();
            value.put(current.valueHeader);
            appendRecord(current, current.values, row, op, value);
            if (config.tidbExtension()) {
                AvroBytes.putBytes(op == RowBatch.INSERT ? CREATED : UPDATED, value);
                AvroBytes.putLong(commitTso, value);
                AvroBytes.putLong(Tso.physicalMs(commitTso), value);
            }
            if (config.checksums()) {
                appendChecksum(current, row, op, value);
            }
        }
        out.addRow();
    }

    private void appendChecksum(Table current, RowView row, int op, ByteSink value) {
        int[] columns = current.values.ordinals;
        if (op == RowBatch.INSERT) {
            for (int column : columns) {
                if (!row.isPresent(RowView.AFTER, column)) {
                    throw incomplete(
                            current, current.schema.column(column), "a checksum covers every one");
                }
            }
        }
        scratch.clear();
        scratch.putLong(
                checksum.of(current.schema, columns, row, RowView.AFTER, op == RowBatch.UPDATE));
        putScratch(value);
        AvroBytes.putBoolean(false, value);
        AvroBytes.putLong(RowChecksum.VERSION, value);
    }

    private void appendRecord(
            Table current, AvroProgram program, RowView row, int op, ByteSink out) {
        int wanted = op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER;
        for (int i = 0; i < program.ordinals.length; i++) {
            int column = program.ordinals[i];
            int image = wanted;
            if (!row.isPresent(image, column)) {
                if (op == RowBatch.UPDATE && row.isPresent(RowView.BEFORE, column)) {
                    image = RowView.BEFORE; // a minimal new image leaves out what did not change
                } else {
                    appendMissing(current, program, i, op, out);
                    continue;
                }
            }
            if (program.valueBranches[i] >= 0) {
                if (row.isNull(image, column)) {
                    out.put(program.nullBranches[i]);
                    continue;
                }
                out.put(program.valueBranches[i]);
            } else if (row.isNull(image, column)) {
                throw new MillraceException(
                        ErrorCode.SCHEMA_MISMATCH,
                        "table "
                                + current.schema.name()
                                + ": column "
                                + program.columns[i].name()
                                + " is NULL, but its definition does not allow it");
            }
            appendValue(program, i, row, image, column, out);
        }
    }

    /** The server filled a column that a new row does not name with the column's default. */
    private static void appendMissing(
            Table current, AvroProgram program, int i, int op, ByteSink out) {
        byte[] encoded = program.defaults[i];
        if (op != RowBatch.INSERT || encoded.length == 0) {
            throw incomplete(current, program.columns[i], "an Avro record must have every field");
        }
        out.put(encoded);
    }

    private static MillraceException incomplete(Table current, Column column, String why) {
        return new MillraceException(
                ErrorCode.UPSTREAM_MISCONFIGURED,
                "table "
                        + current.schema.name()
                        + ": the row image leaves out column "
                        + column.name()
                        + ", and "
                        + why
                        + "; set binlog_row_image=FULL in the upstream");
    }

    private void appendValue(
            AvroProgram program, int i, RowView row, int image, int column, ByteSink out) {
        switch (program.actions[i]) {
            case AvroProgram.LONG -> AvroBytes.putLong(row.longValue(image, column), out);
            case AvroProgram.UNSIGNED_TEXT -> {
                scratch.clear();
                scratch.putUnsigned(row.longValue(image, column));
                putScratch(out);
            }
            case AvroProgram.FLOAT ->
                    AvroBytes.putFloat((float) finite(row.doubleValue(image, column)), out);
            case AvroProgram.DOUBLE ->
                    AvroBytes.putDouble(finite(row.doubleValue(image, column)), out);
            case AvroProgram.BITS -> AvroBytes.putBits(row.longValue(image, column), out);
            case AvroProgram.DECIMAL -> {
                scratch.clear();
                row.appendText(image, column, scratch);
                AvroBytes.putDecimal(scratch.array(), 0, scratch.length(), program.scales[i], out);
            }
            case AvroProgram.SHORT_TEXT -> {
                scratch.clear();
                row.appendText(image, column, scratch);
                putScratch(out);
            }
            case AvroProgram.TEXT -> {
                if (row.isUtf8(column)) {
                    AvroBytes.putBytes(
                            row.array(), row.offset(image, column), row.length(image, column), out);
                } else {
                    scratch.clear();
                    row.appendText(image, column, scratch);
                    putScratch(out);
                }
            }
            case AvroProgram.BYTES ->
                    AvroBytes.putBytes(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            case AvroProgram.ENUM -> {
                long index = row.longValue(image, column);
                byte[][] names = program.elements[i];
                if (index >= 1 && index <= names.length) {
                    AvroBytes.putBytes(names[(int) index - 1], out);
                } else {
                    AvroBytes.putLong(0, out); // the invalid value is the empty string
                }
            }
            case AvroProgram.SET -> {
                scratch.clear();
                byte[][] names = program.elements[i];
                for (long rest = row.longValue(image, column); rest != 0; rest &= rest - 1) {
                    int bit = Long.numberOfTrailingZeros(rest);
                    if (bit < names.length) {
                        if (scratch.length() > 0) {
                            scratch.put(',');
                        }
                        scratch.put(names[bit]);
                    }
                }
                putScratch(out);
            }
            case AvroProgram.VECTOR -> {
                scratch.clear();
                Cells.appendVector(
                        row.array(), row.offset(image, column), row.length(image, column), scratch);
                putScratch(out);
            }
            default -> throw new IllegalStateException("unknown action " + program.actions[i]);
        }
    }

    private void putScratch(ByteSink out) {
        AvroBytes.putBytes(scratch.array(), 0, scratch.length(), out);
    }

    private static double finite(double value) {
        return Double.isFinite(value) ? value : 0;
    }

    @Override
    public boolean appendDdl(SchemaChange change, SchemaChange.Change part, Message out) {
        if (!config.watermarks()) {
            return false;
        }
        TableName name = part.newName().orElse(part.name());
        ObjectNode ddl = JsonNodeFactory.instance.objectNode();
        ddl.put("query", part.query());
        ddl.put("type", part.kind().actionCode());
        ddl.put("schema", name.schema());
        ddl.put("table", name.table());
        ddl.put("commitTs", change.commitTso());
        out.value().put(DDL);
        out.value().put(ddl.toString().getBytes(StandardCharsets.UTF_8));
        return true;
    }

    @Override
    public boolean hasWatermarks() {
        return config.watermarks();
    }

    @Override
    public void appendWatermark(long tso, Message out) {
        ByteSink value = out.value();
        value.put(WATERMARK);
        WireBytes.putI64Be(value.ensure(Long.BYTES), value.length(), tso);
        value.length(value.length() + Long.BYTES);
    }

    @Override
    public void close() {
        FutureTask<Table> current = registration;
        if (current != null) {
            current.cancel(true);
        }
        registry.close();
    }
}
