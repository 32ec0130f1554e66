package io.millrace.mysql.schema;

import io.millrace.core.spi.SchemaHistory;
import java.util.ArrayList;
import java.util.List;

/** A history that a test can look into. */
final class MemoryHistory implements SchemaHistory {
    private final List<Entry> entries = new ArrayList<>();
    private long lastId;

    @Override
    public List<Entry> load() {
        return List.copyOf(entries);
    }

    @Override
    public void append(List<Entry> more) {
        entries.addAll(more);
    }

    @Override
    public void compact(long tso, List<Entry> snapshot) {
        entries.removeIf(e -> e.tso() <= tso);
        entries.addAll(0, snapshot);
    }

    @Override
    public long newTableId() {
        return ++lastId;
    }
}
