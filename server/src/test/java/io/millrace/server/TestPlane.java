package io.millrace.server;

import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.JobDrafts;
import io.millrace.core.control.LocalControlPlane;
import io.millrace.core.control.NodeInfo;
import io.millrace.core.control.Sinks;
import io.millrace.core.control.Upstreams;
import io.millrace.core.control.Vault;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.dialects.ticdc.TiCdcDialect;
import io.millrace.dialects.ticdc.TiCdcDrafts;
import io.millrace.dialects.ticdc.TiCdcSettings;
import io.millrace.metastore.SqliteMetaStore;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * A control plane on sources without rows and targets that swallow everything, with TiCDC's API on
 * a port of its own, for tests of another dialect on a second one. The upstream {@code default} is
 * {@code fake://}; {@code other://} is a second server that can be added.
 */
public final class TestPlane implements AutoCloseable {
    private final FakeUpstream first = new FakeUpstream();
    private final FakeUpstream second = new FakeUpstream("other", 4712, 0);
    private final FakeTargets targets = new FakeTargets();
    private final SqliteMetaStore store;
    private final Upstreams upstreams;
    private final LocalControlPlane plane;
    private final List<Javalin> listeners = new ArrayList<>();
    private final TiCdcSettings settings =
            new TiCdcSettings("v8.5.0-test", "None", "default", ZoneOffset.UTC, "error", Map.of());
    private final String cdcUrl;

    private TestPlane(Path folder) {
        store = SqliteMetaStore.open(folder);
        Vault vault = Vault.open(folder.resolve("secret.key"));
        upstreams =
                new Upstreams(
                        store,
                        vault,
                        List.of(first, second),
                        Map.of("default", URI.create("fake://u:hidden0@h:1/")));
        plane =
                new LocalControlPlane(
                        store,
                        vault,
                        new NodeInfo("node", "127.0.0.1:8300", "1", 1, Clock.systemUTC().instant()),
                        upstreams,
                        new Sinks(List.of(targets)),
                        Duration.ofMillis(50),
                        Clock.systemUTC());
        plane.start();
        cdcUrl =
                serve(config ->
                        new TiCdcDialect(
                                        () -> Optional.of(plane),
                                        settings,
                                        level -> {},
                                        Optional.empty())
                                .install(config));
    }

    public static TestPlane open(Path folder) {
        return new TestPlane(folder);
    }

    /** Serves a dialect on a free port; answers its address. */
    public String serve(Consumer<JavalinConfig> dialect) {
        Javalin javalin =
                Javalin.create(config -> {
                    config.startup.showJavalinBanner = false;
                    config.startup.showOldJavalinVersionWarning = false;
                    config.concurrency.useVirtualThreads = true;
                    config.jetty.modifyHttpConfiguration(
                            http -> http.setHeaderCacheCaseSensitive(true));
                    dialect.accept(config);
                });
        javalin.start("127.0.0.1", 0);
        listeners.add(javalin);
        return "http://127.0.0.1:" + javalin.port();
    }

    public ControlPlane control() {
        return plane;
    }

    public JobDrafts drafts() {
        return new TiCdcDrafts(settings, Clock.systemUTC());
    }

    /** Address of TiCDC's API. */
    public String cdcUrl() {
        return cdcUrl;
    }

    /** From now on captures of the first upstream end with an error. */
    public void failCaptures(String why) {
        first.captureError = Optional.of(new MillraceException(ErrorCode.UPSTREAM_CORRUPT, why));
    }

    public void mendCaptures() {
        first.captureError = Optional.empty();
    }

    /** Captures of the first upstream say nothing at all, or go on. */
    public void silence(boolean silent) {
        first.silent = silent;
    }

    public void reachable(boolean reachable) {
        first.reachable = reachable;
    }

    /** From now on sinks can't be opened; empty when they can. */
    public void refuseSinks(String why) {
        targets.refusal = why;
    }

    /** The number of the server behind all sinks. */
    public void sinkCluster(long id) {
        targets.clusterId = id;
    }

    /** Sinks close when the answer is counted down. */
    public CountDownLatch holdClosing() {
        CountDownLatch mayClose = new CountDownLatch(1);
        targets.mayClose = mayClose;
        return mayClose;
    }

    /** Lets sinks close again, also those that wait. */
    public void closeFreely() {
        targets.mayClose.countDown();
    }

    /** The address of the sink that was opened last. */
    public String openedUri() {
        var opened = targets.opened;
        return opened == null ? "" : opened.uri().toString();
    }

    public Map<String, String> openedOptions() {
        var opened = targets.opened;
        return opened == null ? Map.of() : opened.options();
    }

    public String openedDispatchers() {
        var opened = targets.opened;
        return opened == null ? "" : opened.dispatchers().toString();
    }

    @Override
    public void close() {
        listeners.forEach(Javalin::stop);
        plane.close();
        upstreams.close();
        store.close();
    }
}
