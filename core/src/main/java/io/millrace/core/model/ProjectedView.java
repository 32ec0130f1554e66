package io.millrace.core.model;

import io.millrace.core.bytes.ByteSink;

/**
 * Some columns of another view, under ordinals of their own. It stands where that view stands, and
 * moves it.
 */
final class ProjectedView extends RowView {
    private final RowView all;
    private final int[] ordinals;

    /**
     * @param ordinals of this view's columns in the other one
     */
    ProjectedView(RowView all, int[] ordinals) {
        this.all = all;
        this.ordinals = ordinals;
    }

    @Override
    public boolean next() {
        return all.next();
    }

    @Override
    public void rewind() {
        all.rewind();
    }

    @Override
    public int index() {
        return all.index();
    }

    @Override
    public boolean isPresent(int image, int column) {
        return all.isPresent(image, ordinals[column]);
    }

    @Override
    public boolean isNull(int image, int column) {
        return all.isNull(image, ordinals[column]);
    }

    @Override
    public long longValue(int image, int column) {
        return all.longValue(image, ordinals[column]);
    }

    @Override
    public double doubleValue(int image, int column) {
        return all.doubleValue(image, ordinals[column]);
    }

    @Override
    public void appendText(int image, int column, ByteSink out) {
        all.appendText(image, ordinals[column], out);
    }

    @Override
    public void appendBytes(int image, int column, ByteSink out) {
        all.appendBytes(image, ordinals[column], out);
    }

    @Override
    public boolean isUtf8(int column) {
        return all.isUtf8(ordinals[column]);
    }

    @Override
    public byte[] array() {
        return all.array();
    }

    @Override
    public int offset(int image, int column) {
        return all.offset(image, ordinals[column]);
    }

    @Override
    public int length(int image, int column) {
        return all.length(image, ordinals[column]);
    }

    @Override
    public boolean isUnchanged(int column) {
        return all.isUnchanged(ordinals[column]);
    }

    @Override
    public long hash(int image, int column) {
        return all.hash(image, ordinals[column]);
    }
}
