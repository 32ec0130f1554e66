package io.millrace.testkit.history;

import io.millrace.core.spi.SchemaHistory;
import java.util.ArrayList;
import java.util.List;

/** A schema history that ends with the process. Thread-safe. */
public final class MemoryHistory implements SchemaHistory {
    private final List<Entry> entries = new ArrayList<>();
    private long lastId;

    /** One that holds what this one holds now. */
    public synchronized MemoryHistory copy() {
        MemoryHistory copy = new MemoryHistory();
        copy.entries.addAll(entries);
        copy.lastId = lastId;
        return copy;
    }

    @Override
    public synchronized List<Entry> load() {
        return List.copyOf(entries);
    }

    @Override
    public synchronized void append(List<Entry> more) {
        entries.addAll(more);
    }

    @Override
    public synchronized void compact(long tso, List<Entry> snapshot) {
        entries.removeIf(e -> e.tso() <= tso);
        entries.addAll(0, snapshot);
    }

    @Override
    public synchronized long newTableId() {
        return ++lastId;
    }
}
