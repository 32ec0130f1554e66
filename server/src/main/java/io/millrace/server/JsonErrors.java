package io.millrace.server;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Answers requests that are refused before a route sees them (broken escapes, malformed or too long
 * headers) in the dialect's error shape; Jetty alone would send a page of HTML.
 */
final class JsonErrors extends ErrorHandler {
    private static final String TYPE = "application/json; charset=utf-8";

    /** Makes the body from status and message. */
    interface Body {
        String of(int status, String message);
    }

    private final Body body;

    JsonErrors(Body body) {
        this.body = body;
    }

    private ByteBuffer bytes(int status, @Nullable String reason) {
        String message =
                reason == null || reason.isEmpty() ? HttpStatus.getMessage(status) : reason;
        return ByteBuffer.wrap(body.of(status, message).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    protected void generateResponse(
            Request request,
            Response response,
            int code,
            @Nullable String message,
            @Nullable Throwable cause,
            Callback callback) {
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, TYPE);
        response.write(true, bytes(code, message), callback);
    }

    @Override
    public boolean errorPageForMethod(String method) {
        return true;
    }
}
