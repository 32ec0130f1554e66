package io.millrace.codec.text;

import io.millrace.core.model.TableSchema;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What an encoder makes of a table version once and uses for all of its rows. Keeps a bounded
 * number of them; when they are that many, all are dropped and made anew as they are needed.
 *
 * <p>Belongs to one thread. Looking up the table version of the batch before, which is most often
 * that of the next one, compares a reference; {@link #current} reads a field.
 *
 * @param <T> the program of a table version
 */
public final class TableCache<T> {
    /** Table versions kept where a program is small. */
    public static final int MAX_TABLES = 1 << 15;

    private final int capacity;
    private final Function<TableSchema, T> maker;
    private final Map<TableSchema, T> made = new HashMap<>();
    private @Nullable TableSchema schema;
    private @Nullable T current;

    /** Keeps up to {@link #MAX_TABLES}. */
    public TableCache(Function<TableSchema, T> maker) {
        this(MAX_TABLES, maker);
    }

    /**
     * @param capacity table versions kept, at least 1
     * @param maker is asked when a table version is seen first, and again after it was dropped
     */
    public TableCache(int capacity, Function<TableSchema, T> maker) {
        this.capacity = capacity;
        this.maker = maker;
    }

    /** Makes a table version the current one. */
    public T select(TableSchema next) {
        T selected = current;
        if (selected != null && schema == next) {
            return selected;
        }
        selected = made.get(next);
        if (selected == null) {
            return renew(next);
        }
        schema = next;
        current = selected;
        return selected;
    }

    /** The program of a table version, if it is there; the current one stays. */
    public @Nullable T known(TableSchema version) {
        return made.get(version);
    }

    /** Makes a table version the current one and its program anew, even if there is one. */
    public T renew(TableSchema next) {
        if (made.size() >= capacity) {
            made.clear();
        }
        T fresh = maker.apply(next);
        made.put(next, fresh);
        schema = next;
        current = fresh;
        return fresh;
    }

    /** Drops all, so that they are made anew. */
    public void clear() {
        made.clear();
        schema = null;
        current = null;
    }

    /** The program of the table version selected last. */
    public T current() {
        T selected = current;
        if (selected == null) {
            throw new IllegalStateException("append before begin");
        }
        return selected;
    }
}
