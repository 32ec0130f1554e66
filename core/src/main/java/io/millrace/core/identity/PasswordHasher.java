package io.millrace.core.identity;

/**
 * Makes slow, salted hashes of passwords, so that who reads the store does not learn them. Callable
 * from any thread.
 */
public interface PasswordHasher {
    /** A new hash with a salt of its own; its text says how it was made. */
    String hash(String password);

    /** Whether a hash is one of this password; false for a text that is no hash. */
    boolean matches(String password, String hash);
}
