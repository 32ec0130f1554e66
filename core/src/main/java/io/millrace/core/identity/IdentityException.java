package io.millrace.core.identity;

/** A request about identities that is refused; its message holds no secret. */
public final class IdentityException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why. */
    public enum Reason {
        /** A value is wrong, or what it names must not be changed. */
        INVALID,
        USER_NOT_FOUND,
        TENANT_NOT_FOUND,
        /** User name or password is wrong; which of them is not told. */
        LOGIN_FAILED,
        /** Too many logins failed; the message says how long to wait. */
        TOO_MANY_LOGINS,
        /** The caller's roles do not reach so far. */
        NOT_ALLOWED
    }

    private final Reason reason;

    public IdentityException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }

    /** The message, never null. */
    public String text() {
        String message = getMessage();
        return message == null ? reason.name() : message;
    }
}
