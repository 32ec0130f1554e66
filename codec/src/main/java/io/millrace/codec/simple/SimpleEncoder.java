package io.millrace.codec.simple;

import io.millrace.codec.Compression;
import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.text.DdlType;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.time.Clock;
import java.util.Optional;

/**
 * Writes the messages of TiCDC's "simple" format, one row each, without keys: rows that name the
 * version of their table's schema, DDL and bootstrap messages that tell it, and watermarks.
 *
 * <p>Rows allocate nothing, but with LZ4 compression, which has to. Columns that a minimal row
 * image leaves out are left out here, but that {@code data} of an update takes from the old image
 * what the new one leaves out as unchanged. Virtual generated columns have no values.
 */
public final class SimpleEncoder implements RowEncoder {
    private final SimpleFormat format;
    private final Compression compression;
    private final boolean shortens;
    private final Clock clock;
    private final ByteSink plain = new ByteSink(4096);
    private TableName table = new TableName("", "");
    private boolean hasHandleKey;

    /**
     * @param clock gives {@code buildTs}, the time of encoding
     */
    public SimpleEncoder(SimpleConfig config, Clock clock) {
        this.clock = clock;
        format = config.avro() ? new SimpleAvro(config) : new SimpleJson(config);
        compression = config.largeMessages().compression();
        shortens = config.largeMessages().shortens();
    }

    @Override
    public void begin(TableSchema schema, long commitTso, String topic) {
        table = schema.name();
        hasHandleKey = schema.hasHandleKey();
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
        if (!hasHandleKey) {
            throw new MillraceException(
                    ErrorCode.MESSAGE_TOO_LARGE,
                    "a row of table "
                            + table
                            + " is too large for a message, and cannot be shortened to its handle"
                            + " key: the table has none");
        }
        append(row, op, true, claimCheck, out);
    }

    private void append(
            RowView row, int op, boolean shortened, Optional<String> claimCheck, Message out) {
        ByteSink target = target(out);
        format.row(row, op, shortened, claimCheck, clock.millis(), target);
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
