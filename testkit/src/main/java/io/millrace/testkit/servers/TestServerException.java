package io.millrace.testkit.servers;

/**
 * A test server could not be prepared, started or stopped; the message says which one, why, and
 * what to do.
 */
public final class TestServerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TestServerException(String message) {
        super(message);
    }

    public TestServerException(String message, Throwable cause) {
        super(message, cause);
    }
}
