package io.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.PasswordCallback;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SaslLoginTest {
    private static final String KRB5 = "java.security.krb5.conf";

    private static final String GSSAPI =
            "&sasl-mechanism=gssapi&sasl-gssapi-user=alice&sasl-gssapi-realm=EXAMPLE.COM";
    private static final String OAUTH =
            "&sasl-mechanism=OAuthBearer&sasl-oauth-client-id=me"
                    + "&sasl-oauth-client-secret=cyJlY3JldA=="
                    + "&sasl-oauth-token-url=https://id.example.com/token";

    @Test
    void kerberosWithAKeytab(@TempDir Path folder) throws IOException {
        Path keytab = Files.writeString(folder.resolve("a.keytab"), "");
        SaslLogin login =
                login(
                        GSSAPI
                                + "&sasl-gssapi-auth-type=KEYTAB&sasl-gssapi-keytab-path="
                                + keytab
                                + "&sasl-gssapi-service-name=broker"
                                + "&sasl-gssapi-disable-pafxfast=true");
        assertThat(jaasOptions(login))
                .containsEntry("principal", "alice@EXAMPLE.COM")
                .containsEntry("useKeyTab", "true")
                .containsEntry("storeKey", "true")
                .containsEntry("keyTab", keytab.toString());
        assertThat(properties(login))
                .containsEntry("sasl.mechanism", "GSSAPI")
                .containsEntry("sasl.kerberos.service.name", "broker")
                .doesNotContainKey("sasl.login.callback.handler.class");
    }

    @Test
    void kerberosWithAPassword() throws Exception {
        SaslLogin login =
                login(GSSAPI + "&sasl-gssapi-auth-type=user&sasl-gssapi-password=s%22e%5Cc");
        assertThat(properties(login))
                .containsEntry("sasl.kerberos.service.name", "kafka")
                .containsEntry("sasl.login.callback.handler.class", KerberosPassword.class);
        assertThat(login.toString()).contains("alice@EXAMPLE.COM").doesNotContain("s\"e");
        KerberosPassword handler = new KerberosPassword();
        handler.configure(Map.of(), "GSSAPI", jaas(login).configurationEntries());
        PasswordCallback asked = new PasswordCallback("?", false);
        handler.handle(new Callback[] {asked});
        assertThat(new String(asked.getPassword())).isEqualTo("s\"e\\c");
    }

    @Test
    void thereIsOneKerberosConfigurationAtATime(@TempDir Path folder) throws IOException {
        withoutKerberos(() -> {
            Optional<Path> one = Optional.of(Files.writeString(folder.resolve("one.conf"), ""));
            Optional<Path> two = Optional.of(Files.writeString(folder.resolve("two.conf"), ""));
            try (KerberosConfig first = KerberosConfig.hold(one);
                    KerberosConfig again = KerberosConfig.hold(one);
                    KerberosConfig none = KerberosConfig.hold(Optional.empty())) {
                assertThat(System.getProperty(KRB5)).isEqualTo(one.get().toString());
                again.close();
                again.close();
                none.close();
                assertThatThrownBy(() -> KerberosConfig.hold(two))
                        .hasMessageContaining(one.get().toString())
                        .hasMessageContaining("sasl-gssapi-kerberos-config-path");
                assertThat(first).isNotNull();
            }
            assertThat(System.getProperty(KRB5)).isNull();
            KerberosConfig.hold(two).close();

            System.setProperty(KRB5, one.get().toString());
            KerberosConfig.hold(one).close();
            assertThat(System.getProperty(KRB5)).isEqualTo(one.get().toString());
        });
    }

    @Test
    void whatARefusedRequestNamedIsForgotten(@TempDir Path folder) throws IOException {
        withoutKerberos(() -> {
            // No server of the realm: the login fails, and with it the test of the connection.
            Path config =
                    Files.writeString(
                            folder.resolve("krb5.conf"), "[libdefaults]\ndns_lookup_kdc = false\n");
            SinkSpec spec =
                    SinkSpec.of(
                            "kafka://127.0.0.1:1/t?protocol=canal-json"
                                    + GSSAPI
                                    + "&sasl-gssapi-auth-type=user&sasl-gssapi-password=p"
                                    + "&sasl-gssapi-kerberos-config-path="
                                    + config);
            assertThatThrownBy(() -> new KafkaSinkFactory(new MemoryStores()).testOpen(spec))
                    .isInstanceOf(MillraceException.class);
            assertThat(System.getProperty(KRB5)).isNull();
        });
    }

    private interface Step {
        void run() throws IOException;
    }

    private static void withoutKerberos(Step step) throws IOException {
        String before = System.getProperty(KRB5);
        System.clearProperty(KRB5);
        try {
            step.run();
        } finally {
            if (before == null) {
                System.clearProperty(KRB5);
            } else {
                System.setProperty(KRB5, before);
            }
        }
    }

    @Test
    void oauthWithClientCredentials() {
        SaslLogin login = login(OAUTH + "&sasl-oauth-scopes=a,b&sasl-oauth-audience=kafka");
        assertThat(jaasOptions(login))
                .containsEntry("clientId", "me")
                .containsEntry("clientSecret", "s\"ecret")
                .containsEntry("tokenUrl", "https://id.example.com/token")
                .containsEntry("scopes", "a b")
                .containsEntry("grantType", "client_credentials")
                .containsEntry("audience", "kafka");
        assertThat(login.toString()).doesNotContain("ecret");
    }

    @Test
    void refusesWhatDoesNotBelongTogether() {
        refused("&sasl-mechanism=gssapi", "sasl-gssapi-auth-type");
        refused(GSSAPI + "&sasl-gssapi-auth-type=ticket", "sasl-gssapi-auth-type");
        refused(GSSAPI + "&sasl-gssapi-auth-type=user", "sasl-gssapi-password");
        refused(GSSAPI + "&sasl-gssapi-auth-type=keytab", "sasl-gssapi-keytab-path");
        refused(
                GSSAPI + "&sasl-gssapi-auth-type=keytab&sasl-gssapi-keytab-path=/none",
                "sasl-gssapi-keytab-path");
        refused("&sasl-gssapi-realm=R", "sasl-gssapi-realm");
        refused("&sasl-mechanism=plain&sasl-oauth-client-id=x", "OAUTHBEARER");
        refused("&sasl-mechanism=oauthbearer", "sasl-oauth-token-url");
        refused(OAUTH.replace("cyJlY3JldA==", "*"), "sasl-oauth-client-secret");
        refused(OAUTH.replace("https:", "file:"), "sasl-oauth-token-url");
    }

    private static void refused(String parameters, String named) {
        assertThatThrownBy(() -> login(parameters))
                .as(parameters)
                .hasMessageContaining(named)
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.KAFKA_INVALID_CONFIG);
    }

    private static SaslLogin login(String parameters) {
        return KafkaSinkConfig.parse(SinkSpec.of("kafka://h/t?protocol=canal-json" + parameters))
                .sasl()
                .orElseThrow();
    }

    private static Map<String, Object> properties(SaslLogin login) {
        Map<String, Object> properties = new HashMap<>();
        login.put(properties);
        return properties;
    }

    /** As Kafka reads it. */
    private static JaasContext jaas(SaslLogin login) {
        return JaasContext.loadClientContext(
                Map.of("sasl.jaas.config", new Password(login.jaas())));
    }

    private static Map<String, Object> jaasOptions(SaslLogin login) {
        return new HashMap<>(jaas(login).configurationEntries().getFirst().getOptions());
    }
}
