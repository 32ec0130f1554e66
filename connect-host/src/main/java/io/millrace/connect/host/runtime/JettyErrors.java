package io.millrace.connect.host.runtime;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Errors that Jetty answers before Connect's resources see the request, in Connect's shape instead
 * of HTML: requests that break HTTP's rules, and all requests until the resources are there.
 */
final class JettyErrors extends ErrorHandler {
    private static final ObjectMapper JSON = new ObjectMapper();

    private volatile boolean resourcesThere;

    /** From now on a path that nothing serves is not there, instead of not there yet. */
    void resourcesThere() {
        resourcesThere = true;
    }

    @Override
    public boolean errorPageForMethod(String method) {
        return true;
    }

    @Override
    protected void generateResponse(
            Request request,
            Response response,
            int code,
            @Nullable String message,
            @Nullable Throwable cause,
            Callback callback)
            throws IOException {
        int status = code;
        String text = message == null ? HttpStatus.getMessage(code) : message;
        if (!resourcesThere && code == HttpStatus.NOT_FOUND_404) {
            status = HttpStatus.SERVICE_UNAVAILABLE_503;
            text = HostState.STARTING;
            response.setStatus(status);
        }
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
        response.write(true, ByteBuffer.wrap(body(status, text)), callback);
    }

    private static byte[] body(int status, String text) {
        try {
            Map<String, Object> error = new LinkedHashMap<>();
            error.put("error_code", status);
            error.put("message", text);
            return JSON.writeValueAsBytes(error);
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new IllegalStateException("a number and a text are always JSON", e);
        }
    }
}
