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
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.PasswordCallback;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SaslLoginTest {
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
    void thereIsOneKerberosConfigurationPerServer(@TempDir Path folder) throws IOException {
        String before = System.getProperty("java.security.krb5.conf");
        System.clearProperty("java.security.krb5.conf");
        try {
            Path one = Files.writeString(folder.resolve("one.conf"), "");
            Path two = Files.writeString(folder.resolve("two.conf"), "");
            String user =
                    GSSAPI
                            + "&sasl-gssapi-auth-type=user&sasl-gssapi-password=p"
                            + "&sasl-gssapi-kerberos-config-path=";
            properties(login(user + one));
            assertThat(System.getProperty("java.security.krb5.conf")).isEqualTo(one.toString());
            properties(login(user + one));
            assertThatThrownBy(() -> properties(login(user + two)))
                    .hasMessageContaining(one.toString())
                    .hasMessageContaining("sasl-gssapi-kerberos-config-path");
        } finally {
            if (before == null) {
                System.clearProperty("java.security.krb5.conf");
            } else {
                System.setProperty("java.security.krb5.conf", before);
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
