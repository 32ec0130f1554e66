package io.millrace.server;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Makes key stores of PEM files: a certificate chain, a PKCS#8 key, trusted authorities. */
final class Pem {
    /** Key stores in memory need a password; nobody else sees these. */
    static final String PASSWORD = "in-memory";

    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");

    private Pem() {}

    static KeyStore identity(Path chain, Path key) {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry(
                    "server",
                    privateKey(key),
                    PASSWORD.toCharArray(),
                    certificates(chain).toArray(Certificate[]::new));
            return store;
        } catch (GeneralSecurityException | IOException e) {
            throw ServerConfig.invalid("tls", "cannot use " + chain + " and " + key + ": " + e);
        }
    }

    static KeyStore trusted(Path authorities) {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            int number = 0;
            for (Certificate certificate : certificates(authorities)) {
                store.setCertificateEntry("ca" + number++, certificate);
            }
            return store;
        } catch (GeneralSecurityException | IOException e) {
            throw ServerConfig.invalid("tls.ca", "cannot use " + authorities + ": " + e);
        }
    }

    private static List<Certificate> certificates(Path file)
            throws GeneralSecurityException, IOException {
        List<Certificate> found =
                new ArrayList<>(
                        CertificateFactory.getInstance("X.509")
                                .generateCertificates(
                                        new ByteArrayInputStream(Files.readAllBytes(file))));
        if (found.isEmpty()) {
            throw new IOException("no certificate in " + file);
        }
        return found;
    }

    private static PrivateKey privateKey(Path file) throws GeneralSecurityException, IOException {
        Matcher matcher = KEY.matcher(Files.readString(file, StandardCharsets.US_ASCII));
        if (!matcher.find()) {
            throw new IOException(
                    file
                            + " holds no PKCS#8 key (BEGIN PRIVATE KEY); convert it with openssl"
                            + " pkcs8 -topk8 -nocrypt");
        }
        byte[] der = Base64.getMimeDecoder().decode(matcher.group(1));
        for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
            try {
                return KeyFactory.getInstance(algorithm)
                        .generatePrivate(new PKCS8EncodedKeySpec(der));
            } catch (InvalidKeySpecException notThisKind) {
                continue;
            }
        }
        throw new GeneralSecurityException("neither an RSA, an EC nor an EdDSA key: " + file);
    }
}
