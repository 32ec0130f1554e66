package io.millrace.testkit.sim;

import io.millrace.core.model.SourcePosition;

/**
 * Where to read on in a {@link History}.
 *
 * @param transaction index of the transaction
 * @param event index of the event in it
 * @param floorTso TSO of the last transaction, or clock mark, wholly before
 */
record SimPosition(int transaction, int event, long floorTso) implements SourcePosition {
    @Override
    public boolean covers(SourcePosition other) {
        SimPosition that = (SimPosition) other;
        return transaction > that.transaction
                || (transaction == that.transaction && event >= that.event);
    }

    @Override
    public String encode() {
        return transaction + ":" + event + ":" + floorTso;
    }
}
