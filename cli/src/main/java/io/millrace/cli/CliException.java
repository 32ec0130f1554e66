package io.millrace.cli;

/**
 * A failure whose message is all that the user needs; printed without a stack trace, exit code 1.
 */
final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CliException(String message) {
        super(message);
    }
}
