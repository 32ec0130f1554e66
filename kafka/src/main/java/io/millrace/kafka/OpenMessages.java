package io.millrace.kafka;

import io.millrace.codec.Message;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The messages of one topic that still take rows, at most one for each partition. Buffers are used
 * again. Belongs to one thread.
 */
final class OpenMessages {
    /** Buffers kept for later; more only live as long as their message. */
    private static final int MAX_SPARE = 32;

    private final ArrayDeque<Message> spare = new ArrayDeque<>();
    private final BitSet open = new BitSet();
    private @Nullable Message[] messages = new Message[0];

    /** The open message of a partition, null when there is none. */
    @Nullable Message get(int partition) {
        return partition < messages.length ? messages[partition] : null;
    }

    /** An empty message that no partition has. */
    Message take() {
        Message message = spare.poll();
        return message == null ? new Message() : message;
    }

    /** Makes a message the open one of a partition that has none. */
    void put(int partition, Message message) {
        if (partition >= messages.length) {
            messages = Arrays.copyOf(messages, Math.max(partition + 1, messages.length * 2));
        }
        messages[partition] = message;
        open.set(partition);
    }

    /** The partition has no open message any more. */
    void remove(int partition) {
        messages[partition] = null;
        open.clear(partition);
    }

    /** The lowest partition with an open message, -1 when there is none. */
    int first() {
        return open.nextSetBit(0);
    }

    /** Gives back a message that nobody needs any more. */
    void recycle(Message message) {
        if (spare.size() < MAX_SPARE) {
            message.clear();
            spare.push(message);
        }
    }

    /** Drops all open messages. */
    void clear() {
        for (int partition = first(); partition >= 0; partition = first()) {
            remove(partition);
        }
    }
}
