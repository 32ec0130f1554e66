package io.millrace.kafka;

import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableSchema;
import java.util.Optional;

/**
 * A format that uses everything of the encoders' contract and that tests can read: the key names
 * the topic, each row is {@code I1=text;} with operation, first and third column, and finishing
 * adds a full stop. DDL about tables whose name begins with {@code quiet} has no message.
 */
class TextEncoder implements RowEncoder {
    private static final char[] OPS = {' ', 'I', 'U', 'D'};

    private final int rowsPerMessage;
    private String topic = "";
    private boolean closed;

    TextEncoder(int rowsPerMessage) {
        this.rowsPerMessage = rowsPerMessage;
    }

    boolean isClosed() {
        return closed;
    }

    @Override
    public void begin(TableSchema schema, long commitTso, String newTopic) {
        topic = newTopic;
    }

    @Override
    public int maxRowsPerMessage() {
        return rowsPerMessage;
    }

    @Override
    public int framingBytes() {
        return 1;
    }

    @Override
    public void append(RowView row, int op, Message out) {
        int image = op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER;
        if (out.rows() == 0) {
            out.setKeyed();
            out.key().putUtf8(topic);
        }
        out.value().put(OPS[op]);
        row.appendText(image, 0, out.value());
        out.value().put('=');
        row.appendText(image, 2, out.value());
        out.value().put(';');
        out.addRow();
        if (rowsPerMessage == 1 && op == RowBatch.DELETE) {
            out.value().clear();
            out.setTombstone();
        }
    }

    @Override
    public void finish(Message out) {
        if (!out.isTombstone()) {
            out.value().put('.');
        }
    }

    @Override
    public boolean canShorten() {
        return rowsPerMessage > 1;
    }

    @Override
    public void appendShortened(RowView row, int op, Optional<String> claimCheck, Message out) {
        out.setKeyed();
        out.key().putUtf8("short");
        out.value().put(OPS[op]);
        row.appendText(op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER, 0, out.value());
        out.value().putUtf8("@" + claimCheck.orElse("nowhere"));
        out.addRow();
    }

    @Override
    public boolean appendDdl(SchemaChange change, SchemaChange.Change part, Message out) {
        if (part.name().table().startsWith("quiet")) {
            return false;
        }
        out.setKeyed();
        out.key().putUtf8("ddl");
        out.value().putUtf8(part.query());
        return true;
    }

    @Override
    public boolean hasWatermarks() {
        return true;
    }

    @Override
    public void appendWatermark(long tso, Message out) {
        out.setKeyed();
        out.key().putUtf8("mark");
        out.setTombstone();
    }

    @Override
    public boolean hasBootstraps() {
        return true;
    }

    @Override
    public void appendBootstrap(TableSchema schema, Message out) {
        out.setKeyed();
        out.key().putUtf8("schema");
        out.value().putUtf8(schema.name().toString());
    }

    @Override
    public void close() {
        closed = true;
    }
}
