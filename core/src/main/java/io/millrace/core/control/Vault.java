package io.millrace.core.control;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypts records that hold secrets: AES-256-GCM with a random 96-bit nonce per record, bound to
 * the record's key so that ciphertexts cannot be swapped. The key lies in a file of mode 0600.
 */
public final class Vault {
    private static final String PREFIX = "enc1:";
    private static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private final SecretKey key;
    private final SecureRandom random = new SecureRandom();

    private Vault(byte[] key) {
        this.key = new SecretKeySpec(key, "AES");
    }

    /**
     * The vault of a key file, which is made when it does not exist.
     *
     * @throws MillraceException INVALID_CONFIG when it cannot be read or made
     */
    public static Vault open(Path keyFile) {
        try {
            if (!Files.exists(keyFile)) {
                create(keyFile);
            }
            byte[] key = Base64.getDecoder().decode(Files.readString(keyFile).trim());
            if (key.length != KEY_BYTES) {
                throw badKey(keyFile, "it does not hold a 256-bit key", null);
            }
            return new Vault(key);
        } catch (IOException | IllegalArgumentException e) {
            throw badKey(keyFile, String.valueOf(e.getMessage()), e);
        }
    }

    private static void create(Path keyFile) throws IOException {
        byte[] key = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(key);
        Path directory = keyFile.toAbsolutePath().getParent();
        if (directory == null) {
            throw new IOException("no directory");
        }
        Files.createDirectories(directory);
        boolean posix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
        Path fresh =
                posix
                        ? Files.createTempFile(
                                directory,
                                "secret",
                                ".tmp",
                                PosixFilePermissions.asFileAttribute(
                                        PosixFilePermissions.fromString("rw-------")))
                        : Files.createTempFile(directory, "secret", ".tmp");
        Files.writeString(fresh, Base64.getEncoder().encodeToString(key) + "\n");
        try {
            Files.move(fresh, keyFile, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileAlreadyExistsException other) {
            Files.delete(fresh);
        }
    }

    private static MillraceException badKey(
            Path file, String why, @org.jspecify.annotations.Nullable Throwable cause) {
        return new MillraceException(
                ErrorCode.INVALID_CONFIG, "cannot use the key file " + file + ": " + why, cause);
    }

    /** Encrypts a record's text for the store key it will be kept under. */
    public String seal(String storeKey, String text) {
        try {
            byte[] nonce = new byte[NONCE_BYTES];
            random.nextBytes(nonce);
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
            cipher.updateAAD(storeKey.getBytes(StandardCharsets.UTF_8));
            byte[] sealed = cipher.doFinal(text.getBytes(StandardCharsets.UTF_8));
            byte[] both = new byte[NONCE_BYTES + sealed.length];
            System.arraycopy(nonce, 0, both, 0, NONCE_BYTES);
            System.arraycopy(sealed, 0, both, NONCE_BYTES, sealed.length);
            return PREFIX + Base64.getEncoder().encodeToString(both);
        } catch (GeneralSecurityException e) {
            throw new MillraceException(ErrorCode.INTERNAL, "cannot encrypt " + storeKey, e);
        }
    }

    /** Reads back {@link #seal}. */
    public String unseal(String storeKey, String sealed) {
        try {
            if (!sealed.startsWith(PREFIX)) {
                throw new GeneralSecurityException("not an encrypted record");
            }
            byte[] both = Base64.getDecoder().decode(sealed.substring(PREFIX.length()));
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(
                    Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, both, 0, NONCE_BYTES));
            cipher.updateAAD(storeKey.getBytes(StandardCharsets.UTF_8));
            return new String(
                    cipher.doFinal(both, NONCE_BYTES, both.length - NONCE_BYTES),
                    StandardCharsets.UTF_8);
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "cannot decrypt the record "
                            + storeKey
                            + ": the key file does not belong to this metadata store; put back the"
                            + " key file that was in the data directory when the record was written",
                    e);
        }
    }
}
