package io.millrace.server;

import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.LocalControlPlane;
import io.millrace.core.control.NodeInfo;
import io.millrace.core.control.Sinks;
import io.millrace.core.control.Upstreams;
import io.millrace.core.control.Vault;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.identity.AuditTrail;
import io.millrace.core.identity.Identities;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.UpstreamFactory;
import io.millrace.dialects.ticdc.TiCdcDialect;
import io.millrace.dialects.ticdc.TiCdcDrafts;
import io.millrace.dialects.ticdc.TiCdcSettings;
import io.millrace.dialects.tiunimanager.TiUniManagerDialect;
import io.millrace.metastore.DirectoryLock;
import io.millrace.metastore.SqliteMetaStore;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A whole server in one object: opened part by part, in an order in which each part finds what it
 * needs, and closed in the reverse order. The listener answers 503 until the rest is ready.
 */
final class MillraceNode implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MillraceNode.class);

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final ServerConfig config;
    private final HttpListener listener;
    private final MetricsPage metrics;
    private final Optional<ConnectPart> connect;
    private final JobsPage jobs;
    private final Optional<HttpListener> tiUniManager;
    private final Optional<String> initialPassword;
    private volatile Optional<LocalControlPlane> control = Optional.empty();

    private MillraceNode(
            ServerConfig config,
            List<UpstreamFactory> sources,
            List<SinkFactory> targets,
            Clock jobClock,
            Consumer<String> onFatal,
            Consumer<String> onFirstPassword) {
        this.config = config;
        try {
            DirectoryLock lock = own(DirectoryLock.take(config.dataDir()));
            // It takes longest, and starts beside all that follows.
            this.connect =
                    config.connect().map(settings -> own(new ConnectPart(settings, onFatal)));
            this.metrics = own(new MetricsPage(Clock.systemUTC(), this::plane));
            SqliteMetaStore store = own(SqliteMetaStore.open(lock));
            this.jobs =
                    own(
                            new JobsPage(
                                    Clock.systemUTC(),
                                    this::plane,
                                    connect,
                                    config.retryingWord()));
            Vault vault = Vault.open(config.dataDir().resolve("secret.key"));
            this.listener =
                    own(
                            HttpListener.open(
                                    config,
                                    config.listen(),
                                    this::install,
                                    TiCdcDialect::errorBody));
            Identities identities = new Identities(store, vault, new Argon2Hasher(), jobClock);
            this.tiUniManager =
                    config.tiUniManager().map(at -> openTiUniManager(at, identities, jobClock));
            Upstreams upstreams = own(new Upstreams(store, vault, sources, config.upstreams()));
            LocalControlPlane plane =
                    own(
                            new LocalControlPlane(
                                    store,
                                    vault,
                                    self(),
                                    upstreams,
                                    new Sinks(targets),
                                    config.retryInterval(),
                                    jobClock));
            plane.start();
            // Told at once: nobody could log in if what follows failed.
            this.initialPassword =
                    tiUniManager.isPresent() ? identities.createFirstAdmin() : Optional.empty();
            initialPassword.ifPresent(onFirstPassword);
            this.control = Optional.of(plane);
        } catch (RuntimeException e) {
            closeParts();
            throw e;
        }
    }

    /**
     * Opens everything and starts the jobs that were active.
     *
     * @throws MillraceException when a part cannot be opened; what was opened is closed again
     */
    static MillraceNode start(
            ServerConfig config, List<UpstreamFactory> sources, List<SinkFactory> targets) {
        return start(config, sources, targets, Clock.systemUTC());
    }

    /**
     * @param jobClock what retries of jobs, and the ages of tokens and passwords, go by
     */
    static MillraceNode start(
            ServerConfig config,
            List<UpstreamFactory> sources,
            List<SinkFactory> targets,
            Clock jobClock) {
        return start(
                config,
                sources,
                targets,
                jobClock,
                why -> LOG.error("{}", why),
                password -> LOG.info("an administrator was made"));
    }

    /**
     * @param onFatal told why when the process must end, because a part of it is beyond repair
     * @param onFirstPassword told the password of TiUniManager's first user, as soon as it is
     *     stored
     */
    static MillraceNode start(
            ServerConfig config,
            List<UpstreamFactory> sources,
            List<SinkFactory> targets,
            Clock jobClock,
            Consumer<String> onFatal,
            Consumer<String> onFirstPassword) {
        return new MillraceNode(config, sources, targets, jobClock, onFatal, onFirstPassword);
    }

    private HttpListener openTiUniManager(
            ServerConfig.Endpoint at, Identities identities, Clock clock) {
        AuditTrail audit = own(AuditTrail.open(config.dataDir()));
        TiUniManagerDialect dialect =
                new TiUniManagerDialect(
                        this::plane,
                        new TiCdcDrafts(ticdcSettings(), clock),
                        identities,
                        audit,
                        config.timeZone(),
                        clock);
        return own(HttpListener.open(config, at, dialect::install, TiUniManagerDialect::errorBody));
    }

    private <T extends AutoCloseable> T own(T part) {
        parts.push(part);
        return part;
    }

    /** Empty until all is ready. */
    private Optional<ControlPlane> plane() {
        return control.map(plane -> (ControlPlane) plane);
    }

    private NodeInfo self() {
        String address =
                config.advertiseAddress().orElse(config.listen().hostAndPort(listener.port()));
        return new NodeInfo(
                UUID.randomUUID().toString(),
                address,
                Version.CURRENT.version(),
                ProcessHandle.current().pid(),
                Clock.systemUTC().instant());
    }

    private TiCdcSettings ticdcSettings() {
        return new TiCdcSettings(
                Version.CURRENT.ofTiCdc(),
                Version.CURRENT.gitHash(),
                config.clusterId(),
                config.timeZone(),
                config.retryingWord(),
                config.shown());
    }

    private void install(JavalinConfig http) {
        Optional<TiCdcDialect.Authenticator> authenticator =
                config.login().map(MillraceNode::authenticator);
        new TiCdcDialect(this::plane, ticdcSettings(), new LogControl(), authenticator)
                .install(http);
        http.routes.get(
                "/metrics",
                request -> {
                    if (refused(request, authenticator)) {
                        return;
                    }
                    control.ifPresentOrElse(
                            plane ->
                                    request.contentType(MetricsPage.CONTENT_TYPE)
                                            .result(
                                                    metrics.text(plane)
                                                            + ConnectorMetrics.text(
                                                                    connect.map(
                                                                                    ConnectPart
                                                                                            ::connectors)
                                                                            .orElse(List.of()))),
                            () -> request.status(503));
                });
        http.routes.get(
                JobsPage.ROUTE,
                request -> {
                    if (refused(request, authenticator)) {
                        return;
                    }
                    request.contentType(JobsPage.CONTENT_TYPE);
                    if (control.isEmpty()) {
                        request.status(503).result(JobsPage.NOT_READY);
                        return;
                    }
                    request.result(jobs.json(control.get()));
                });
    }

    /** Answers 401 when a login is asked for and not given. */
    private static boolean refused(
            Context request, Optional<TiCdcDialect.Authenticator> authenticator) {
        var given = request.basicAuthCredentials();
        if (authenticator.isEmpty()
                || (given != null
                        && authenticator.get().accepts(given.getUsername(), given.getPassword()))) {
            return false;
        }
        request.header("WWW-Authenticate", "Basic realm=\"millrace\"").status(401);
        return true;
    }

    private static TiCdcDialect.Authenticator authenticator(ServerConfig.Login login) {
        return (user, password) -> same(user, login.user()) & same(password, login.password());
    }

    /** In a time that does not tell how much of the text was right. */
    private static boolean same(String given, String wanted) {
        return MessageDigest.isEqual(
                given.getBytes(StandardCharsets.UTF_8), wanted.getBytes(StandardCharsets.UTF_8));
    }

    /** {@code http://host:port}. */
    String url() {
        return scheme() + config.listen().hostAndPort(listener.port());
    }

    private String scheme() {
        return config.tls().isPresent() ? "https://" : "http://";
    }

    /** {@code http://host:port} of TiUniManager's API; empty when it is not served. */
    Optional<String> tiUniManagerUrl() {
        return tiUniManager.flatMap(
                open -> config.tiUniManager().map(at -> scheme() + at.hostAndPort(open.port())));
    }

    /**
     * What TiUniManager's first user, admin, logs in with: only at the first start, and kept
     * nowhere else.
     */
    Optional<String> initialPassword() {
        return initialPassword;
    }

    /**
     * Gives TiUniManager's user admin a new password, while no server uses the data directory.
     *
     * @return the password
     * @throws MillraceException INVALID_CONFIG when a server uses it, or none ever did
     */
    static String resetAdminPassword(ServerConfig config) {
        if (!SqliteMetaStore.isIn(config.dataDir())) {
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "there is no metadata store in "
                            + config.dataDir().toAbsolutePath()
                            + "; name the server's own --data-dir or --config");
        }
        try (SqliteMetaStore store = SqliteMetaStore.open(config.dataDir())) {
            Vault vault = Vault.open(config.dataDir().resolve("secret.key"));
            return new Identities(store, vault, new Argon2Hasher(), Clock.systemUTC())
                    .resetAdminPassword();
        }
    }

    /**
     * Where the Kafka Connect worker listens, or is about to, and which Kafka it uses; empty
     * without one. Waits for it when only it knows its ports.
     */
    Optional<String> connectText() {
        return connect.map(ConnectPart::text);
    }

    /** Tells the same once the worker serves requests; not at all without one. */
    void whenConnectIsReady(Consumer<String> told) {
        connect.ifPresent(part -> part.whenReady(() -> told.accept(part.text())));
    }

    /** Stops all jobs in order, keeping their state, and closes everything. */
    @Override
    public void close() {
        control.ifPresent(LocalControlPlane::announceStop);
        closeParts();
        LOG.info("server stopped");
    }

    private void closeParts() {
        while (!parts.isEmpty()) {
            AutoCloseable part = parts.pop();
            try {
                part.close();
            } catch (Exception e) {
                LOG.warn("closing failed part={}", part.getClass().getSimpleName(), e);
            }
        }
    }
}
