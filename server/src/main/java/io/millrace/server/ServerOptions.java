package io.millrace.server;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that every command which runs a server has, as settings. */
final class ServerOptions {
    @Option(
            names = "--addr",
            paramLabel = "HOST:PORT",
            description = "Where the API listens. Default: " + ServerConfig.DEFAULT_ADDR)
    private @Nullable String addr;

    @Option(
            names = "--advertise-addr",
            paramLabel = "HOST:PORT",
            description = "How others reach this node. Default: the address listened on")
    private @Nullable String advertiseAddr;

    @Option(
            names = "--upstream",
            paramLabel = "URI",
            description = "Default upstream, mysql://user:pass@host:port")
    private @Nullable String upstream;

    @Option(
            names = "--data-dir",
            paramLabel = "DIR",
            description = "Metadata and key file. Default: ./millrace-data")
    private @Nullable String dataDir;

    @Option(
            names = "--log-level",
            paramLabel = "LEVEL",
            description = "debug, info, warn, error or fatal. Default: info")
    private @Nullable String logLevel;

    @Option(
            names = "--cluster-id",
            paramLabel = "ID",
            description = "Shown by status. Default: default")
    private @Nullable String clusterId;

    /** Puts the options that are given in place of what a file says. */
    Settings over(Settings settings) {
        return settings.set("addr", addr)
                .set("advertise-addr", advertiseAddr)
                .set("upstream", upstream)
                .set("data-dir", dataDir)
                .set("log-level", logLevel)
                .set("cluster-id", clusterId);
    }
}
