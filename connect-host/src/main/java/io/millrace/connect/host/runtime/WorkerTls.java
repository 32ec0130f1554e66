package io.millrace.connect.host.runtime;

import io.millrace.connect.host.ConnectSettings;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a worker needs to call others of its group over HTTPS. Connect's client takes key stores
 * from files only, and reads them for each request; so there are two, as long as this is open: in a
 * folder for this user alone, under a password that only this process knows. What a process that
 * was killed left there is deleted by the next one.
 */
public final class WorkerTls implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerTls.class);
    private static final String PREFIX = "listeners.https.";
    private static final String TYPE = "PKCS12";
    private static final String KEYS = "keys.p12";
    private static final String TRUSTED = "trusted.p12";
    private static final Set<PosixFilePermission> OWNER_ONLY =
            PosixFilePermissions.fromString("rwx------");

    private final Path folder;
    private final Path keys;
    private final Path trusted;
    private final String password;

    private WorkerTls(Path folder, Path keys, Path trusted, String password) {
        this.folder = folder;
        this.keys = keys;
        this.trusted = trusted;
        this.password = password;
    }

    /** Whether the settings of the worker already say how to call others. */
    public static boolean isGiven(Map<String, String> worker) {
        return worker.keySet().stream().anyMatch(key -> key.startsWith(PREFIX));
    }

    /**
     * A worker shows its own certificate to the others. It trusts the authorities that its clients
     * must be of, or without such what Java trusts and its own certificates.
     *
     * @throws MillraceException INVALID_CONFIG when the files can't be written
     */
    public static WorkerTls of(ConnectSettings.Tls tls) {
        byte[] random = new byte[24];
        new SecureRandom().nextBytes(random);
        String password = HexFormat.of().formatHex(random);
        try {
            KeyStore trust = KeyStore.getInstance(TYPE);
            trust.load(null, null);
            int number = 0;
            if (tls.clients().isPresent()) {
                for (String alias : Collections.list(tls.clients().get().aliases())) {
                    Certificate authority = tls.clients().get().getCertificate(alias);
                    if (authority != null) {
                        trust.setCertificateEntry("ca" + number++, authority);
                    }
                }
            } else {
                for (X509Certificate known : trustedByJava()) {
                    trust.setCertificateEntry("java" + number++, known);
                }
                for (String alias : Collections.list(tls.identity().aliases())) {
                    Certificate[] chain = tls.identity().getCertificateChain(alias);
                    for (Certificate own : chain == null ? new Certificate[0] : chain) {
                        trust.setCertificateEntry("own" + number++, own);
                    }
                }
            }
            KeyStore identity = KeyStore.getInstance(TYPE);
            identity.load(null, null);
            for (String alias : Collections.list(tls.identity().aliases())) {
                if (tls.identity().isKeyEntry(alias)) {
                    identity.setKeyEntry(
                            alias,
                            tls.identity().getKey(alias, tls.password().toCharArray()),
                            password.toCharArray(),
                            tls.identity().getCertificateChain(alias));
                }
            }
            Path folder = emptyFolder(tls.folder());
            return new WorkerTls(
                    folder,
                    write(folder.resolve(KEYS), identity, password),
                    write(folder.resolve(TRUSTED), trust, password),
                    password);
        } catch (IOException | GeneralSecurityException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "cannot prepare the key stores with which workers call each other over HTTPS: "
                            + e,
                    e);
        }
    }

    private static X509Certificate[] trustedByJava() throws GeneralSecurityException {
        TrustManagerFactory factory =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init((KeyStore) null);
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509TrustManager x509) {
                return x509.getAcceptedIssuers();
            }
        }
        return new X509Certificate[0];
    }

    private static Path emptyFolder(Path folder) throws IOException {
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectories(folder.toAbsolutePath().getParent());
            Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        }
        Files.setPosixFilePermissions(folder, OWNER_ONLY);
        for (String old : List.of(KEYS, TRUSTED)) {
            Files.deleteIfExists(folder.resolve(old));
        }
        return folder;
    }

    private static Path write(Path file, KeyStore store, String password)
            throws IOException, GeneralSecurityException {
        try (OutputStream out = Files.newOutputStream(file)) {
            store.store(out, password.toCharArray());
        }
        return file;
    }

    /** Settings of the worker, in Kafka Connect's words. */
    public Map<String, String> settings() {
        Map<String, String> settings = new HashMap<>();
        settings.put(PREFIX + "ssl.keystore.type", TYPE);
        settings.put(PREFIX + "ssl.keystore.location", keys.toString());
        settings.put(PREFIX + "ssl.keystore.password", password);
        settings.put(PREFIX + "ssl.key.password", password);
        settings.put(PREFIX + "ssl.truststore.type", TYPE);
        settings.put(PREFIX + "ssl.truststore.location", trusted.toString());
        settings.put(PREFIX + "ssl.truststore.password", password);
        return settings;
    }

    @Override
    public void close() {
        for (Path file : new Path[] {keys, trusted, folder}) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                LOG.warn("cannot delete file={}", file, e);
            }
        }
    }
}
