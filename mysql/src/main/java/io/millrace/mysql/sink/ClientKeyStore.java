package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
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
    private static final byte[] RSA_ALGORITHM =
            HexFormat.of().parseHex("020100300d06092a864886f70d0101010500");

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
        store.setKeyEntry("client", readKey(key), password.toCharArray(), chain);
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

    private static PrivateKey readKey(Path file) throws IOException, GeneralSecurityException {
        String pem = Files.readString(file);
        int begin = pem.indexOf("-----BEGIN ");
        int bodyStart = pem.indexOf("-----", begin + 11) + 5;
        int end = pem.indexOf("-----END ", bodyStart);
        if (begin < 0 || end < 0 || pem.startsWith("ENCRYPTED", begin + 11)) {
            throw new IllegalArgumentException("the key file must hold an unencrypted PEM key");
        }
        byte[] der =
                Base64.getMimeDecoder().decode(pem.substring(bodyStart, end).replaceAll("\\s", ""));
        if (pem.startsWith("RSA PRIVATE KEY", begin + 11)) {
            der = wrapPkcs1(der);
        }
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(der);
        for (String algorithm : new String[] {"RSA", "EC", "EdDSA"}) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (InvalidKeySpecException e) {
                // Not this algorithm.
            }
        }
        throw new InvalidKeySpecException("neither an RSA, EC nor EdDSA key");
    }

    /** PKCS#8 (RFC 5208) around a PKCS#1 RSA key: version, algorithm, octet string. */
    private static byte[] wrapPkcs1(byte[] key) {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.writeBytes(RSA_ALGORITHM);
        body.write(0x04);
        writeLength(body, key.length);
        body.writeBytes(key);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(0x30);
        writeLength(out, body.size());
        out.writeBytes(body.toByteArray());
        return out.toByteArray();
    }

    private static void writeLength(ByteArrayOutputStream out, int length) {
        if (length < 0x80) {
            out.write(length);
        } else if (length < 0x100) {
            out.write(0x81);
            out.write(length);
        } else {
            out.write(0x82);
            out.write(length >>> 8);
            out.write(length);
        }
    }
}
