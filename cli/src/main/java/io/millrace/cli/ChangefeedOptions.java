package io.millrace.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Options that {@code millrace changefeed} and {@code cdc cli changefeed} have in common, and the
 * parts of a request that they become.
 */
final class ChangefeedOptions {
    static final String ROUTE = "/api/v2/changefeeds";

    private ChangefeedOptions() {}

    /** {@code -n}. */
    static final class Namespace {
        @Option(
                names = {"-n", "--namespace"},
                paramLabel = "NAME",
                description = "Namespace. Default: ${DEFAULT-VALUE}",
                defaultValue = "default")
        private String name = "";

        String name() {
            return name;
        }

        String query() {
            return "?namespace=" + ApiClient.segment(name);
        }

        /** The path of the changefeeds in a state. */
        String feeds(String state) {
            return ROUTE + query() + "&state=" + ApiClient.segment(state);
        }
    }

    /** {@code -c} and {@code -n}: one changefeed. */
    static final class Feed {
        @Option(
                names = {"-c", "--changefeed-id"},
                paramLabel = "ID",
                required = true,
                description = "The changefeed.")
        private String id = "";

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Namespace namespace;

        String id() {
            return id;
        }

        Namespace namespace() {
            return namespace;
        }

        String path(String suffix) {
            return ROUTE + "/" + ApiClient.segment(id) + suffix + namespace.query();
        }
    }

    /** What makes a new changefeed. */
    static final class NewFeed {
        @Option(
                names = {"-c", "--changefeed-id"},
                paramLabel = "ID",
                description = "Letters, digits and inner hyphens. Default: a random UUID.")
        private @Nullable String id;

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Namespace namespace;

        @Option(
                names = "--sink-uri",
                paramLabel = "URI",
                required = true,
                description = "Where to deliver.")
        private String sinkUri = "";

        @Option(
                names = "--start-ts",
                paramLabel = "TSO",
                description = "Start after this TSO. Default: now.")
        private BigInteger startTs = BigInteger.ZERO;

        @Option(
                names = "--target-ts",
                paramLabel = "TSO",
                description = "Finish at this TSO. Default: never.")
        private BigInteger targetTs = BigInteger.ZERO;

        @Option(
                names = "--upstream",
                paramLabel = "NAME",
                description = "One of the server's upstreams. Default: the server's default.")
        private @Nullable String upstream;

        String sinkUri() {
            return sinkUri;
        }

        /** Zero for now. */
        BigInteger startTs() {
            return startTs;
        }

        @Nullable String upstream() {
            return upstream;
        }

        /**
         * The body of the request to create it.
         *
         * @param start zero leaves it to the server, which starts now
         * @param replicaConfig left out when it is empty
         */
        ObjectNode body(BigInteger start, ObjectNode replicaConfig) {
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            if (id != null) {
                body.put("changefeed_id", id);
            }
            body.put("namespace", namespace.name());
            body.put("sink_uri", sinkUri);
            if (upstream != null) {
                body.put("upstream", upstream);
            }
            if (start.signum() != 0) {
                body.put("start_ts", start);
            }
            if (targetTs.signum() != 0) {
                body.put("target_ts", targetTs);
            }
            if (!replicaConfig.isEmpty()) {
                body.set("replica_config", replicaConfig);
            }
            return body;
        }
    }

    /** What a changefeed's update may change beside its configuration. */
    static final class Changes {
        @Option(names = "--sink-uri", paramLabel = "URI", description = "New sink URI.")
        private @Nullable String sinkUri;

        @Option(names = "--target-ts", paramLabel = "TSO", description = "New target TSO.")
        private @Nullable BigInteger targetTs;

        @Nullable String sinkUri() {
            return sinkUri;
        }

        @Nullable BigInteger targetTs() {
            return targetTs;
        }

        /** The body of the request, without a configuration. */
        ObjectNode body() {
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            if (sinkUri != null) {
                body.put("sink_uri", sinkUri);
            }
            if (targetTs != null) {
                body.put("target_ts", targetTs);
            }
            return body;
        }
    }

    /** {@code --config}. */
    static final class ConfigFile {
        @Option(
                names = "--config",
                paramLabel = "FILE",
                description =
                        "TOML file with TiCDC's keys; a .json file holds a replica_config object.")
        private @Nullable Path file;

        boolean given() {
            return file != null;
        }

        /** The replica_config, empty when no file was given. */
        ObjectNode replicaConfig() {
            return file == null ? JsonNodeFactory.instance.objectNode() : ChangefeedFile.read(file);
        }
    }
}
