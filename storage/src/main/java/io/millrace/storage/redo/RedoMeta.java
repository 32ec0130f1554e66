package io.millrace.storage.redo;

import io.millrace.core.bytes.ByteSink;
import java.io.IOException;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessageUnpacker;
import org.msgpack.value.ValueType;

/**
 * How far a redo log is.
 *
 * @param checkpointTso no change at or below it is missing in the target
 * @param resolvedTso no change at or below it is missing in the target and the log together
 * @param openTso above {@code resolvedTso} when the target may have a part of the transaction with
 *     this TSO, of which the log has at least as much: one too large to be held back; else 0
 */
record RedoMeta(long checkpointTso, long resolvedTso, long openTso) {
    static final RedoMeta NONE = new RedoMeta(0, 0, 0);

    byte[] encode() {
        ByteSink bytes = new ByteSink(64);
        MessagePackOut out = new MessagePackOut(bytes);
        out.map(openTso == 0 ? 2 : 3);
        out.text("checkpointTs");
        out.unsigned(checkpointTso);
        out.text("resolvedTs");
        out.unsigned(resolvedTso);
        if (openTso != 0) {
            out.text("openTs");
            out.unsigned(openTso);
        }
        return bytes.toByteArray();
    }

    static RedoMeta decode(byte[] bytes) throws IOException {
        long checkpoint = 0;
        long resolved = 0;
        long open = 0;
        try (MessageUnpacker in = MessagePack.newDefaultUnpacker(bytes)) {
            int entries = in.unpackMapHeader();
            for (int i = 0; i < entries; i++) {
                String key = in.unpackString();
                if (in.getNextFormat().getValueType() != ValueType.INTEGER) {
                    in.skipValue();
                    continue;
                }
                long value = in.unpackBigInteger().longValue();
                switch (key) {
                    case "checkpointTs" -> checkpoint = value;
                    case "resolvedTs" -> resolved = value;
                    case "openTs" -> open = value;
                    default -> {}
                }
            }
        } catch (org.msgpack.core.MessagePackException e) {
            throw new IOException("not MessagePack: " + e.getMessage(), e);
        }
        return new RedoMeta(checkpoint, resolved, open);
    }

    /** The greater of each. */
    RedoMeta max(RedoMeta other) {
        return new RedoMeta(
                max(checkpointTso, other.checkpointTso),
                max(resolvedTso, other.resolvedTso),
                max(openTso, other.openTso));
    }

    private static long max(long a, long b) {
        return Long.compareUnsigned(a, b) >= 0 ? a : b;
    }
}
