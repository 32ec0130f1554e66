package io.millrace.storage.redo;

import io.millrace.core.model.SourcePosition;

/**
 * A place in a redo log. Nothing is read on from it: applying a log begins anew each time.
 *
 * @param tso of the last record before it
 * @param whole whether the whole transaction is before it
 */
record RedoPosition(long tso, boolean whole) implements SourcePosition {
    @Override
    public boolean covers(SourcePosition other) {
        if (!(other instanceof RedoPosition that)) {
            return false;
        }
        int order = Long.compareUnsigned(tso, that.tso);
        return order > 0 || order == 0 && (whole || !that.whole);
    }

    @Override
    public long floorTso() {
        return whole ? tso : tso - 1;
    }

    @Override
    public String encode() {
        return "redo:" + Long.toUnsignedString(tso) + (whole ? "" : ":open");
    }
}
