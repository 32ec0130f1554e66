package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.config.SaslConfigs;
import org.jspecify.annotations.Nullable;

/** How a Kafka sink logs in. Secrets do not show in {@code toString}. */
sealed interface SaslLogin {
    /**
     * By user and password.
     *
     * @param mechanism {@code PLAIN}, {@code SCRAM-SHA-256} or {@code SCRAM-SHA-512}
     */
    record UserPassword(String mechanism, String user, String password) implements SaslLogin {
        @Override
        public String jaas() {
            return (mechanism.equals("PLAIN")
                            ? "org.apache.kafka.common.security.plain.PlainLoginModule"
                            : "org.apache.kafka.common.security.scram.ScramLoginModule")
                    + " required"
                    + option("username", user)
                    + option("password", password)
                    + ";";
        }

        @Override
        public String toString() {
            return "UserPassword[" + mechanism + ", " + user + "]";
        }
    }

    /**
     * By Kerberos, with the JVM's own login module.
     *
     * @param principal {@code user@REALM}
     * @param serviceName of the brokers' principal
     * @param keytab file with the keys; without it the password is used
     * @param password empty with a keytab
     * @param configPath the server's krb5.conf, for {@link KerberosConfig}; empty is the JVM's own
     *     choice
     */
    record Kerberos(
            String principal,
            String serviceName,
            Optional<Path> keytab,
            String password,
            Optional<Path> configPath)
            implements SaslLogin {
        @Override
        public String mechanism() {
            return "GSSAPI";
        }

        @Override
        public String jaas() {
            String module =
                    "com.sun.security.auth.module.Krb5LoginModule required"
                            + option("refreshKrb5Config", "true")
                            + option("useTicketCache", "false")
                            + option("principal", principal);
            return keytab.map(file ->
                            module
                                    + option("doNotPrompt", "true")
                                    + option("useKeyTab", "true")
                                    + option("storeKey", "true")
                                    + option("keyTab", file.toString()))
                            .orElseGet(() -> module + option(KerberosPassword.OPTION, password))
                    + ";";
        }

        @Override
        public String toString() {
            return "Kerberos[" + principal + ", " + serviceName + ", " + keytab + "]";
        }
    }

    /**
     * By a token that an OAuth 2 server gives for a client's credentials.
     *
     * @param scopes separated by blanks, may be empty
     * @param audience may be empty
     */
    record OAuth(
            String clientId,
            String clientSecret,
            URI tokenUrl,
            String scopes,
            String grantType,
            String audience)
            implements SaslLogin {
        @Override
        public String mechanism() {
            return "OAUTHBEARER";
        }

        @Override
        public String jaas() {
            return "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
                    + option(OAuthTokens.CLIENT_ID, clientId)
                    + option(OAuthTokens.CLIENT_SECRET, clientSecret)
                    + option(OAuthTokens.TOKEN_URL, tokenUrl.toString())
                    + option(OAuthTokens.SCOPES, scopes)
                    + option(OAuthTokens.GRANT_TYPE, grantType)
                    + option(OAuthTokens.AUDIENCE, audience)
                    + ";";
        }

        @Override
        public String toString() {
            return "OAuth[" + clientId + ", " + tokenUrl.getHost() + "]";
        }
    }

    /** Kafka's name of the mechanism. */
    String mechanism();

    /** The configuration of the login module, with secrets. */
    String jaas();

