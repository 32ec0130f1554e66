package io.millrace.connect.host.runtime;

import io.millrace.connect.host.ConnectSettings;
import io.millrace.connect.host.HostedConnector;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.connector.policy.ConnectorClientConfigOverridePolicy;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.json.JsonConverterConfig;
import org.apache.kafka.connect.runtime.Worker;
import org.apache.kafka.connect.runtime.WorkerConfig;
import org.apache.kafka.connect.runtime.distributed.DistributedConfig;
import org.apache.kafka.connect.runtime.isolation.PluginDesc;
import org.apache.kafka.connect.runtime.isolation.PluginUtils;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.runtime.rest.ConnectRestServer;
import org.apache.kafka.connect.runtime.rest.RestClient;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.KafkaConfigBackingStore;
import org.apache.kafka.connect.storage.KafkaOffsetBackingStore;
import org.apache.kafka.connect.storage.KafkaStatusBackingStore;
import org.apache.kafka.connect.util.ConnectUtils;
import org.apache.kafka.connect.util.SharedTopicAdmin;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.ContextHandler;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.ShutdownThread;

/**
 * A distributed worker put together by hand from Connect's own parts.
 *
 * <p>Connect's own starter would add shutdown hooks that run at the same time as ours and stop
 * parts in no order; here nobody stops anything but {@link #stopRest()} and {@link #stopHerder()}.
 */
public final class ConnectWorker {
    /** Requests that are under way get this long to end. */
    public static final Duration REST_STOP_LIMIT = Duration.ofSeconds(6);

    /** Connectors and tasks get this long to stop and to write their offsets. */
    public static final Duration STOP_LIMIT = Duration.ofSeconds(15);

    private static final Duration REQUESTS_END = Duration.ofSeconds(3);

    private final Plugins plugins;
    private final DistributedConfig config;
    private final RestClient restClient;
    private final ConnectRestServer rest;
    private final Server jetty;
    private final JettyErrors errors = new JettyErrors();
    private final HostState state;
    private final URI url;
    private final ConnectSettings.Watch watchSettings;
    private volatile Optional<HostHerder> herder = Optional.empty();
    private volatile Optional<ConnectorWatch> watch = Optional.empty();

    private ConnectWorker(Map<String, String> properties, ConnectSettings settings) {
        plugins = PluginLoaders.plugins(properties);
        watchSettings = settings.watch();
        // Settings name classes that only plug-ins hold.
        config = inPlugins(() -> new DistributedConfig(properties));
        restClient = new RestClient(config);
        state = new HostState(settings.login());
        Map<String, Object> restProperties = new HashMap<>(config.originals());
        restProperties.put(HostState.KEY, state);
        rest = new ConnectRestServer(config.rebalanceTimeout(), restClient, restProperties);
        // The only way to the server: a connector made for it knows it, and is thrown away.
        jetty = rest.createConnector("http://127.0.0.1:0").getServer();
        jetty.setErrorHandler(errors);
        settings.tls().ifPresent(this::secure);
        try {
            rest.initializeServer();
        } catch (RuntimeException e) {
            stopRest();
            throw e;
        }
        // Jetty would stop itself at the end of the process, at the same time as we do: seen to
        // wait for itself forever.
        ShutdownThread.deregister(jetty);
        jetty.setStopTimeout(REQUESTS_END.toMillis());
        url = URI.create(settings.url(rest.serverUrl().getPort()));
    }

