package io.millrace.kafka;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.auth.SslEngineFactory;
import org.jspecify.annotations.Nullable;

/**
 * TLS that believes any server, for {@code insecure-skip-verify=true}: the connection is encrypted
 * but not authenticated. A client certificate is still shown. Public because the Kafka client makes
 * it.
 */
public final class TrustingSslEngineFactory implements SslEngineFactory {
    private static final char[] NO_PASSWORD = new char[0];

    private @Nullable SSLContext context;

    @Override
    public void configure(Map<String, ?> configs) {
        try {
            SSLContext made = SSLContext.getInstance("TLS");
            made.init(keyManagers(configs), new TrustManager[] {new Trusting()}, null);
            context = made;
        } catch (GeneralSecurityException | IOException e) {
            throw new KafkaException("cannot set up TLS with the given certificate and key", e);
        }
    }

    private static KeyManager @Nullable [] keyManagers(Map<String, ?> configs)
            throws GeneralSecurityException, IOException {
        Object chain = configs.get(SslConfigs.SSL_KEYSTORE_CERTIFICATE_CHAIN_CONFIG);
        Object key = configs.get(SslConfigs.SSL_KEYSTORE_KEY_CONFIG);
        if (!(chain instanceof Password chainText) || !(key instanceof Password keyText)) {
            return null;
        }
        Certificate[] certificates =
                CertificateFactory.getInstance("X.509")
                        .generateCertificates(
                                new ByteArrayInputStream(
                                        chainText.value().getBytes(StandardCharsets.UTF_8)))
                        .toArray(Certificate[]::new);
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, NO_PASSWORD);
        store.setKeyEntry("client", privateKey(keyText.value()), NO_PASSWORD, certificates);
        KeyManagerFactory factory =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    private static PrivateKey privateKey(String pem) throws GeneralSecurityException {
        String body =
                pem.substring(pem.indexOf("-----BEGIN PRIVATE KEY-----"))
                        .replaceAll("-----[A-Z ]+-----", "")
                        .replaceAll("\\s", "");
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(body));
        @Nullable InvalidKeySpecException last = null;
        for (String algorithm : new String[] {"RSA", "EC", "EdDSA"}) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (InvalidKeySpecException e) {
                last = e;
            }
        }
        throw new GeneralSecurityException("neither an RSA, an EC nor an EdDSA key", last);
    }

    @Override
    public SSLEngine createClientSslEngine(
            String peerHost, int peerPort, String endpointIdentification) {
        SSLContext current = context;
        if (current == null) {
            throw new IllegalStateException("not configured");
        }
        SSLEngine engine = current.createSSLEngine(peerHost, peerPort);
        engine.setUseClientMode(true);
        return engine;
    }

    @Override
    public SSLEngine createServerSslEngine(String peerHost, int peerPort) {
        throw new UnsupportedOperationException("for clients only");
    }

    @Override
    public boolean shouldBeRebuilt(Map<String, Object> nextConfigs) {
        return false;
    }

    @Override
    public Set<String> reconfigurableConfigs() {
        return Set.of();
    }

    @Override
    public @Nullable KeyStore keystore() {
        return null;
    }

    @Override
    public @Nullable KeyStore truststore() {
        return null;
    }

    @Override
    public void close() {}

    /** Extended, so that the JDK does not add host name checks of its own. */
    private static final class Trusting extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkClientTrusted(
                X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(
                X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
