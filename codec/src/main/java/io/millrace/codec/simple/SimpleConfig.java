package io.millrace.codec.simple;

import io.millrace.codec.LargeMessages;

/**
 * How simple messages are written.
 *
 * @param avro in Avro's binary encoding rather than as JSON
 * @param deleteOnlyHandleKeys a delete holds only the columns of the handle key
 * @param checksums every row tells the checksums of its images
 * @param largeMessages what happens to rows that are too large, and the compression of values
 * @param timeZone the zone that TIMESTAMP texts are in, as each TIMESTAMP value tells it
 */
public record SimpleConfig(
        boolean avro,
        boolean deleteOnlyHandleKeys,
        boolean checksums,
        LargeMessages largeMessages,
        String timeZone) {
    /** JSON, complete deletes, nothing special for large rows, UTC. */
    public static final SimpleConfig DEFAULTS =
            new SimpleConfig(false, false, LargeMessages.NONE, "UTC");

    /** Without checksums. */
    public SimpleConfig(
            boolean avro,
            boolean deleteOnlyHandleKeys,
            LargeMessages largeMessages,
            String timeZone) {
        this(avro, deleteOnlyHandleKeys, false, largeMessages, timeZone);
    }
}