    /**
     * Finds the plug-ins and opens the listener, which answers 503. Needs no Kafka.
     *
     * @throws MillraceException INVALID_CONFIG when a setting is wrong
     */
    public static ConnectWorker listen(Map<String, String> properties, ConnectSettings settings) {
        try {
            return new ConnectWorker(properties, settings);
        } catch (org.apache.kafka.common.KafkaException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "the Kafka Connect worker cannot start: " + withCause(e),
                    e);
        }
    }

    /** Connect itself takes certificates from key store files only. */
    private void secure(ConnectSettings.Tls tls) {
        for (Connector connector : jetty.getConnectors()) {
            SslConnectionFactory https = connector.getConnectionFactory(SslConnectionFactory.class);
            if (https == null) {
                continue;
            }
            SslContextFactory.Server ssl = https.getSslContextFactory();
            ssl.setKeyStore(tls.identity());
            ssl.setKeyStorePassword(tls.password());
            ssl.setKeyManagerPassword(tls.password());
            tls.clients()
                    .ifPresent(authorities -> {
                        ssl.setTrustStore(authorities);
                        ssl.setNeedClientAuth(true);
                    });
        }
    }

    /**
     * Builds the worker on a Kafka that is there, and lets it join its group, which goes on after
     * this returns.
     *
     * @throws MillraceException UPSTREAM_CONNECTION when Kafka does not answer
     */
    public void run() {
        try {
            inPlugins(() -> {
                HostHerder built = build();
                herder = Optional.of(built);
                built.start();
                Set<String> connectors = connectorNames(built.plugins());
                state.attach(built::isReady, connectors::contains);
                rest.initializeResources(built);
                watch = Optional.of(new ConnectorWatch(built, workerId(), watchSettings));
                return built;
            });
        } catch (org.apache.kafka.common.KafkaException e) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_CONNECTION,
                    "the Kafka Connect worker cannot use the Kafka at "
                            + config.originals().get("bootstrap.servers")
                            + ": "
                            + withCause(e),
                    e);
        }
        for (ContextHandler handler : jetty.getDescendants(ContextHandler.class)) {
            handler.setErrorHandler(errors);
        }
        errors.resourcesThere();
    }

    private HostHerder build() {
        String workerId = workerId();
        ConnectorClientConfigOverridePolicy overrides =
                plugins.newPlugin(
                        config.getString(WorkerConfig.CONNECTOR_CLIENT_POLICY_CLASS_CONFIG),
                        config,
                        ConnectorClientConfigOverridePolicy.class);
        String clusterId = config.kafkaClusterId();
        String clientId = ConnectUtils.clientIdBase(config);
        Map<String, Object> adminProperties = new HashMap<>(config.originals());
        ConnectUtils.addMetricsContextProperties(adminProperties, config, clusterId);
        adminProperties.put("client.id", clientId + "shared-admin");
        SharedTopicAdmin admin = new SharedTopicAdmin(adminProperties);
        KafkaOffsetBackingStore offsets =
                new KafkaOffsetBackingStore(
                        admin,
                        () -> clientId,
                        plugins.newInternalConverter(
                                true,
                                JsonConverter.class.getName(),
                                Map.of(JsonConverterConfig.SCHEMAS_ENABLE_CONFIG, "false")));
        offsets.configure(config);
        Worker worker = new Worker(workerId, Time.SYSTEM, plugins, config, offsets, overrides);
        Converter values = worker.getInternalValueConverter();
        KafkaStatusBackingStore status =
                new KafkaStatusBackingStore(Time.SYSTEM, values, admin, clientId);
        status.configure(config);
        KafkaConfigBackingStore configs =
                new KafkaConfigBackingStore(
                        values, config, worker.configTransformer(), admin, clientId);
        return new HostHerder(
                config,
                worker,
                clusterId,
                status,
                configs,
                rest.advertisedUrl().toString(),
                restClient,
                overrides,
                admin);
    }

    private String workerId() {
        URI advertised = rest.advertisedUrl();
        return advertised.getHost() + ":" + advertised.getPort();
    }

    /** Classes of all connectors with the short names that Connect takes for them. */
    private static Set<String> connectorNames(Plugins plugins) {
        Set<String> names = new TreeSet<>();
        plugins.sourceConnectors().forEach(plugin -> addNames(names, plugin));
        plugins.sinkConnectors().forEach(plugin -> addNames(names, plugin));
        return names;
    }

    private static void addNames(Set<String> names, PluginDesc<?> plugin) {
        names.add(plugin.className());
        names.add(PluginUtils.simpleName(plugin));
        names.add(PluginUtils.prunedName(plugin));
    }

    /** The threads that Connect makes take the class loader of the thread that makes them. */
    private <T> T inPlugins(Supplier<T> work) {
        ClassLoader before = plugins.compareAndSwapWithDelegatingLoader();
        try {
            return work.get();
        } finally {
            Plugins.compareAndSwapLoaders(before);
        }
    }

    /** Whether the worker is a member of its group and has read its topics. */
    public boolean isReady() {
        return herder.map(HostHerder::isReady).orElse(false);
    }

    /** Base address of the API. */
    public URI url() {
        return url;
    }

    /** Closes the API. */
    public void stopRest() {
        rest.stop();
    }

    /** The group's connectors as last seen; empty before the worker is ready. */
    public List<HostedConnector> connectors() {
        return watch.map(ConnectorWatch::connectors).orElse(List.of());
    }

    /** Where connectors stand, by name; those that do not answer in time are missing. */
    public Map<String, String> positions(Duration limit) throws InterruptedException {
        return watch.isPresent() ? watch.get().positions(limit) : Map.of();
    }

    /** Stops connectors and tasks and leaves the group. */
    public void stopHerder() {
        watch.ifPresent(ConnectorWatch::close);
        herder.ifPresent(HostHerder::stop);
    }

    private static String withCause(Throwable e) {
        Throwable cause = e.getCause();
        return cause == null || cause.getMessage() == null
                ? String.valueOf(e.getMessage())
                : e.getMessage() + " (" + cause.getMessage() + ")";
    }
}
