package io.millrace.server;

import io.millrace.connect.host.ConnectHost;
import io.millrace.connect.host.ConnectSettings;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/**
 * The Kafka Connect worker of a server, started while the rest of the server starts. The only class
 * that makes the JVM load Kafka's broker and Connect.
 */
final class ConnectPart implements AutoCloseable {
    private final CompletableFuture<ConnectHost> host = new CompletableFuture<>();

    ConnectPart(ConnectSettings settings, Consumer<String> onFatal) {
        Thread.ofPlatform()
                .name("connect-start")
                .start(() -> {
                    try {
                        host.complete(ConnectHost.start(settings, onFatal));
                    } catch (Throwable t) {
                        host.completeExceptionally(t);
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

    @Override
    public void close() {
        host.handle((started, failure) -> started)
                .thenAccept(started -> {
                    if (started != null) {
                        started.close();
                    }
                })
                .join();
    }
}
