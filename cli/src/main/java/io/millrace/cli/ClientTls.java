package io.millrace.cli;

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
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** TLS from PEM files: whom to trust, and who we are. */
final class ClientTls {
    /** A key store in memory needs a password; nobody else sees it. */
    private static final char[] IN_MEMORY = "in-memory".toCharArray();

    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");

    private ClientTls() {}

    /** The same for files that may all be missing; null then, for the JDK's own. */
    static @Nullable SSLContext context(
            Optional<Path> ca, Optional<Path> cert, Optional<Path> key) {
        return ca.isEmpty() && cert.isEmpty() && key.isEmpty()
                ? null
                : context(ca.orElse(null), cert.orElse(null), key.orElse(null));
    }

    /**
     * @param ca authorities to trust; null trusts the JDK's
     * @param cert certificate chain of this client; null shows none
     * @param key its PKCS#8 key
     */
    static SSLContext context(@Nullable Path ca, @Nullable Path cert, @Nullable Path key) {
        if ((cert == null) != (key == null)) {
            throw new CliException("--cert and --key belong together: give both or neither");
        }
        try {
            KeyManagerFactory identity =
                    KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            KeyStore own = empty();
            if (cert != null && key != null) {
                own.setKeyEntry(
                        "client",
                        privateKey(key),
                        IN_MEMORY,
                        certificates(cert).toArray(Certificate[]::new));
            }
            identity.init(own, IN_MEMORY);
            TrustManagerFactory trusted =
                    TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            KeyStore authorities = null;
            if (ca != null) {
                authorities = empty();
                int number = 0;
                for (Certificate certificate : certificates(ca)) {
                    authorities.setCertificateEntry("ca" + number++, certificate);
                }
            }
            trusted.init(authorities);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(identity.getKeyManagers(), trusted.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new CliException("cannot use the TLS files: " + e.getMessage());
        }
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static Collection<? extends Certificate> certificates(Path file)
            throws GeneralSecurityException, IOException {
        Collection<? extends Certificate> found =
                CertificateFactory.getInstance("X.509")
                        .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)));
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
                            + " holds no PKCS#8 key (BEGIN PRIVATE KEY); convert it with: openssl"
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
