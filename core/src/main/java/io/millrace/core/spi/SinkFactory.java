package io.millrace.core.spi;

import io.millrace.core.model.TableSchema;
import java.util.List;
import java.util.Set;

/** Makes sinks of the URI schemes it knows. Stateless. */
public interface SinkFactory {
    /** Lower-case URI schemes. */
    Set<String> schemes();

    /** Checks URI and options without connecting; throws a USER error that names the option. */
    void validate(SinkSpec spec);

    /**
     * As {@link #validate}, then really connects and checks that the target can be used; changes
     * nothing that matters.
     */
    void testOpen(SinkSpec spec);

    /**
     * Checks what depends on the tables that will be replicated, such as an index that a dispatch
     * rule names; throws a USER error that names the table. Without connecting.
     */
    default void validateTables(SinkSpec spec, List<TableSchema> tables) {}

    /** Opens for work. */
    Sink open(SinkSpec spec, SinkContext context);

    /**
     * Forgets what the sink keeps about a job in the target (progress rows). Called when the job is
     * removed (best effort), and before the first run of a new job and of one whose checkpoint a
     * user has overwritten: then it must have happened, or the run is not started.
     */
    default void forget(SinkSpec spec, String jobId) {}

    /**
     * Stops believing that rows are in the target because the sink's progress says so: tables have
     * joined the job, and what was written so far says nothing of them. The next run gets rows
     * again that it may have written before. Unlike after {@link #forget}, the job's life goes on:
     * a DDL that was begun or done is not run a second time, and older runs stay fenced. Called
     * before the next run, which is not started if this fails; may be called more than once.
     */
    default void distrustProgress(SinkSpec spec, String jobId) {}

    /**
     * The zone in which the sink's rows show TIMESTAMP values. A sink that hands the texts to a
     * database, or needs the instants, wants one without changes of clock, where no hour comes
     * twice.
     *
     * @param jobZone IANA name or offset that the job was made with
     */
    default String timestampZone(SinkSpec spec, String jobZone) {
        return jobZone;
    }

    /**
     * A stable number of the database behind the URI if it is one that could be the upstream
     * itself, else 0.
     */
    default long clusterId(SinkSpec spec) {
        return 0;
    }
}
