package io.millrace.codec;

import io.millrace.core.bytes.ByteSink;

/**
 * A message of a queue under construction: an optional key and a value, which are cleared and
 * reused. Belongs to one thread.
 *
 * <p>A row may be appended on trial: {@link #mark} before, {@link #rollback} when the message has
 * become too large by it.
 */
public final class Message {
    /** Buffers that have grown beyond this many bytes are given up when the message is cleared. */
    private static final int KEPT_BYTES = 1 << 20;

    private final ByteSink key = new ByteSink(64);
    private final ByteSink value = new ByteSink(4096);
    private boolean keyed;
    private boolean tombstone;
    private int rows;
    private int markedKey;
    private int markedValue;
    private boolean markedKeyed;
    private boolean markedTombstone;

    /** Where the key is written; it counts only after {@link #setKeyed}. */
    public ByteSink key() {
        return key;
    }

    /** Where the value is written. */
    public ByteSink value() {
        return value;
    }

    /** Whether the message has a key at all; without one it is sent with a null key. */
    public boolean isKeyed() {
        return keyed;
    }

    /** Says that the message has a key. */
    public void setKeyed() {
        keyed = true;
    }

    /** Whether the value is null rather than empty. */
    public boolean isTombstone() {
        return tombstone;
    }

    /** Makes the value null. */
    public void setTombstone() {
        tombstone = true;
    }

    /** Rows inside, 0 for DDL and watermarks. */
    public int rows() {
        return rows;
    }

    /** Counts a row; the encoder's duty. */
    public void addRow() {
        rows++;
    }

    /** Bytes of key and value. */
    public int size() {
        return (keyed ? key.length() : 0) + value.length();
    }

    /** Makes the message empty. */
    public void clear() {
        key.clearKeeping(KEPT_BYTES);
        value.clearKeeping(KEPT_BYTES);
        keyed = false;
        tombstone = false;
        rows = 0;
    }

    /** Remembers the message as it is. */
    public void mark() {
        markedKey = key.length();
        markedValue = value.length();
        markedKeyed = keyed;
        markedTombstone = tombstone;
    }

    /** Takes one row back that was appended since {@link #mark}. */
    public void rollback() {
        key.length(markedKey);
        value.length(markedValue);
        keyed = markedKeyed;
        tombstone = markedTombstone;
        rows--;
    }

    /** A copy of the key; only if {@link #isKeyed}. */
    public byte[] keyBytes() {
        return key.toByteArray();
    }

    /** A copy of the value; only if it is not a {@link #isTombstone tombstone}. */
    public byte[] valueBytes() {
        return value.toByteArray();
    }
}
