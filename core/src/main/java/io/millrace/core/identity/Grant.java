package io.millrace.core.identity;

/**
 * What a role allows.
 *
 * @param resource one of {@link Identities#RESOURCES}
 * @param action one of {@link Identities#ACTIONS}; {@value #ANY} is all of them
 */
public record Grant(String resource, String action) {
    /** Every action. */
    public static final String ANY = "*";

    /** Whether who has this may do what {@code other} allows. */
    public boolean covers(Grant other) {
        return resource.equals(other.resource())
                && (action.equals(ANY) || action.equals(other.action()));
    }
}
