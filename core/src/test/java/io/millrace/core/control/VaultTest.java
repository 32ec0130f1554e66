package io.millrace.core.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.MillraceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("NullAway.Init") // the folder is set before each test
final class VaultTest {
    @TempDir Path dir;

    @Test
    void readsBackWhatItSealedAlsoAfterReopening() throws Exception {
        Path key = dir.resolve("sub/secret.key");
        String sealed = Vault.open(key).seal("/k", "pässword");
        assertThat(sealed).startsWith("enc1:").doesNotContain("ssword");
        assertThat(Vault.open(key).unseal("/k", sealed)).isEqualTo("pässword");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(key)))
                .isEqualTo("rw-------");
    }

    @Test
    void equalTextsHaveDifferentCiphertexts() {
        Vault vault = Vault.open(dir.resolve("k"));
        assertThat(vault.seal("/k", "x")).isNotEqualTo(vault.seal("/k", "x"));
    }

    @Test
    void refusesAnotherPlaceAChangedTextAndAnotherKey() {
        Vault vault = Vault.open(dir.resolve("k"));
        String sealed = vault.seal("/a", "text");
        String changed = sealed.substring(0, sealed.length() - 6) + "AAAA==";
        assertThatThrownBy(() -> vault.unseal("/b", sealed)).isInstanceOf(MillraceException.class);
        assertThatThrownBy(() -> vault.unseal("/a", changed)).isInstanceOf(MillraceException.class);
        assertThatThrownBy(() -> vault.unseal("/a", "plain")).isInstanceOf(MillraceException.class);
        assertThatThrownBy(() -> Vault.open(dir.resolve("other")).unseal("/a", sealed))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("key file does not belong");
    }

    @Test
    void refusesAFileThatIsNoKey() throws Exception {
        Path key = dir.resolve("bad");
        Files.writeString(key, "c2hvcnQ=");
        assertThatThrownBy(() -> Vault.open(key)).hasMessageContaining("256-bit key");
    }
}
