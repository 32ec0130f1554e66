package io.millrace.cli;

/**
 * A failure whose message is all that the user needs; printed without a stack trace, exit code 1.
 */
final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String code;

    CliException(String message) {
        this(message, "");
    }

    /**
     * @param code {@code error_code} of the server's answer; empty when it did not come from there
     */
    CliException(String message, String code) {
        super(message);
        this.code = code;
    }

    String code() {
        return code;
    }
}
