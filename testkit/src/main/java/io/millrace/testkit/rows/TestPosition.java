package io.millrace.testkit.rows;

import io.millrace.core.model.SourcePosition;

/**
 * A totally ordered position: the TSO of the last transaction before it and an event ordinal.
 *
 * @param floorTso as {@link SourcePosition#floorTso}
 * @param event events after that transaction
 */
public record TestPosition(long floorTso, int event) implements SourcePosition {
    @Override
    public boolean covers(SourcePosition other) {
        return other instanceof TestPosition that
                && (floorTso > that.floorTso || (floorTso == that.floorTso && event >= that.event));
    }

    @Override
    public String encode() {
        return floorTso + ":" + event;
    }

    /** Reads back {@link #encode}. */
    public static TestPosition decode(String text) {
        int colon = text.indexOf(':');
        return new TestPosition(
                Long.parseLong(text.substring(0, colon)),
                Integer.parseInt(text.substring(colon + 1)));
    }
}
