package io.millrace.core.tls;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

/**
 * An unencrypted private key out of a PEM file: PKCS#8 ({@code BEGIN PRIVATE KEY}), or what older
 * tools write, PKCS#1 ({@code BEGIN RSA PRIVATE KEY}, RFC 8017 A.1.2) and SEC 1 ({@code BEGIN EC
 * PRIVATE KEY}, RFC 5915). Other blocks of the file, such as certificates and curve parameters, are
 * skipped.
 */
public final class PemKey {
    private static final String BEGIN = "-----BEGIN ";
    private static final String DASHES = "-----";
    private static final int INTEGER = 0x02;
    private static final int OCTETS = 0x04;
    private static final int SEQUENCE = 0x30;
    private static final int CURVE = 0xa0;

    /** rsaEncryption, with the NULL that stands for its parameters. */
    private static final byte[] RSA_ALGORITHM =
            HexFormat.of().parseHex("300d06092a864886f70d0101010500");

    /** id-ecPublicKey; the curve follows. */
    private static final byte[] EC_ALGORITHM = HexFormat.of().parseHex("06072a8648ce3d0201");

    private static final byte[] VERSION = {INTEGER, 1, 0};
    private static final List<String> ALGORITHMS = List.of("RSA", "EC", "EdDSA");
    private static final int LINE = 64;

    private final byte[] pkcs8;
    private final PrivateKey key;

    private PemKey(byte[] pkcs8, PrivateKey key) {
        this.pkcs8 = pkcs8;
        this.key = key;
    }

    /**
     * Reads the first private key.
     *
     * @throws IllegalArgumentException that says why there is none; never with a part of the key
     */
    public static PemKey read(String pem) {
        for (int at = pem.indexOf(BEGIN); at >= 0; at = pem.indexOf(BEGIN, at + 1)) {
            int labelEnd = pem.indexOf(DASHES, at + BEGIN.length());
            int end = labelEnd < 0 ? -1 : pem.indexOf("-----END ", labelEnd);
            if (end < 0) {
                break;
            }
            String label = pem.substring(at + BEGIN.length(), labelEnd);
            if (label.endsWith("PRIVATE KEY")) {
                return of(label, pem.substring(labelEnd + DASHES.length(), end));
            }
        }
        throw new IllegalArgumentException("it holds no complete private key in PEM form");
    }

    private static PemKey of(String label, String body) {
        if (label.startsWith("ENCRYPTED") || body.contains("ENCRYPTED")) {
            throw new IllegalArgumentException(
                    "the key is encrypted; write it without a password, with openssl pkcs8 -topk8"
                            + " -nocrypt");
        }
        byte[] der;
        try {
            der = Base64.getDecoder().decode(body.replaceAll("\\s", ""));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the key's text is not Base64", e);
        }
        byte[] pkcs8 =
                switch (label) {
                    case "RSA PRIVATE KEY" -> wrap(RSA_ALGORITHM, der);
                    case "EC PRIVATE KEY" -> wrap(ecAlgorithm(der), der);
                    default -> der;
                };
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(pkcs8);
        for (String algorithm : ALGORITHMS) {
            try {
                return new PemKey(pkcs8, KeyFactory.getInstance(algorithm).generatePrivate(spec));
            } catch (InvalidKeySpecException e) {
                continue; // not this algorithm
            } catch (GeneralSecurityException e) {
                throw new IllegalArgumentException(e.getMessage(), e);
            }
        }
        throw new IllegalArgumentException("it is neither an RSA, EC nor EdDSA key");
    }

    /** PKCS#8 (RFC 5208): version, algorithm, and the key as a string of octets. */
    private static byte[] wrap(byte[] algorithm, byte[] key) {
        return element(SEQUENCE, VERSION, algorithm, element(OCTETS, key));
    }

    private static byte[] ecAlgorithm(byte[] der) {
        Reader outer = new Reader(der);
        Reader members = new Reader(outer.content(SEQUENCE));
        members.content(INTEGER);
        members.content(OCTETS);
        // The public key may follow; without the curve, which may be missing by the RFC, the
        // number alone is no key.
        return element(SEQUENCE, EC_ALGORITHM, members.content(CURVE));
    }

    private static byte[] element(int tag, byte[]... parts) {
        int length = Arrays.stream(parts).mapToInt(part -> part.length).sum();
        ByteArrayOutputStream out = new ByteArrayOutputStream(length + 4);
        out.write(tag);
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
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    /** Goes through DER elements, one after the other. */
    private static final class Reader {
        private final byte[] bytes;
        private int at;

        Reader(byte[] bytes) {
            this.bytes = bytes;
        }

        byte[] content(int tag) {
            if (at + 2 > bytes.length || (bytes[at] & 0xff) != tag) {
                throw new IllegalArgumentException("the EC key is damaged or names no curve");
            }
            int length = bytes[at + 1] & 0xff;
            at += 2;
            if (length >= 0x80) {
                int digits = length - 0x80;
                length = 0;
                for (int i = 0; i < digits && at < bytes.length; i++) {
                    length = length << 8 | bytes[at++] & 0xff;
                }
            }
            if (length < 0 || length > bytes.length - at) {
                throw new IllegalArgumentException("the EC key is damaged or names no curve");
            }
            byte[] found = Arrays.copyOfRange(bytes, at, at + length);
            at += length;
            return found;
        }
    }

    /** The key itself. */
    public PrivateKey key() {
        return key;
    }

    /** The key as a PKCS#8 PEM text. */
    public String text() {
        return "-----BEGIN PRIVATE KEY-----\n"
                + Base64.getMimeEncoder(LINE, "\n".getBytes(StandardCharsets.US_ASCII))
                        .encodeToString(pkcs8)
                + "\n-----END PRIVATE KEY-----\n";
    }

    @Override
    public String toString() {
        return "PemKey[" + key.getAlgorithm() + "]";
    }
}