    private static String option(String name, String value) {
        return " " + name + "=\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    /** Adds what a Kafka client needs to log in. */
    default void put(Map<String, Object> properties) {
        properties.put(SaslConfigs.SASL_MECHANISM, mechanism());
        properties.put(SaslConfigs.SASL_JAAS_CONFIG, jaas());
        switch (this) {
            case UserPassword login -> {}
            case Kerberos login -> {
                properties.put(SaslConfigs.SASL_KERBEROS_SERVICE_NAME, login.serviceName());
                if (login.keytab().isEmpty()) {
                    properties.put(
                            SaslConfigs.SASL_LOGIN_CALLBACK_HANDLER_CLASS, KerberosPassword.class);
                }
            }
            case OAuth login ->
                    properties.put(
                            SaslConfigs.SASL_LOGIN_CALLBACK_HANDLER_CLASS, OAuthTokens.class);
        }
    }

    /** Reads the options; empty without a mechanism. Throws a USER error that names the option. */
    static Optional<SaslLogin> of(SinkOptions options) {
        Optional<String> given = options.text("sasl-mechanism");
        String mechanism = given.orElse("").toUpperCase(Locale.ROOT);
        onlyFor(options, mechanism, "GSSAPI", GSSAPI_OPTIONS);
        onlyFor(options, mechanism, "OAUTHBEARER", OAUTH_OPTIONS);
        if (given.isEmpty()) {
            if (options.text("sasl-user").isPresent()
                    || options.text("sasl-password").isPresent()) {
                throw KafkaSinkConfig.invalid(
                        "sasl-user and sasl-password need sasl-mechanism: PLAIN, SCRAM-SHA-256 or"
                                + " SCRAM-SHA-512");
            }
            return Optional.empty();
        }
        return Optional.of(
                switch (mechanism) {
                    case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512" ->
                            new UserPassword(
                                    mechanism,
                                    required(options, mechanism, "sasl-user"),
                                    required(options, mechanism, "sasl-password"));
                    case "GSSAPI" -> kerberos(options);
                    case "OAUTHBEARER" -> oauth(options);
                    default ->
                            throw KafkaSinkConfig.invalid(
                                    "sasl-mechanism '"
                                            + given.get()
                                            + "' is unknown; there are PLAIN, SCRAM-SHA-256,"
                                            + " SCRAM-SHA-512, GSSAPI and OAUTHBEARER");
                });
    }

    /** The options of {@link Kerberos}. */
    List<String> GSSAPI_OPTIONS =
            List.of(
                    "sasl-gssapi-auth-type",
                    "sasl-gssapi-keytab-path",
                    "sasl-gssapi-kerberos-config-path",
                    "sasl-gssapi-service-name",
                    "sasl-gssapi-user",
                    "sasl-gssapi-password",
                    "sasl-gssapi-realm",
                    "sasl-gssapi-disable-pafxfast");

    /** The options of {@link OAuth}. */
    List<String> OAUTH_OPTIONS =
            List.of(
                    "sasl-oauth-client-id",
                    "sasl-oauth-client-secret",
                    "sasl-oauth-token-url",
                    "sasl-oauth-scopes",
                    "sasl-oauth-grant-type",
                    "sasl-oauth-audience");

    private static void onlyFor(
            SinkOptions options, String mechanism, String wanted, List<String> names) {
        for (String name : names) {
            // Switched off is as good as not set: whole configurations spell every option out.
            boolean set = options.text(name).filter(text -> !text.equals("false")).isPresent();
            if (set && !mechanism.equals(wanted)) {
                throw KafkaSinkConfig.invalid(name + " needs sasl-mechanism " + wanted);
            }
        }
    }

    private static String required(SinkOptions options, String mechanism, String name) {
        return options.text(name)
                .orElseThrow(() ->
                        KafkaSinkConfig.invalid("sasl-mechanism " + mechanism + " needs " + name));
    }

    private static SaslLogin kerberos(SinkOptions options) {
        String type = required(options, "GSSAPI", "sasl-gssapi-auth-type").toLowerCase(Locale.ROOT);
        String user = required(options, "GSSAPI", "sasl-gssapi-user");
        String realm = required(options, "GSSAPI", "sasl-gssapi-realm");
        // Kerberos of the JVM never sends PA-FX-FAST; both values mean the same here.
        options.flag("sasl-gssapi-disable-pafxfast", false);
        boolean keytab =
                switch (type) {
                    case "keytab" -> true;
                    case "user" -> false;
                    default ->
                            throw KafkaSinkConfig.invalid(
                                    "sasl-gssapi-auth-type must be user or keytab, not '"
                                            + type
                                            + "'");
                };
        return new Kerberos(
                user + "@" + realm,
                options.text("sasl-gssapi-service-name", "kafka"),
                keytab
                        ? Optional.of(
                                file(options, required(options, type, "sasl-gssapi-keytab-path")))
                        : Optional.empty(),
                keytab ? "" : required(options, type, "sasl-gssapi-password"),
                options.text("sasl-gssapi-kerberos-config-path").map(path -> file(options, path)));
    }

    private static Path file(SinkOptions options, String path) {
        String name =
                options.text("sasl-gssapi-keytab-path").filter(path::equals).isPresent()
                        ? "sasl-gssapi-keytab-path"
                        : "sasl-gssapi-kerberos-config-path";
        return KafkaSinkConfig.readable(name, path).toAbsolutePath();
    }

    private static SaslLogin oauth(SinkOptions options) {
        String url = required(options, "OAUTHBEARER", "sasl-oauth-token-url");
        return new OAuth(
                required(options, "OAUTHBEARER", "sasl-oauth-client-id"),
                secret(required(options, "OAUTHBEARER", "sasl-oauth-client-secret")),
                tokenUrl(url),
                String.join(
                        " ",
                        Arrays.stream(options.text("sasl-oauth-scopes", "").split("[, ]+"))
                                .filter(scope -> !scope.isEmpty())
                                .toList()),
                options.text("sasl-oauth-grant-type", "client_credentials"),
                options.text("sasl-oauth-audience", ""));
    }

    private static String secret(String base64) {
        @Nullable IllegalArgumentException failure;
        try {
            return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            failure = e;
        }
        throw new MillraceException(
                ErrorCode.KAFKA_INVALID_CONFIG,
                "sasl-oauth-client-secret must be the Base64 text of the secret",
                failure);
    }

    private static URI tokenUrl(String text) {
        try {
            URI url = new URI(text);
            String scheme = String.valueOf(url.getScheme()).toLowerCase(Locale.ROOT);
            if (url.getHost() != null && List.of("http", "https").contains(scheme)) {
                return url;
            }
        } catch (URISyntaxException e) {
            throw new MillraceException(
                    ErrorCode.KAFKA_INVALID_CONFIG, "sasl-oauth-token-url is not a URL", e);
        }
        throw KafkaSinkConfig.invalid("sasl-oauth-token-url must begin with http:// or https://");
    }
}
