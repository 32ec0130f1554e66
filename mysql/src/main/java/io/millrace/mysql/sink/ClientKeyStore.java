package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.tls.PemKey;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A client certificate and key in PEM form, turned into the key store file that the driver wants.
 * The file lies in the temporary folder, readable by this process' user only, encrypted with a
 * random password, and is deleted at exit.
 *
 * @param file PKCS#12 file
 * @param password of the file
 */
record ClientKeyStore(Path file, String password) {
    private static final Map<String, ClientKeyStore> STORES = new ConcurrentHashMap<>();

    static ClientKeyStore of(Path certificate, Path key) {
        try {
            String identity =
                    certificate
                            + "|"
                            + Files.getLastModifiedTime(certificate)
                            + "|"
                            + key
                            + "|"
                            + Files.getLastModifiedTime(key);
            ClientKeyStore known = STORES.get(identity);
            if (known != null) {
                return known;
            }
            ClientKeyStore made = make(certificate, key);
            STORES.put(identity, made);
            return made;
        } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
            throw new MillraceException(
                    ErrorCode.MYSQL_INVALID_CONFIG,
                    "MySQL sink: ssl-cert "
                            + certificate
                            + " and ssl-key "
                            + key
                            + " cannot be used: "
                            + e.getMessage(),
                    e);
        }
    }

    @Override
    public String toString() {
        return "ClientKeyStore[" + file + "]";
    }

    private static ClientKeyStore make(Path certificate, Path key)
            throws IOException, GeneralSecurityException {
        Certificate[] chain;
        try (InputStream in = Files.newInputStream(certificate)) {
            chain =
                    CertificateFactory.getInstance("X.509")
                            .generateCertificates(in)
                            .toArray(Certificate[]::new);
        }
        byte[] random = new byte[24];
        new SecureRandom().nextBytes(random);
        String password = HexFormat.of().formatHex(random);
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry(
                "client", PemKey.read(Files.readString(key)).key(), password.toCharArray(), chain);
        Path file =
                Files.createTempFile(
                        "millrace-client",
                        ".p12",
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
        file.toFile().deleteOnExit();
        try (OutputStream out = Files.newOutputStream(file)) {
            store.store(out, password.toCharArray());
        }
        return new ClientKeyStore(file, password);
    }
}
