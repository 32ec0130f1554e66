package io.millrace.mysql.connect;

import io.millrace.mysql.wire.ControlConnections;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.UUID;
import org.mariadb.jdbc.Driver;

/** JDBC connections to an upstream, for everything but the binlog itself. Thread-safe. */
public final class JdbcConnections implements ControlConnections, AutoCloseable {
    /** How long an answer may take before the connection counts as lost. */
    private static final int SOCKET_TIMEOUT_MS = 60_000;

    private final ServerAddress address;
    private final Properties properties;
    private final String url;
    private @org.jspecify.annotations.Nullable Path keyStore;

    public JdbcConnections(ServerAddress address) {
        this.address = address;
        String host = address.host().contains(":") ? "[" + address.host() + "]" : address.host();
        this.url = "jdbc:mariadb://" + host + ":" + address.port() + "/";
        Properties p = new Properties();
        p.setProperty("user", address.user());
        p.setProperty("password", address.password());
        p.setProperty("connectTimeout", Long.toString(address.connectTimeout().toMillis()));
        p.setProperty("socketTimeout", Integer.toString(SOCKET_TIMEOUT_MS));
        p.setProperty("allowPublicKeyRetrieval", "true");
        p.setProperty("tcpKeepAlive", "true");
        addTls(p, address.tls());
        this.properties = p;
    }

    private void addTls(Properties p, ServerAddress.Tls tls) {
        switch (tls.mode()) {
            case DISABLED -> {
                p.setProperty("sslMode", "disable");
                return;
            }
            case REQUIRED, PREFERRED -> p.setProperty("sslMode", "trust");
            case VERIFY_CA -> p.setProperty("sslMode", "verify-ca");
            case VERIFY_IDENTITY -> p.setProperty("sslMode", "verify-full");
        }
        tls.ca().ifPresent(ca -> p.setProperty("serverSslCert", ca.toString()));
        if (tls.certificate().isPresent()) {
            // The driver takes the client's key from a key store only.
            String password = UUID.randomUUID().toString();
            try {
                Path file = Files.createTempFile("millrace-client", ".p12");
                keyStore = file;
                file.toFile().deleteOnExit();
                KeyStore store = TlsContext.clientStore(tls, password.toCharArray());
                try (OutputStream out = Files.newOutputStream(file)) {
                    store.store(out, password.toCharArray());
                }
                p.setProperty("keyStore", file.toString());
                p.setProperty("keyStorePassword", password);
                p.setProperty("keyStoreType", "PKCS12");
            } catch (GeneralSecurityException | IOException e) {
                throw TlsContext.unusable(e);
            }
        }
    }

    @Override
    public Connection open() {
        try {
            Connection connection = connect();
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET time_zone='+00:00'");
            } catch (SQLException e) {
                connection.close();
                throw e;
            }
            return connection;
        } catch (SQLException e) {
            throw UpstreamErrors.of(e, address);
        }
    }

    private Connection connect() throws SQLException {
        Properties settings = (Properties) properties.clone();
        try {
            return connect(settings);
        } catch (SQLException e) {
            if (address.tls().mode() != ServerAddress.TlsMode.PREFERRED || !isWithoutTls(e)) {
                throw e;
            }
            settings.setProperty("sslMode", "disable");
            return connect(settings);
        }
    }

    /** The driver says so in words only; its other errors of this kind have a cause. */
    private static boolean isWithoutTls(SQLException e) {
        String message = e.getMessage();
        return message != null && message.contains("ssl not enabled in the server");
    }

    private Connection connect(Properties settings) throws SQLException {
        Connection connection = new Driver().connect(url, settings);
        if (connection == null) {
            throw new IllegalStateException("the driver refuses " + url);
        }
        return connection;
    }

    /** Forgets temporary files; open connections are not touched. */
    @Override
    public void close() {
        Path file = keyStore;
        if (file != null) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                file.toFile().deleteOnExit();
            }
        }
    }
}
