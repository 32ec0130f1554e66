package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class Argon2HasherTest {
    private final Argon2Hasher hasher = new Argon2Hasher();

    @Test
    void aHashMatchesItsPasswordAlone() {
        String one = hasher.hash("päss wörd");
        assertThat(one).startsWith("$argon2id$v=19$m=19456,t=2,p=1$").doesNotContain("päss");
        assertThat(hasher.hash("päss wörd")).as("salted").isNotEqualTo(one);
        assertThat(hasher.matches("päss wörd", one)).isTrue();
        assertThat(hasher.matches("päss worD", one)).isFalse();
        assertThat(hasher.matches("", one)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "password",
                "$argon2id$v=19$m=9999999,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE",
                "$argon2id$v=19$m=64,t=99,p=1$c29tZXNhbHRzb21lc2FsdA$QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE",
                "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE",
            })
    void damagedTextsMatchNothing(String hash) {
        assertThat(hasher.matches("password", hash)).isFalse();
    }
}
