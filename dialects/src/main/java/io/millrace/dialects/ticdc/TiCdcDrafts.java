package io.millrace.dialects.ticdc;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.control.JobChecks;
import io.millrace.core.control.JobDrafts;
import io.millrace.core.control.JobSpec;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.SinkSpec.DispatchRule;
import java.net.URI;
import java.time.Clock;
import java.util.List;

/**
 * Jobs of other dialects with the configuration document of a changefeed, so that TiCDC's clients
 * can read and change them like their own.
 */
public final class TiCdcDrafts implements JobDrafts {
    /** What the sink's address says, and nothing else may contradict. */
    private static final List<String> SAID_BY_KAFKA_URI =
            List.of(
                    "partition_num",
                    "replication_factor",
                    "kafka_version",
                    "max_message_bytes",
                    "kafka_client_id",
                    "enable_tls");

    private static final List<String> SAID_BY_MYSQL_URI = List.of("worker_count", "max_txn_row");

    private final TiCdcSettings settings;
    private final Clock clock;

    public TiCdcDrafts(TiCdcSettings settings, Clock clock) {
        this.settings = settings;
        this.clock = clock;
    }

    @Override
    public JobSpec fresh(Draft draft, JobChecks.StartPoint start) {
        URI uri = SinkSpec.parseUri(draft.sinkUri());
        ObjectNode config = ReplicaConfig.defaults();
        said(config);
        fill(config, draft, uri);
        return TiCdcApi.spec(
                draft.id(),
                draft.upstream(),
                start.upstreamId(),
                draft.sinkUri(),
                TiCdcApi.schemeOf(uri),
                config,
                start.startTso(),
                0,
                clock.instant(),
                settings.version(),
                settings.zone().getId(),
                draft.dialect(),
                draft.labels());
    }

    @Override
    public JobSpec changed(JobSpec old, Draft draft) {
        URI uri = SinkSpec.parseUri(draft.sinkUri());
        String scheme = TiCdcApi.schemeOf(uri);
        ObjectNode config = GoJson.readStored(old.document());
        // Settings of another kind of sink have no meaning, and secrets are for one address alone.
        if (family(scheme) != family(TiCdcApi.scheme(old.sinkUri())) || !draft.sameTarget()) {
            config.set("sink", ReplicaConfig.defaults().get("sink"));
        }
        if (!draft.sinkUri().equals(old.sinkUri())) {
            said(config);
        }
        fill(config, draft, uri);
        JobSpec changed =
                TiCdcApi.spec(
                        old.id(),
                        old.upstream(),
                        old.upstreamId(),
                        draft.sinkUri(),
                        scheme,
                        config,
                        old.startTso(),
                        old.targetTso(),
                        old.createTime(),
                        old.creatorVersion(),
                        old.timeZone(),
                        old.dialect(),
                        draft.labels());
        return TiCdcApi.asStored(changed, old);
    }

    private static int family(String scheme) {
        return ReplicaConfig.isDatabase(scheme) ? 1 : ReplicaConfig.isQueue(scheme) ? 2 : 3;
    }

    /** Leaves out what a new address says. */
    private static void said(ObjectNode config) {
        ObjectNode sink = config.withObjectProperty("sink");
        sink.remove("protocol");
        if (sink.get("kafka_config") instanceof ObjectNode kafka) {
            kafka.remove(SAID_BY_KAFKA_URI);
            if (kafka.get("codec_config") instanceof ObjectNode codec) {
                codec.remove("max_batch_size");
            }
        }
        if (sink.get("mysql_config") instanceof ObjectNode mysql) {
            mysql.remove(SAID_BY_MYSQL_URI);
        }
    }

    private static void fill(ObjectNode config, Draft draft, URI uri) {
        ArrayNode rules = config.withObjectProperty("filter").putArray("rules");
        draft.rules().forEach(rules::add);
        ObjectNode sink = config.withObjectProperty("sink");
        sink.remove("dispatchers");
        if (!draft.dispatchers().isEmpty()) {
            ArrayNode dispatchers = sink.putArray("dispatchers");
            draft.dispatchers().forEach(rule -> add(dispatchers.addObject(), rule));
        }
        ReplicaConfig.takeOver(config, uri);
        ReplicaConfig.validateAndAdjust(config, TiCdcApi.schemeOf(uri));
    }

    private static void add(ObjectNode out, DispatchRule rule) {
        ArrayNode matcher = out.putArray("matcher");
        rule.matcher().forEach(matcher::add);
        out.put("partition", rule.partition());
        if (!rule.index().isEmpty()) {
            out.put("index", rule.index());
        }
        if (!rule.columns().isEmpty()) {
            ArrayNode columns = out.putArray("columns");
            rule.columns().forEach(columns::add);
        }
        out.put("topic", rule.topic());
    }
}
