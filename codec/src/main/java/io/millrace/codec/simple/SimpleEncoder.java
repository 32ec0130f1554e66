package io.millrace.codec.simple;

import io.millrace.codec.Compression;
import io.millrace.codec.Message;
import io.millrace.codec.RowChecksum;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.DdlType;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/**
 * Writes the messages of TiCDC's "simple" format, one row each, without keys: rows that name the
 * version of their table's schema, DDL and bootstrap messages that tell it, and watermarks.
 *
 * <p>Rows allocate nothing, but with LZ4 compression and where {@link RowChecksum} has to. Columns
 * that a minimal row image leaves out are left out here, but that {@code data} of an update takes
 * from the old image what the new one leaves out as unchanged. Virtual generated columns have no
 * values.
 */
public final class SimpleEncoder implements RowEncoder {
    private static final TableSchema NO_TABLE =
            new TableSchema(0, 0, new TableName("", ""), List.of(), List.of());

    private final SimpleFormat format;
    private final Compression compression;
    private final boolean shortens;
    private final Clock clock;
    private final ByteSink plain = new ByteSink(4096);
    private final Optional<SimpleFormat.Checksums> checksums;
    private final RowChecksum sum;
    private TableSchema table = NO_TABLE;

    /** Ordinals of a table's columns that have values. */
    private final TableCache<int[]> written =
            new TableCache<>(schema -> Cells.written(schema, false));

    private int[] columns = {};

    /**
     * @param clock gives {@code buildTs}, the time of encoding
     */
    public SimpleEncoder(SimpleConfig config, Clock clock) {
        this.clock = clock;
        format = config.avro() ? new SimpleAvro(config) : new SimpleJson(config);
        compression = config.largeMessages().compression();
        shortens = config.largeMessages().shortens();
        checksums =
                config.checksums() ? Optional.of(new SimpleFormat.Checksums()) : Optional.empty();
        sum = new RowChecksum(config.timeZone(), false);
    }

    @Override
    public void begin(TableSchema schema, long commitTso, String topic) {
        table = schema;
        if (checksums.isPresent()) {
            columns = written.select(schema);
        }
        format.begin(schema, commitTso);
    }

    @Override
    public void append(RowView row, int op, Message out) {
        append(row, op, false, Optional.empty(), out);
    }

    @Override
    public boolean canShorten() {
        return shortens;
    }

    @Override
    public void appendShortened(RowView row, int op, Optional<String> claimCheck, Message out) {
        if (!table.hasHandleKey()) {
            throw new MillraceException(
                    ErrorCode.MESSAGE_TOO_LARGE,
                    "a row of table "
                            + table.name()
                            + " is too large for a message, and cannot be shortened to its handle"
                            + " key: the table has none");
        }
        append(row, op, true, claimCheck, out);
    }

    private void sum(RowView row, int op, SimpleFormat.Checksums out) {
        boolean update = op == RowBatch.UPDATE;
        out.current =
                op == RowBatch.DELETE ? 0 : sum.of(table, columns, row, RowView.AFTER, update);
        out.previous =
                op == RowBatch.INSERT ? 0 : sum.of(table, columns, row, RowView.BEFORE, update);
    }

    private void append(
            RowView row, int op, boolean shortened, Optional<String> claimCheck, Message out) {
        ByteSink target = target(out);
        if (checksums.isPresent()) {
            sum(row, op, checksums.get());
        }
        format.row(row, op, shortened, claimCheck, checksums, clock.millis(), target);
        finish(target, out);
        out.addRow();
    }

    @Override
    public boolean appendDdl(SchemaChange change, SchemaChange.Change part, Message out) {
        ByteSink target = target(out);
        format.ddl(
                DdlType.of(part.kind()),
                part.query(),
                change.commitTso(),
                clock.millis(),
                // A table that was dropped is told too: there is no other member with its name.
                part.after().or(part::before),
                part.before(),
                target);
        finish(target, out);
        return true;
    }

    @Override
    public boolean hasWatermarks() {
        return true;
    }

    @Override
    public void appendWatermark(long tso, Message out) {
        ByteSink target = target(out);
        format.watermark(tso, clock.millis(), target);
        finish(target, out);
    }

    @Override
    public boolean hasBootstraps() {
        return true;
    }

    @Override
    public void appendBootstrap(TableSchema schema, Message out) {
        ByteSink target = target(out);
        format.bootstrap(schema, clock.millis(), target);
        finish(target, out);
    }

    /** The message's value itself, or a buffer to compress it from. */
    private ByteSink target(Message out) {
        if (compression == Compression.NONE) {
            return out.value();
        }
        plain.clear();
        return plain;
    }

    private void finish(ByteSink target, Message out) {
        if (target == plain) {
            compression.append(plain.array(), 0, plain.length(), out.value());
        }
    }
}
