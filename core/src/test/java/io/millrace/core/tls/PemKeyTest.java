package io.millrace.core.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PemKeyTest {
    /** Of an RSA key in PKCS#8: version, algorithm, head of the octets. */
    private static final int RSA_2048_HEAD = 26;

    private static String pem(String label, byte[] der) {
        return "-----BEGIN "
                + label
                + "-----\n"
                + Base64.getMimeEncoder().encodeToString(der)
                + "\n-----END "
                + label
                + "-----\n";
    }

    @ParameterizedTest
    @CsvSource({"RSA, 2048", "EC, 256", "EC, 521", "Ed25519, 0"})
    void readsPkcs8AndWritesItBack(String algorithm, int size) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
        if (size > 0) {
            generator.initialize(size);
        }
        PrivateKey key = generator.generateKeyPair().getPrivate();
        PemKey read = PemKey.read(pem("PRIVATE KEY", key.getEncoded()));
        assertThat(read.key()).isEqualTo(key);
        assertThat(PemKey.read(read.text()).key()).isEqualTo(key);
        assertThat(read.toString()).doesNotContain(Arrays.toString(key.getEncoded()));
    }

    @Test
    void readsPkcs1() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        PrivateKey key = generator.generateKeyPair().getPrivate();
        byte[] inner = Arrays.copyOfRange(key.getEncoded(), RSA_2048_HEAD, key.getEncoded().length);
        PemKey read = PemKey.read(pem("RSA PRIVATE KEY", inner));
        assertThat(read.key()).isEqualTo(key);
        assertThat(read.text()).startsWith("-----BEGIN PRIVATE KEY-----\n");
    }

    @ParameterizedTest
    @CsvSource({
        "secp256r1, 32, a00a06082a8648ce3d030107",
        "secp384r1, 48, a00706052b81040022",
        "secp521r1, 66, a00706052b81040023"
    })
    void readsSec1BehindACertificateAndCurveParameters(String name, int size, String curve)
            throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec(name));
        ECPrivateKey key = (ECPrivateKey) generator.generateKeyPair().getPrivate();
        String number = key.getS().toString(16);
        String members =
                "020101"
                        + "04%02x".formatted(size)
                        + "0".repeat(2 * size - number.length())
                        + number;
        String text =
                pem("CERTIFICATE", new byte[9])
                        + pem("EC PARAMETERS", HexFormat.of().parseHex(curve.substring(4)))
                        + pem("EC PRIVATE KEY", sequence(members + curve));
        ECPrivateKey read = (ECPrivateKey) PemKey.read(text).key();
        assertThat(read.getS()).isEqualTo(key.getS());
        assertThat(read.getParams().getCurve()).isEqualTo(key.getParams().getCurve());
        assertThatThrownBy(() -> PemKey.read(pem("EC PRIVATE KEY", sequence(members))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no curve");
    }

    private static byte[] sequence(String members) {
        return HexFormat.of().parseHex("30%02x".formatted(members.length() / 2) + members);
    }

    @Test
    void saysWhyThereIsNone() {
        refused("", "no complete private key");
        refused("-----BEGIN RSA PRIVATE KEY-----", "no complete private key");
        refused(pem("CERTIFICATE", new byte[3]), "no complete private key");
        refused(pem("ENCRYPTED PRIVATE KEY", new byte[3]), "encrypted");
        refused(
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n"
                        + "-----END RSA PRIVATE KEY-----",
                "encrypted");
        refused(pem("PRIVATE KEY", new byte[3]), "neither");
        refused(pem("EC PRIVATE KEY", new byte[] {0x30, (byte) 0x84, 127, 127}), "damaged");
        refused("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----", "Base64");
    }

    private static void refused(String pem, String why) {
        assertThatThrownBy(() -> PemKey.read(pem))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why);
    }
}
