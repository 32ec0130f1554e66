package io.millrace.mysql.connect;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
import java.util.Collection;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** Makes TLS contexts and key stores from PEM files. */
final class TlsContext {
    private static final char[] NO_PASSWORD = {};

    private TlsContext() {}

    static SSLContext of(ServerAddress.Tls tls) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys(tls), trust(tls), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw unusable(e);
        }
    }

    private static KeyManager @Nullable [] keys(ServerAddress.Tls tls)
            throws GeneralSecurityException, IOException {
        if (tls.certificate().isEmpty()) {
            return null;
        }
        KeyManagerFactory factory =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(clientStore(tls, NO_PASSWORD), NO_PASSWORD);
        return factory.getKeyManagers();
    }

    /** A PKCS#12 store with the client's key and certificate. */
    static KeyStore clientStore(ServerAddress.Tls tls, char[] password)
            throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, password);
        store.setKeyEntry(
                "client",
                privateKey(tls.key().orElseThrow()),
                password,
                certificates(tls.certificate().orElseThrow()).toArray(new Certificate[0]));
        return store;
    }

    private static TrustManager[] trust(ServerAddress.Tls tls)
            throws GeneralSecurityException, IOException {
        if (tls.mode().compareTo(ServerAddress.TlsMode.VERIFY_CA) < 0) {
            return new TrustManager[] {new Anybody()};
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, NO_PASSWORD);
        int number = 0;
        for (Certificate certificate : certificates(tls.ca().orElseThrow())) {
            store.setCertificateEntry("ca" + number++, certificate);
        }
        TrustManagerFactory factory =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private static Collection<? extends Certificate> certificates(Path file)
            throws GeneralSecurityException, IOException {
        try (InputStream in = Files.newInputStream(file)) {
            Collection<? extends Certificate> found =
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
            if (found.isEmpty()) {
                throw new IOException(file + " holds no certificate");
            }
            return found;
        }
    }

    private static PrivateKey privateKey(Path file) throws GeneralSecurityException, IOException {
        String pem = Files.readString(file, StandardCharsets.US_ASCII);
        byte[] der = block(pem, "PRIVATE KEY");
        if (der == null) {
            byte[] rsa = block(pem, "RSA PRIVATE KEY");
            if (rsa == null) {
                throw new IOException(
                        file
                                + " holds no unencrypted PKCS#8 or PKCS#1 private key; convert it"
                                + " with: openssl pkcs8 -topk8 -nocrypt");
            }
            der = wrapRsa(rsa);
        }
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(der);
        for (String algorithm : new String[] {"RSA", "EC"}) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (InvalidKeySpecException e) {
                continue; // try the next algorithm
            }
        }
        return KeyFactory.getInstance("EdDSA").generatePrivate(spec);
    }

    private static byte @Nullable [] block(String pem, String label) {
        String begin = "-----BEGIN " + label + "-----";
        int from = pem.indexOf(begin);
        int to = pem.indexOf("-----END " + label + "-----");
        return from < 0 || to < from
                ? null
                : Base64.getMimeDecoder().decode(pem.substring(from + begin.length(), to));
    }

    /**
     * PKCS#8 around a PKCS#1 key: SEQUENCE { 0, SEQUENCE { rsaEncryption, NULL }, OCTET STRING }.
     */
    private static byte[] wrapRsa(byte[] key) throws IOException {
        byte[] algorithm = {
            0x30,
            0x0d,
            0x06,
            0x09,
            0x2a,
            (byte) 0x86,
            0x48,
            (byte) 0x86,
            (byte) 0xf7,
            0x0d,
            0x01,
            0x01,
            0x01,
            0x05,
            0x00
        };
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.write(new byte[] {0x02, 0x01, 0x00});
        body.write(algorithm);
        der(body, 0x04, key);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        der(out, 0x30, body.toByteArray());
        return out.toByteArray();
    }

    private static void der(ByteArrayOutputStream out, int tag, byte[] content) throws IOException {
        out.write(tag);
        if (content.length < 0x80) {
            out.write(content.length);
        } else if (content.length < 0x100) {
            out.write(0x81);
            out.write(content.length);
        } else {
            out.write(0x82);
            out.write(content.length >> 8);
            out.write(content.length);
        }
        out.write(content);
    }

    static MillraceException unusable(Exception e) {
        return new MillraceException(
                ErrorCode.INVALID_CONFIG,
                "The TLS files of the upstream cannot be used: " + e.getMessage() + ".",
                e);
    }

    /** Accepts every certificate: what REQUIRED means. */
    private static final class Anybody extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
