package io.millrace.mysql.capture;

import java.io.IOException;

/** An error packet of the server. */
final class ServerErrorException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int number;
    private final String state;

    ServerErrorException(int number, String state, String message) {
        super(message);
        this.number = number;
        this.state = state;
    }

    /** The server's error number, such as 1236. */
    int number() {
        return number;
    }

    /** SQLSTATE, may be empty. */
    String state() {
        return state;
    }

    String text() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}
