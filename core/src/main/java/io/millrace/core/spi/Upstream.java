package io.millrace.core.spi;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import java.util.List;
import java.util.Optional;

/**
 * A named source database: what a control plane asks it, and captures on it. Methods block; they
 * throw MillraceException.
 */
public interface Upstream extends AutoCloseable {
    /**
     * A number that tells this database server apart from others (from its server UUID or id),
     * never 0.
     */
    long clusterId();

    /** The upstream's current TSO, from its clock. */
    long currentTso();

    /**
     * The oldest TSO from which changes are still held, inclusive; the meaning of a GC safepoint
     * here.
     */
    long oldestTso();

    /**
     * The present end of the change stream. What lies behind it was committed after this call
     * began, whatever its own time says; a job that is made now has to deliver it. Empty where
     * times alone tell that.
     */
    default Optional<SourcePosition> streamEnd() {
        return Optional.empty();
    }

    /**
     * Current definitions of the tables that pass the filter; system schemas never do. Table ids
     * are not meaningful here.
     */
    List<TableSchema> tables(TableFilter filter);

    /** A capture; nothing is read until it runs. */
    Capture openCapture(CaptureRequest request);

    /** Reads back {@link SourcePosition#encode}. */
    SourcePosition decodePosition(String encoded);

    /** Checks connection, rights and settings; throws with what to do if something is missing. */
    void check();

    @Override
    void close();
}
