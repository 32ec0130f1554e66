package io.millrace.server;

import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.nio.channels.UnresolvedAddressException;
import java.util.function.Consumer;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * One port: Javalin on Jetty, each request on a virtual thread of its own, TLS when configured.
 * What is served there is a dialect's business.
 */
final class HttpListener implements AutoCloseable {
    private static final long IDLE_TIMEOUT_MS = 10 * 60 * 1000L;

    private final Javalin javalin;

    private HttpListener(Javalin javalin) {
        this.javalin = javalin;
    }

    /**
     * Opens the port.
     *
     * @param at where
     * @param errorBody what a request gets that Jetty refuses before a route sees it
     * @throws MillraceException INVALID_CONFIG when the address is in use or not ours
     */
    static HttpListener open(
            ServerConfig config,
            ServerConfig.Endpoint at,
            Consumer<JavalinConfig> dialect,
            JsonErrors.Body errorBody) {
        Javalin javalin =
                Javalin.create(settings -> {
                    settings.startup.showJavalinBanner = false;
                    settings.startup.showOldJavalinVersionWarning = false;
                    settings.startup.startupWatcherEnabled = false;
                    settings.concurrency.useVirtualThreads = true;
                    settings.http.maxRequestSize = config.maxBodyBytes();
                    settings.jetty.modifyHttpConfiguration(http -> {
                        http.setSendServerVersion(false);
                        // Else a header that differs in case alone from an earlier one of the
                        // same connection is taken for it, and so is what it authorizes.
                        http.setHeaderCacheCaseSensitive(true);
                    });
                    settings.jetty.modifyServer(
                            server -> server.setErrorHandler(new JsonErrors(errorBody)));
                    settings.jetty.addConnector(
                            (server, http) -> connector(config, at, server, http));
                    dialect.accept(settings);
                });
        try {
            javalin.start();
        } catch (RuntimeException e) {
            javalin.stop();
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "cannot listen on "
                            + at.hostAndPort(at.port())
                            + " ("
                            + rootMessage(e)
                            + "); choose another --"
                            + at.key().replace('.', '-')
                            + " or stop what uses it",
                    e);
        }
        return new HttpListener(javalin);
    }

    private static String rootMessage(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        if (root instanceof UnresolvedAddressException) {
            return "the host name is unknown";
        }
        return root.getMessage() == null ? root.toString() : root.getMessage();
    }

    private static ServerConnector connector(
            ServerConfig config, ServerConfig.Endpoint at, Server server, HttpConfiguration http) {
        ServerConnector connector =
                config.tls()
                        .map(tls -> secure(tls, server, http))
                        .orElseGet(
                                () -> new ServerConnector(server, new HttpConnectionFactory(http)));
        connector.setHost(at.host());
        connector.setPort(at.port());
        connector.setIdleTimeout(IDLE_TIMEOUT_MS);
        return connector;
    }

    private static ServerConnector secure(
            ServerConfig.Tls tls, Server server, HttpConfiguration http) {
        SslContextFactory.Server ssl = new SslContextFactory.Server();
        ssl.setKeyStore(Pem.identity(tls.cert(), tls.key()));
        ssl.setKeyStorePassword(Pem.PASSWORD);
        ssl.setSniRequired(false);
        tls.ca()
                .ifPresent(ca -> {
                    ssl.setTrustStore(Pem.trusted(ca));
                    ssl.setNeedClientAuth(true);
                });
        HttpConfiguration https = new HttpConfiguration(http);
        // Clients reach a node by address as well as by name; the certificate check is theirs.
        https.addCustomizer(new SecureRequestCustomizer(false));
        return new ServerConnector(server, ssl, new HttpConnectionFactory(https));
    }

    int port() {
        return javalin.port();
    }

    @Override
    public void close() {
        javalin.stop();
    }
}
