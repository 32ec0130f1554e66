package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** {@code cdc cli unsafe}: commands that are no part of daily work; hidden, as in TiCDC. */
@Command(
        name = "unsafe",
        hidden = true,
        mixinStandardHelpOptions = true,
        description = "Looks at or removes what the server keeps.",
        subcommands = {
            CdcUnsafe.Reset.class,
            CdcUnsafe.ShowMetadata.class,
            CdcUnsafe.DeleteSafepoint.class,
            CdcUnsafe.ResolveLock.class,
            CommandLine.HelpCommand.class
        })
final class CdcUnsafe extends CdcAction.Group {
    private static final String ROUTE = "/api/v2/unsafe/";

    @Option(names = "--no-confirm", scope = ScopeType.INHERIT, description = "Does not ask.")
    private boolean noConfirm;

    /** {@code unsafe reset}. */
    @Command(
            name = "reset",
            mixinStandardHelpOptions = true,
            description = "Removes all changefeeds of all namespaces, with their progress.")
    static final class Reset extends CdcAction {
        @CommandLine.ParentCommand
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private CdcUnsafe parent;

        @Override
        public Integer call() {
            ApiClient client = client();
            JsonNode all = client.get("/api/v1/changefeeds?state=all");
            if (!parent.noConfirm
                    && !prompt().agrees(
                                    "This removes all "
                                            + all.size()
                                            + " changefeed(s) with their progress. Continue? [Y/N]")) {
                out().println("Nothing is removed.");
                return DECLINED;
            }
            for (JsonNode feed : all) {
                client.delete(
                        ChangefeedOptions.ROUTE
                                + "/"
                                + ApiClient.segment(feed.path("id").asText())
                                + "?namespace="
                                + ApiClient.segment(feed.path("namespace").asText()));
            }
            out().println("Reset: " + all.size() + " changefeed(s) removed.");
            return 0;
        }
    }

    /** {@code unsafe show-metadata}. */
    @Command(
            name = "show-metadata",
            mixinStandardHelpOptions = true,
            description = "Prints what the server keeps, under TiCDC's key names.")
    static final class ShowMetadata extends CdcAction {
        @Override
        public Integer call() {
            JsonNode all = client().get(ROUTE + "metadata");
            for (JsonNode pair : all) {
                out().println(
                                "Key: "
                                        + pair.path("key").asText()
                                        + ", Value: "
                                        + pair.path("value").asText());
            }
            out().println("Show " + all.size() + " KVs");
            return 0;
        }
    }

    /** {@code unsafe delete-service-gc-safepoint}. */
    @Command(
            name = "delete-service-gc-safepoint",
            mixinStandardHelpOptions = true,
            description = "Asks the server to give up its GC safepoint; a MySQL upstream has none.")
    static final class DeleteSafepoint extends CdcAction {
        @CommandLine.ParentCommand
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private CdcUnsafe parent;

        @Override
        public Integer call() {
            if (!parent.noConfirm && !prompt().agrees("Give up the service GC safepoint? [Y/N]")) {
                out().println("Nothing is done.");
                return DECLINED;
            }
            client().delete(ROUTE + "service_gc_safepoint", object());
            out().println("The server holds no service GC safepoint.");
            return 0;
        }
    }

    /** {@code unsafe resolve-lock}. */
    @Command(
            name = "resolve-lock",
            mixinStandardHelpOptions = true,
            description = "Asks the server to resolve locks; a MySQL upstream has none to resolve.")
    static final class ResolveLock extends CdcAction {
        @Option(names = "--region", paramLabel = "ID", required = true, description = "Region.")
        private BigInteger region = BigInteger.ZERO;

        @Option(
                names = "--ts",
                paramLabel = "TSO",
                description = "Locks older than this. Default: now")
        private BigInteger ts = BigInteger.ZERO;

        @Override
        public Integer call() {
            ApiClient client = client();
            client.post(
                    ROUTE + "resolve_lock",
                    object().put("region_id", region)
                            .put("ts", ts.signum() == 0 ? now(client, null) : ts));
            out().println("The server has no locks to resolve.");
            return 0;
        }
    }
}
