package io.millrace.mysql.connect;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where an upstream is and how to talk to it, from its URI. Immutable; the password never shows in
 * {@link #toString}.
 *
 * @param host name or address
 * @param port TCP port, 3306 unless given
 * @param user may be empty
 * @param password may be empty
 * @param tls how the connection is protected
 * @param serverId replication server id of our connections; chosen at random when empty
 * @param useGtid whether positions use GTIDs when the server has them
 * @param connectTimeout for connecting and for the answers of a handshake
 */
public record ServerAddress(
        String host,
        int port,
        String user,
        String password,
        Tls tls,
        OptionalLong serverId,
        boolean useGtid,
        Duration connectTimeout) {

    /** Port when the URI names none. */
    public static final int DEFAULT_PORT = 3306;

    /** Connect time-out when the URI names none. */
    public static final Duration DEFAULT_CONNECT_TIMEOUT = Duration.ofSeconds(10);

    /** What the connection asks of TLS, in the words of MySQL's {@code --ssl-mode}. */
    public enum TlsMode {
        DISABLED,
        /** Encrypted when the server can. */
        PREFERRED,
        /** Encrypted; the server's certificate is not checked. */
        REQUIRED,
        /** As REQUIRED, and the certificate must come from the authority in {@code ssl-ca}. */
        VERIFY_CA,
        /** As VERIFY_CA, and it must name the host. */
        VERIFY_IDENTITY
    }

    /**
     * TLS settings; files are PEM.
     *
     * @param ca trusted authorities
     * @param certificate the client's certificate chain
     * @param key the client's private key (PKCS#8 or PKCS#1), not encrypted
     */
    public record Tls(
            TlsMode mode, Optional<Path> ca, Optional<Path> certificate, Optional<Path> key) {
        /** No TLS. */
        public static final Tls NONE =
                new Tls(TlsMode.DISABLED, Optional.empty(), Optional.empty(), Optional.empty());
    }

    /**
     * Reads {@code
     * mysql://user:pass@host:port/?ssl-ca=…&ssl-cert=…&ssl-key=…&ssl-mode=…&server-id=…
     * &gtid=auto|off&connect-timeout=10s}. Scheme {@code mysql+ssl} (or {@code mariadb+ssl}) makes
     * {@code required} the default mode, {@code ssl-ca} makes it {@code verify_ca}; without either
     * it is {@code disabled}.
     *
     * @throws MillraceException INVALID_CONFIG naming the part; the password is never repeated
     */
    public static ServerAddress parse(URI uri) {
        String host = uri.getHost();
        if (host == null || host.isEmpty()) {
            throw invalid("it needs a host, as in mysql://user:password@host:3306/");
        }
        if (host.startsWith("[")) {
            host = host.substring(1, host.length() - 1);
        }
        String path = uri.getPath();
        if (path != null && !path.isEmpty() && !path.equals("/")) {
            throw invalid("a database name is not allowed; tables are chosen by the job's filter");
        }
        String user = "";
        String password = "";
        String info = uri.getRawUserInfo();
        if (info != null) {
            int colon = info.indexOf(':');
            user = decode(colon < 0 ? info : info.substring(0, colon));
            password = colon < 0 ? "" : decode(info.substring(colon + 1));
        }
        String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        Optional<TlsMode> mode = Optional.empty();
        Optional<Path> ca = Optional.empty();
        Optional<Path> certificate = Optional.empty();
        Optional<Path> key = Optional.empty();
        OptionalLong serverId = OptionalLong.empty();
        boolean gtid = true;
        Duration timeout = DEFAULT_CONNECT_TIMEOUT;
        String query = uri.getRawQuery();
        if (query != null && !query.isEmpty()) {
            for (String pair : query.split("&", -1)) {
                int equals = pair.indexOf('=');
                String name = decode(equals < 0 ? pair : pair.substring(0, equals));
                String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
                switch (name) {
                    case "ssl-mode" -> mode = Optional.of(tlsMode(value));
                    case "ssl-ca" -> ca = Optional.of(path(name, value));
                    case "ssl-cert" -> certificate = Optional.of(path(name, value));
                    case "ssl-key" -> key = Optional.of(path(name, value));
                    case "server-id" -> serverId = OptionalLong.of(serverId(value));
                    case "gtid" -> gtid = gtid(value);
                    case "connect-timeout" -> timeout = seconds(name, value);
                    default ->
                            throw invalid(
                                    "parameter "
                                            + name
                                            + " is unknown; known are ssl-mode, ssl-ca, ssl-cert,"
                                            + " ssl-key, server-id, gtid, connect-timeout");
                }
            }
        }
        if (certificate.isPresent() != key.isPresent()) {
            throw invalid("ssl-cert and ssl-key are needed together");
        }
        boolean tlsScheme = scheme.endsWith("+ssl");
        TlsMode chosen =
                mode.orElse(
                        ca.isPresent()
                                ? TlsMode.VERIFY_CA
                                : tlsScheme || certificate.isPresent()
                                        ? TlsMode.REQUIRED
                                        : TlsMode.DISABLED);
        if (tlsScheme && chosen == TlsMode.DISABLED) {
            throw invalid("ssl-mode=disabled contradicts the scheme " + scheme);
        }
        if (chosen.compareTo(TlsMode.VERIFY_CA) >= 0 && ca.isEmpty()) {
            throw invalid("ssl-mode=" + chosen.name().toLowerCase(Locale.ROOT) + " needs ssl-ca");
        }
        return new ServerAddress(
                host,
                uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort(),
                user,
                password,
                new Tls(chosen, ca, certificate, key),
                serverId,
                gtid,
                timeout);
    }

    private static TlsMode tlsMode(String value) {
        return switch (value.toLowerCase(Locale.ROOT).replace('-', '_')) {
            case "disabled" -> TlsMode.DISABLED;
            case "preferred" -> TlsMode.PREFERRED;
            case "required" -> TlsMode.REQUIRED;
            case "verify_ca" -> TlsMode.VERIFY_CA;
            case "verify_identity" -> TlsMode.VERIFY_IDENTITY;
            default ->
                    throw invalid(
                            "ssl-mode must be disabled, preferred, required, verify_ca or"
                                    + " verify_identity, not "
                                    + value);
        };
    }

    private static boolean gtid(String value) {
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "auto" -> true;
            case "off" -> false;
            default -> throw invalid("gtid must be auto or off, not " + value);
        };
    }

    private static long serverId(String value) {
        try {
            long id = Long.parseLong(value);
            if (id >= 1 && id <= 0xFFFF_FFFFL) {
                return id;
            }
        } catch (NumberFormatException e) {
            throw invalid("server-id must be a number of 1..4294967295, not " + value);
        }
        throw invalid("server-id must be a number of 1..4294967295, not " + value);
    }

    private static Duration seconds(String name, String value) {
        String digits = value.endsWith("s") ? value.substring(0, value.length() - 1) : value;
        try {
            int seconds = Integer.parseInt(digits);
            if (seconds >= 1 && seconds <= 3600) {
                return Duration.ofSeconds(seconds);
            }
        } catch (NumberFormatException e) {
            throw invalid(name + " must be whole seconds of 1..3600 such as 10s, not " + value);
        }
        throw invalid(name + " must be whole seconds of 1..3600 such as 10s, not " + value);
    }

    private static Path path(String name, String value) {
        if (value.isEmpty()) {
            throw invalid(name + " is empty");
        }
        return Path.of(value);
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw invalid("a percent-encoding is malformed");
        }
    }

    private static MillraceException invalid(String what) {
        return new MillraceException(
                ErrorCode.INVALID_CONFIG, "The upstream URI is invalid: " + what + ".");
    }

    @Override
    public String toString() {
        return user + "@" + host + ":" + port;
    }
}
