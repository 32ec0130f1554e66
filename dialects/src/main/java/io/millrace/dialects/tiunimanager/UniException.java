package io.millrace.dialects.tiunimanager;

import io.millrace.core.control.Secrets;
import org.jspecify.annotations.Nullable;

/** A request that ends with a failure of the TiUniManager API. */
public final class UniException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final UniCode code;
    private final String subject;

    /**
     * @param detail without secrets; empty for none
     */
    public UniException(UniCode code, String detail) {
        this(code, detail, null);
    }

    /**
     * @param detail without secrets; empty for none
     * @param cause its message becomes part of the answer
     */
    public UniException(UniCode code, String detail, @Nullable Throwable cause) {
        this(code, detail, cause, "");
    }

    private UniException(UniCode code, String detail, @Nullable Throwable cause, String subject) {
        super(detail, cause);
        this.code = code;
        this.subject = subject;
    }

    /** The same failure with what it was about, for the audit log. */
    UniException about(String what) {
        return new UniException(code, detail(), getCause(), what);
    }

    public UniCode code() {
        return code;
    }

    /** Empty for none. */
    public String detail() {
        String detail = getMessage();
        return detail == null ? "" : detail;
    }

    /** What it was about, for the audit log; empty when the path says it. */
    String subject() {
        return subject;
    }

    /** The member {@code message} of the answer. */
    String text() {
        Throwable cause = getCause();
        String why =
                cause == null
                        ? ""
                        : cause.getMessage() == null ? cause.toString() : cause.getMessage();
        return code.message(detail(), Secrets.maskText(why));
    }
}
