package io.millrace.core.spi;

import java.util.List;

/**
 * A job's durable record of table versions. A capture appends a version before it emits the first
 * row that uses it, so that a restart never needs to parse old DDL again. Entries are the source's
 * own text; the store does not look inside.
 */
public interface SchemaHistory {
    /**
     * One entry.
     *
     * @param tso from which TSO on it holds
     * @param document the source's own serialised form
     */
    record Entry(long tso, String document) {}

    /** All entries, oldest first. */
    List<Entry> load();

    /** Appends durably; returns when it is safe. */
    void append(List<Entry> entries);

    /**
     * Replaces all entries at or below {@code tso} by {@code snapshot}, to keep the history short.
     */
    void compact(long tso, List<Entry> snapshot);

    /** A new table id, unique for ever within the upstream. */
    long newTableId();
}
