package io.millrace.core.control;

import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.SinkSpec.ColumnSelector;
import io.millrace.core.spi.SinkSpec.DispatchRule;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * What a user asked for, in words that belong to no product. Holds secrets (in {@code sinkUri},
 * {@code sinkOptions} and {@code document}): never log it; it is stored encrypted.
 *
 * @param upstream name of the upstream
 * @param upstreamId the upstream's cluster id when the job was made; a different server behind the
 *     same name stops the job
 * @param sinkUri as given
 * @param sinkOptions see {@link SinkSpec#options}
 * @param dispatchers see {@link SinkSpec#dispatchers}
 * @param columnSelectors see {@link SinkSpec#columnSelectors}
 * @param caseSensitive whether filter rules and matchers compare names exactly
 * @param forceReplicate tables without a usable key are replicated too
 * @param ignoreIneligible such tables are skipped instead of refusing the job
 * @param startTso changes at or below it are not replicated
 * @param targetTso the job finishes when everything up to it is delivered; 0 means never
 * @param memoryQuota bytes of changes held between capture and sink
 * @param stuckAfter a retry episode longer than this fails the job
 * @param timeZone IANA name or offset that TIMESTAMP texts are in
 * @param dialect which API made it
 * @param document the dialect's own configuration document, kept to answer with exactly what was
 *     asked
 * @param createTime when it was made
 * @param creatorVersion version of the program that made it
 * @param labels what a dialect wants to find again and the engine does not read; keys begin with
 *     the dialect's name
 */
public record JobSpec(
        JobId id,
        String upstream,
        long upstreamId,
        String sinkUri,
        Map<String, String> sinkOptions,
        List<DispatchRule> dispatchers,
        List<ColumnSelector> columnSelectors,
        boolean caseSensitive,
        boolean forceReplicate,
        boolean ignoreIneligible,
        FilterSpec filter,
        long startTso,
        long targetTso,
        long memoryQuota,
        Duration stuckAfter,
        String timeZone,
        String dialect,
        String document,
        Instant createTime,
        String creatorVersion,
        Map<String, String> labels) {
    public JobSpec {
        sinkOptions = Map.copyOf(sinkOptions);
        dispatchers = List.copyOf(dispatchers);
        columnSelectors = List.copyOf(columnSelectors);
        labels = Map.copyOf(labels);
    }

    /**
     * The sink's part.
     *
     * @throws io.millrace.core.error.MillraceException SINK_URI_INVALID
     */
    public SinkSpec sinkSpec() {
        URI uri = SinkSpec.parseUri(sinkUri);
        return new SinkSpec(
                uri,
                sinkOptions,
                dispatchers,
                columnSelectors,
                caseSensitive,
                forceReplicate,
                timeZone);
    }

    /** The same job from another start. */
    public JobSpec withStart(long tso) {
        return new JobSpec(
                id,
                upstream,
                upstreamId,
                sinkUri,
                sinkOptions,
                dispatchers,
                columnSelectors,
                caseSensitive,
                forceReplicate,
                ignoreIneligible,
                filter,
                tso,
                targetTso,
                memoryQuota,
                stuckAfter,
                timeZone,
                dialect,
                document,
                createTime,
                creatorVersion,
                labels);
    }

    /** The same job with other labels. */
    public JobSpec withLabels(Map<String, String> other) {
        return new JobSpec(
                id,
                upstream,
                upstreamId,
                sinkUri,
                sinkOptions,
                dispatchers,
                columnSelectors,
                caseSensitive,
                forceReplicate,
                ignoreIneligible,
                filter,
                startTso,
                targetTso,
                memoryQuota,
                stuckAfter,
                timeZone,
                dialect,
                document,
                createTime,
                creatorVersion,
                other);
    }

    /** Without the parts that hold secrets. */
    @Override
    public String toString() {
        return "JobSpec[" + id + " " + Secrets.maskUri(sinkUri) + "]";
    }
}
