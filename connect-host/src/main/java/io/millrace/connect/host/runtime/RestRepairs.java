package io.millrace.connect.host.runtime;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonGenerator;
import io.millrace.connect.host.ConnectSettings.Login;
import jakarta.annotation.Priority;
import jakarta.ws.rs.Priorities;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.core.Configurable;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.ExceptionMapper;
import jakarta.ws.rs.ext.ReaderInterceptor;
import jakarta.ws.rs.ext.ReaderInterceptorContext;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.NotFoundException;
import org.apache.kafka.connect.rest.ConnectRestExtension;
import org.apache.kafka.connect.rest.ConnectRestExtensionContext;
import org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest;
import org.apache.kafka.connect.runtime.rest.entities.ErrorMessage;
import org.apache.kafka.connect.runtime.rest.errors.BadRequestException;
import org.apache.kafka.connect.runtime.rest.errors.ConnectRestException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Corrections of Connect's API, as an extension of it: bad requests are 4xx in Connect's error
 * shape where Connect answers 500, and 503 is the answer until the worker is ready.
 *
 * <p>Connect makes one by name; it finds its worker under {@link HostState#KEY} of the settings.
 */
public final class RestRepairs implements ConnectRestExtension {
    private static final Logger LOG = LoggerFactory.getLogger(RestRepairs.class);

    /**
     * A configuration is one record in Kafka, of at most 1 MiB with all around it; Connect answers
     * 500 to a larger one, after it has read any number of bytes into memory.
     */
    private static final int MAX_BODY_BYTES = 1_000_000;

    /** Offsets, and what workers tell each other of all tasks of a connector: many records. */
    private static final int MAX_MANY_BYTES = 64_000_000;

    private static final Pattern OFFSETS = Pattern.compile("connectors/[^/]+/offsets/?");

    /** Requests of workers among themselves; they carry a signature instead of a login. */
    private static final Pattern INTERNAL = Pattern.compile("connectors/[^/]+/(tasks|fence)/?");

    private static final Pattern VALIDATE =
            Pattern.compile("connector-plugins/([^/]+)/config/validate/?");

    private volatile HostState state = new HostState(Optional.empty());

    @Override
    public void configure(Map<String, ?> settings) {
        if (!(settings.get(HostState.KEY) instanceof HostState given)) {
            throw new ConnectException(
                    RestRepairs.class.getName() + " works only in a worker of this host");
        }
        state = given;
    }

    @Override
    public void register(ConnectRestExtensionContext context) {
        Configurable<?> resources = context.configurable();
        resources.register(new AskForLogin(state));
        resources.register(new RefuseUntilReady(state));
        resources.register(new RefuseUnknownPlugin(state));
        resources.register(new LimitBody());
        resources.register(new RefuseMissingBody());
        resources.register(new BadJson());
        resources.register(new FailedCall());
        resources.register(new NameErrorsJson());
        resources.register(new OtherWorkerGone());
    }

    @Override
    public String version() {
        return AppInfoParser.getVersion();
    }

    @Override
    public void close() {}

    private static Response error(int status, String message) {
        return Response.status(status)
                .type(MediaType.APPLICATION_JSON_TYPE)
                .entity(new ErrorMessage(status, message))
                .build();
    }

    private static boolean isInternal(ContainerRequestContext request) {
        return (request.getMethod().equals("POST") || request.getMethod().equals("PUT"))
                && INTERNAL.matcher(request.getUriInfo().getPath()).matches();
    }

    @PreMatching
    @Priority(Priorities.AUTHENTICATION)
    private static final class AskForLogin implements ContainerRequestFilter {
        private static final String BASIC = "Basic ";

        private final HostState state;

        AskForLogin(HostState state) {
            this.state = state;
        }

        @Override
        public void filter(ContainerRequestContext request) {
            if (state.login().isEmpty() || isInternal(request)) {
                return;
            }
            if (!matches(state.login().get(), request.getHeaderString(HttpHeaders.AUTHORIZATION))) {
                request.abortWith(
                        Response.fromResponse(error(401, "User cannot access the resource."))
                                .header(HttpHeaders.WWW_AUTHENTICATE, "Basic realm=\"connect\"")
                                .build());
            }
        }

        private static boolean matches(Login login, @Nullable String header) {
            if (header == null || !header.regionMatches(true, 0, BASIC, 0, BASIC.length())) {
                return false;
            }
            byte[] given;
            try {
                given = Base64.getDecoder().decode(header.substring(BASIC.length()).strip());
            } catch (IllegalArgumentException e) {
                return false;
            }
            byte[] wanted =
                    (login.user() + ":" + login.password()).getBytes(StandardCharsets.UTF_8);
            return MessageDigest.isEqual(given, wanted);
        }
    }

    @PreMatching
    @Priority(Priorities.AUTHENTICATION + 1)
    private static final class RefuseUntilReady implements ContainerRequestFilter {
        private final HostState state;

        RefuseUntilReady(HostState state) {
            this.state = state;
        }

        @Override
        public void filter(ContainerRequestContext request) {
            if (state.isReady() || isInternal(request)) {
                return;
            }
            String path = request.getUriInfo().getPath();
            if (path.equals("health") || path.equals("health/")) {
                // What Connect itself answers here, 10 s later.
                Map<String, String> body = new LinkedHashMap<>();
                body.put("status", "starting");
                body.put("message", "Worker is still starting up.");
                request.abortWith(
                        Response.status(503)
                                .type(MediaType.APPLICATION_JSON_TYPE)
                                .entity(body)
                                .build());
                return;
            }
            request.abortWith(error(503, HostState.STARTING));
        }
    }

    private static final class RefuseUnknownPlugin implements ContainerRequestFilter {
        private final HostState state;

        RefuseUnknownPlugin(HostState state) {
            this.state = state;
        }

        @Override
        public void filter(ContainerRequestContext request) {
            Matcher path = VALIDATE.matcher(request.getUriInfo().getPath());
            if (path.matches() && !state.isConnectorKnown(path.group(1))) {
                request.abortWith(error(404, "Unknown plugin " + path.group(1) + "."));
            }
        }
    }

    /** Connect reads bodies of any size into memory. */
    private static final class LimitBody implements ContainerRequestFilter {
        @Override
        public void filter(ContainerRequestContext request) {
            boolean isMany =
                    isInternal(request)
                            || OFFSETS.matcher(request.getUriInfo().getPath()).matches();
            request.setEntityStream(
                    new LimitedBody(
                            request.getEntityStream(), isMany ? MAX_MANY_BYTES : MAX_BODY_BYTES));
        }
    }

    /** Connect's resources take a body for granted. */
    private static final class RefuseMissingBody implements ReaderInterceptor {
        @Override
        public Object aroundReadFrom(ReaderInterceptorContext context) throws IOException {
            Object body;
            try {
                body = context.proceed();
            } catch (jakarta.ws.rs.core.NoContentException e) {
                throw new BadRequestException("The request needs a JSON object as its body", e);
            } catch (JacksonException e) {
                // Inside a map it wraps what the stream throws.
                if (e.getCause() instanceof ConnectRestException tooLarge) {
                    throw tooLarge;
                }
                throw e;
            }
            if (body == null) {
                throw new BadRequestException("The request needs a JSON object as its body");
            }
            if (body instanceof CreateConnectorRequest create && create.config() == null) {
                throw new BadRequestException("The request's body lacks the object 'config'");
            }
            return body;
        }
    }

    /** A body that ends with 413 when it is too large. */
    private static final class LimitedBody extends FilterInputStream {
        private final long limit;
        private long left;

        LimitedBody(InputStream in, long limit) {
            super(in);
            this.limit = limit;
            this.left = limit;
        }

        @Override
        public int read() throws IOException {
            int read = super.read();
            count(read < 0 ? 0 : 1);
            return read;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            count(Math.max(0, read));
            return read;
        }

        private void count(int read) {
            left -= read;
            if (left < 0) {
                throw new ConnectRestException(
                        413,
                        "The request's body is larger than "
                                + limit
                                + " bytes, and so than what Kafka stores of a connector");
            }
        }
    }

    private static final class BadJson implements ExceptionMapper<JacksonException> {
        @Override
        public Response toResponse(JacksonException e) {
            if (e.getProcessor() instanceof JsonGenerator) {
                LOG.error("an answer cannot be written as JSON", e);
                return error(500, e.getOriginalMessage());
            }
            String where = e.getLocation() == null ? "" : place(e);
            return error(
                    400,
                    "The request's body is not what is wanted here: "
                            + e.getOriginalMessage()
                            + where);
        }

        private static String place(JacksonException e) {
            return " (line "
                    + e.getLocation().getLineNr()
                    + ", column "
                    + e.getLocation().getColumnNr()
                    + ")";
        }
    }

    /** Connect passes a failure of validation on in its wrapping, and so as 500. */
    private static final class FailedCall implements ExceptionMapper<ExecutionException> {
        @Override
        public Response toResponse(ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String message = String.valueOf(cause.getMessage());
            return switch (cause) {
                case ConnectRestException known -> error(known.statusCode(), message);
                case NotFoundException missing -> error(404, message);
                case WebApplicationException known ->
                        error(known.getResponse().getStatus(), message);
                default -> {
                    LOG.error("a request failed", cause);
                    yield error(500, message);
                }
            };
        }
    }

    /**
     * Until the group has noticed that a worker is gone, requests that only that one can answer
     * fail; Connect calls this an error of its own (500).
     */
    private static final class OtherWorkerGone implements ContainerResponseFilter {
        private static final String FORWARDING = "IO Error trying to forward REST request: ";

        /** What does not pass by itself stays Connect's 500. */
        private static final Pattern LASTING =
                Pattern.compile("SSL|PKIX|certificat|No subject|No name|Buffering capacity");

        @Override
        public void filter(ContainerRequestContext request, ContainerResponseContext response) {
            if (response.getStatus() == 500
                    && response.getEntity() instanceof ErrorMessage error
                    && error.message() != null
                    && error.message().startsWith(FORWARDING)
                    && !LASTING.matcher(error.message()).find()) {
                response.setStatus(503);
                response.getHeaders().putSingle(HttpHeaders.RETRY_AFTER, "3");
                response.setEntity(
                        new ErrorMessage(
                                503,
                                "The worker of the group that has to answer this cannot be reached ("
                                        + error.message().substring(FORWARDING.length())
                                        + "). If it is gone, another takes its place within the"
                                        + " session time-out: try again then"));
            }
        }
    }

    /** Errors of routing come without a type unless the request was JSON. */
    private static final class NameErrorsJson implements ContainerResponseFilter {
        @Override
        public void filter(ContainerRequestContext request, ContainerResponseContext response) {
            if (response.getEntity() instanceof ErrorMessage && response.getMediaType() == null) {
                response.getHeaders()
                        .putSingle(HttpHeaders.CONTENT_TYPE, MediaType.APPLICATION_JSON_TYPE);
            }
        }
    }
}
