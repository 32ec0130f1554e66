package io.millrace.server;

import io.millrace.core.identity.PasswordHasher;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;

/**
 * Argon2id with 19 MiB of memory and two passes, the least that OWASP's cheat sheet on password
 * storage recommends. The text form is the usual one, {@code $argon2id$v=19$m=…,t=…,p=…$salt$hash},
 * so that later hashes can be made at a higher cost.
 */
final class Argon2Hasher implements PasswordHasher {
    private static final int MEMORY_KIB = 19 << 10;
    private static final int PASSES = 2;
    private static final int LANES = 1;
    private static final int SALT_BYTES = 16;
    private static final int HASH_BYTES = 32;

    /** Bounds of a stored text, so that a damaged one costs no more than a good one. */
    private static final int MAX_MEMORY_KIB = 256 << 10;

    private static final int MAX_PASSES = 16;

    private static final Pattern TEXT =
            Pattern.compile(
                    "\\$argon2id\\$v=19\\$m=(\\d{1,7}),t=(\\d{1,2}),p=1\\$([A-Za-z0-9+/]{16,64})"
                            + "\\$([A-Za-z0-9+/]{32,128})");

    private final SecureRandom random = new SecureRandom();

    @Override
    public String hash(String password) {
        byte[] salt = new byte[SALT_BYTES];
        random.nextBytes(salt);
        Base64.Encoder base64 = Base64.getEncoder().withoutPadding();
        return "$argon2id$v=19$m="
                + MEMORY_KIB
                + ",t="
                + PASSES
                + ",p="
                + LANES
                + "$"
                + base64.encodeToString(salt)
                + "$"
                + base64.encodeToString(compute(password, salt, MEMORY_KIB, PASSES, HASH_BYTES));
    }

    @Override
    public boolean matches(String password, String hash) {
        Matcher parts = TEXT.matcher(hash);
        if (!parts.matches()) {
            return false;
        }
        int memory = Integer.parseInt(parts.group(1));
        int passes = Integer.parseInt(parts.group(2));
        if (memory < 8 || memory > MAX_MEMORY_KIB || passes < 1 || passes > MAX_PASSES) {
            return false;
        }
        try {
            byte[] salt = Base64.getDecoder().decode(parts.group(3));
            byte[] wanted = Base64.getDecoder().decode(parts.group(4));
            return MessageDigest.isEqual(
                    compute(password, salt, memory, passes, wanted.length), wanted);
        } catch (IllegalArgumentException notBase64) {
            return false;
        }
    }

    private static byte[] compute(
            String password, byte[] salt, int memory, int passes, int length) {
        Argon2BytesGenerator argon = new Argon2BytesGenerator();
        argon.init(
                new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                        .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                        .withMemoryAsKB(memory)
                        .withIterations(passes)
                        .withParallelism(LANES)
                        .withSalt(salt)
                        .build());
        byte[] out = new byte[length];
        argon.generateBytes(password.getBytes(StandardCharsets.UTF_8), out);
        return out;
    }
}
