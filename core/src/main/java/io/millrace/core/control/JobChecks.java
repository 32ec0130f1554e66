package io.millrace.core.control;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.EventFilters;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.expression.RowExpression;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.ColumnSelection;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Checks that a job could work: they ask the upstream and really open the sink, so they run on the
 * caller's thread, not on the controller's. They change nothing.
 */
public final class JobChecks {
    /** Tables named in an error before it says how many more there are. */
    private static final int MAX_NAMED_TABLES = 20;

    private final Upstreams upstreams;
    private final Sinks sinks;

    public JobChecks(Upstreams upstreams, Sinks sinks) {
        this.upstreams = upstreams;
        this.sinks = sinks;
    }

    /**
     * Where a job would start.
     *
     * @param startTso the start to use: the given one, or the upstream's current TSO
     * @param upstreamId the upstream's cluster id
     * @param streamEnd the end of the upstream's stream, looked up after its clock
     */
    public record StartPoint(long startTso, long upstreamId, Optional<SourcePosition> streamEnd) {}

    /** The upstreams that jobs may name. */
    public Upstreams upstreams() {
        return upstreams;
    }

    /**
     * Checks start and target, in this order: the upstream answers, start not after now
     * (START_AFTER_NOW), changes still held (START_BEFORE_OLDEST), target after start
     * (TARGET_BEFORE_START).
     *
     * @param startTso 0 for now
     * @param targetTso 0 for never
     */
    public StartPoint start(String upstream, long startTso, long targetTso) {
        Upstream source = upstreams.get(upstream);
        long now = source.currentTso();
        long start = startTso == 0 ? now : startTso;
        if (Long.compareUnsigned(start, now) > 0) {
            throw new MillraceException(
                    ErrorCode.START_AFTER_NOW,
                    "invalid start-ts "
                            + Long.toUnsignedString(start)
                            + ", larger than current tso "
                            + Long.toUnsignedString(now));
        }
        if (startTso != 0) {
            held(source, start);
        }
        if (targetTso != 0 && Long.compareUnsigned(targetTso, start) <= 0) {
            throw new MillraceException(
                    ErrorCode.TARGET_BEFORE_START,
                    "fail to create changefeed because target-ts "
                            + Long.toUnsignedString(targetTso)
                            + " is earlier than start-ts "
                            + Long.toUnsignedString(start));
        }
        return new StartPoint(start, source.clusterId(), source.streamEnd());
    }

    /**
     * Checks that a job can go on from a TSO: not after now (INVALID_PARAMETER), still held
     * (START_BEFORE_OLDEST).
     *
     * @return the end of the upstream's stream, looked up after its clock
     */
    public Optional<SourcePosition> resumable(String upstream, long tso, boolean overwritten) {
        Upstream source = upstreams.get(upstream);
        if (overwritten) {
            long now = source.currentTso();
            if (Long.compareUnsigned(tso, now) > 0) {
                throw new MillraceException(
                        ErrorCode.START_AFTER_NOW,
                        "invalid overwrite_checkpoint_ts "
                                + Long.toUnsignedString(tso)
                                + ", larger than current tso "
                                + Long.toUnsignedString(now));
            }
        }
        held(source, tso);
        return source.streamEnd();
    }

    /** Checks that the upstream still holds what comes after a TSO: START_BEFORE_OLDEST. */
    void held(String upstream, long tso) {
        held(upstreams.get(upstream), tso);
    }

    private static void held(Upstream source, long tso) {
        long oldest = source.oldestTso();
        if (Long.compareUnsigned(tso, oldest) < 0) {
            throw new MillraceException(
                    ErrorCode.START_BEFORE_OLDEST,
                    "fail to create or maintain changefeed because start-ts "
                            + Long.toUnsignedString(tso)
                            + " is earlier than or equal to GC safepoint at "
                            + Long.toUnsignedString(oldest - 1));
        }
    }

    /**
     * Checks a whole spec, in this order: sink options, filter rules, event filters, dispatch rules
     * and column selectors against the tables, tables with a usable key (unless the spec allows
     * others), sink and upstream are not the same cluster, the sink really opens.
     */
    public void job(JobSpec spec) {
        job(spec, () -> {});
    }

    /**
     * @param beforeSink a check of the caller's own, made when the tables have been looked at
     */
    public void job(JobSpec spec, Runnable beforeSink) {
        SinkSpec sink = spec.sinkSpec();
        SinkFactory factory = sinks.of(sink);
        factory.validate(sink);
        TableFilter filter = spec.filter().compile(spec.caseSensitive());
        EventFilters events = spec.filter().compileEvents();
        ColumnSelection columns = ColumnSelection.of(sink);
        Upstream source = upstreams.get(spec.upstream());
        List<TableSchema> tables = source.tables(filter);
        List<TableSchema> replicated =
                tables.stream()
                        .filter(table -> spec.forceReplicate() || table.hasHandleKey())
                        .toList();
        RowExpression.Zones zones = new RowExpression.Zones(ZoneOffset.UTC, ZoneOffset.UTC);
        replicated.forEach(table -> events.of(table, zones));
        factory.validateTables(sink, replicated);
        replicated.forEach(columns::of);
        if (!spec.forceReplicate() && !spec.ignoreIneligible()) {
            eligible(tables);
        }
        beforeSink.run();
        // Before the sink really opens, because that may leave its tables in the target.
        differentClusters(spec);
        factory.testOpen(sink);
    }

    private static void eligible(List<TableSchema> tables) {
        List<String> ineligible = new ArrayList<>();
        for (TableSchema table : tables) {
            if (!table.hasHandleKey()) {
                ineligible.add(table.name().toString());
            }
        }
        if (!ineligible.isEmpty()) {
            int more = ineligible.size() - MAX_NAMED_TABLES;
            String names =
                    String.join(
                            ", ",
                            ineligible.subList(0, Math.min(MAX_NAMED_TABLES, ineligible.size())));
            throw new MillraceException(
                    ErrorCode.TABLE_INELIGIBLE,
                    "some tables are not eligible to replicate, they have neither a primary key nor"
                            + " a unique key of NOT NULL columns: ["
                            + names
                            + (more > 0 ? ", and " + more + " more" : "")
                            + "]; give them a key, or set force_replicate or"
                            + " ignore_ineligible_table");
        }
    }

    /** Whether a job's sink is the server of another upstream; that one has to answer. */
    public boolean deliversTo(JobSpec spec, String upstream) {
        SinkSpec sink = spec.sinkSpec();
        return sinks.of(sink).clusterId(sink) == upstreams.get(upstream).clusterId();
    }

    /** Refuses a job that would write into its own upstream: SAME_UPSTREAM_DOWNSTREAM. */
    public void differentClusters(JobSpec spec) {
        SinkSpec sink = spec.sinkSpec();
        long target = sinks.of(sink).clusterId(sink);
        if (target != 0 && target == upstreams.get(spec.upstream()).clusterId()) {
            throw new MillraceException(
                    ErrorCode.SAME_UPSTREAM_DOWNSTREAM,
                    "changefeed "
                            + spec.id()
                            + ": the sink is the upstream itself; a changefeed cannot write into"
                            + " the server it reads from");
        }
    }
}
