package io.millrace.server;

import io.millrace.connect.host.ConnectHost;
import io.millrace.connect.host.ConnectSettings;
import io.millrace.connect.host.HostedConnector;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Kafka Connect worker of a server, started beside it: the rest of the server does not wait for
 * it. The only class that makes the JVM load Kafka's broker and Connect.
 */
final class ConnectPart implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectPart.class);

    /** A start that waits for a Kafka elsewhere has nothing that could be lost. */
    private static final Duration LEAVE_WAITING = Duration.ofSeconds(3);

    /**
     * A broker may repair its log for minutes after a crash, or not come up at all. Left behind, it
     * repairs it again at the next start.
     */
    private static final Duration LEAVE_STARTING = Duration.ofSeconds(15);

    private final CompletableFuture<ConnectHost> host = new CompletableFuture<>();
    private volatile boolean closing;
    private final ConnectSettings settings;
    private final Thread starter;
    private volatile Optional<String> failure = Optional.empty();

    /**
     * @param onFatal told why when the worker could not start, or the process must end because of
     *     it: a broken broker in this process can't be trusted with anything. A worker that breaks
     *     on a Kafka elsewhere ends alone, see {@link #failure}
     * @throws MillraceException INVALID_CONFIG when a port or the data folder is in use
     */
    ConnectPart(ConnectSettings settings, Consumer<String> onFatal) {
        // Known before the worker listens, which on a Kafka elsewhere may be long after the start.
        this.settings =
                settings.port() == 0
                        ? settings.onPort(ConnectHost.freePort(settings.host()))
                        : settings;
        ConnectHost.requireRoom(this.settings);
        starter = Thread.ofPlatform().name("connect-start").daemon().start(() -> start(onFatal));
    }

    private void start(Consumer<String> onFatal) {
        try {
            ConnectHost started =
                    ConnectHost.start(
                            settings,
                            switch (settings.kafka()) {
                                case ConnectSettings.Embedded embedded -> onFatal;
                                case ConnectSettings.External external -> this::endAlone;
                            });
            if (!host.complete(started)) {
                started.close();
            }
        } catch (Throwable t) {
            String why = t instanceof MillraceException known ? known.text() : t.toString();
            host.completeExceptionally(t);
            if (!closing) {
                onFatal.accept("Kafka Connect did not start: " + why);
            }
        }
    }

    /**
     * The worker is broken and the Kafka is not: others of its group take over what it ran, and the
     * changefeeds of this server go on.
     */
    private void endAlone(String why) {
        failure = Optional.of(why);
        LOG.error(
                "kafka connect ended, the rest of the server goes on; a restart of the server starts"
                        + " it again cause={}",
                why);
        Thread.ofPlatform().name("connect-failed").start(() -> host.thenAccept(ConnectHost::close));
    }

    /** Why the worker ended by itself. */
    Optional<String> failure() {
        return failure;
    }

    /** API and Kafka. Waits for the start when the broker's port is not known before. */
    String text() {
        String url = settings.url(0);
        String kafka =
                switch (settings.kafka()) {
                    case ConnectSettings.Embedded embedded when embedded.port() == 0 ->
                            await().bootstrapServers();
                    case ConnectSettings.Embedded embedded ->
                            ConnectSettings.DEFAULT_HOST + ":" + embedded.port();
                    case ConnectSettings.External external -> external.bootstrapServers();
                };
        return url + ", its Kafka at " + kafka;
    }

    /** Runs something on a thread of its own when the worker serves requests. */
    void whenReady(Runnable action) {
        Thread.ofVirtual()
                .name("connect-ready")
                .start(() -> {
                    try {
                        ConnectHost started = host.join();
                        while (!closing && failure.isEmpty()) {
                            if (started.awaitReady(ConnectHost.USUAL_START)) {
                                action.run();
                                return;
                            }
                            LOG.warn(
                                    "connect is not ready yet kafka={}",
                                    started.bootstrapServers());
                        }
                    } catch (CompletionException | InterruptedException e) {
                        LOG.debug("connect did not become ready", e);
                    }
                });
    }

    /**
     * Waits until the API listens and Kafka answers.
     *
     * @throws MillraceException when the worker could not start
     */
    ConnectHost await() {
        try {
            return host.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof MillraceException known) {
                throw known;
            }
            throw new MillraceException(
                    ErrorCode.INTERNAL, "Kafka Connect did not start: " + e.getCause(), e);
        }
    }

    /** The worker once it has started; a worker that could not start is none. */
    private Optional<ConnectHost> started() {
        return failure.isEmpty() && host.isDone() && !host.isCompletedExceptionally()
                ? Optional.of(host.join())
                : Optional.empty();
    }

    /** Whether the worker knows its connectors. */
    boolean isReady() {
        return started().map(ConnectHost::isReady).orElse(false);
    }

    /** The group's connectors; empty until the worker is ready. */
    List<HostedConnector> connectors() {
        return started().map(ConnectHost::connectors).orElse(List.of());
    }

    /** Where connectors stand, by name; those that do not tell it in time are missing. */
    Map<String, String> positions(Duration limit) throws InterruptedException {
        Optional<ConnectHost> running = started();
        return running.isPresent() ? running.get().positions(limit) : Map.of();
    }

    @Override
    public void close() {
        closing = true;
        switch (settings.kafka()) {
            case ConnectSettings.External external -> {
                host.orTimeout(LEAVE_WAITING.toMillis(), TimeUnit.MILLISECONDS);
                if (!host.isDone()) {
                    starter.interrupt();
                }
            }
            case ConnectSettings.Embedded embedded ->
                    host.orTimeout(LEAVE_STARTING.toMillis(), TimeUnit.MILLISECONDS);
        }
        host.handle((started, failure) -> started)
                .thenAccept(started -> {
                    if (started != null) {
                        started.close();
                    }
                })
                .join();
    }
}
