package io.millrace.dialects.ticdc;

import com.fasterxml.jackson.databind.JsonNode;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpResponseException;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.Secrets;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** Puts the TiCDC routes on a listener, with TiCDC's rules for everything around them. */
public final class TiCdcDialect {
    private static final String JSON = "application/json; charset=utf-8";
    private static final Pattern LINE_BREAKS = Pattern.compile("\\p{Cntrl}");

    /** Characters of a client's text in the log. */
    private static final int MAX_LOGGED = 200;

    private static final Logger LOG = LoggerFactory.getLogger(TiCdcDialect.class);

    /** Checks a user's password; not installed when the listener is open. */
    public interface Authenticator {
        boolean accepts(String user, String password);
    }

    private record Route(HandlerType method, Pattern path) {}

    private final Supplier<Optional<ControlPlane>> control;
    private final TiCdcSettings settings;
    private final LogLevels logLevels;
    private final Optional<Authenticator> authenticator;
    private final List<Route> known = new ArrayList<>();

    /**
     * @param control empty until the server is ready: until then everything answers 503
     */
    public TiCdcDialect(
            Supplier<Optional<ControlPlane>> control,
            TiCdcSettings settings,
            LogLevels logLevels,
            Optional<Authenticator> authenticator) {
        this.control = control;
        this.settings = settings;
        this.logLevels = logLevels;
        this.authenticator = authenticator;
    }

    /** Registers routes and error answers. */
    public void install(JavalinConfig config) {
        config.router.ignoreTrailingSlashes = false;
        config.http.defaultContentType = "text/plain";
        config.requestLogger.http(TiCdcDialect::log);
        // The framework would answer HEAD for every GET route; TiCDC routes none.
        config.routes.before(request -> {
            if (request.method() == HandlerType.HEAD) {
                notFound(request);
                request.skipRemainingHandlers();
            }
        });
        Routes.install((method, path, action) -> route(config, method, path, action));
        config.routes.exception(MillraceException.class, this::refuse);
        config.routes.exception(
                TiCdcApi.ReachedMaxTry.class,
                (e, request) ->
                        fail(request, String.valueOf(e.getMessage()), "CDC:ErrReachMaxTry"));
        config.routes.exception(HttpResponseException.class, this::httpError);
        config.routes.exception(
                Exception.class,
                (e, request) -> {
                    LOG.error(
                            "request failed method={} path={}",
                            request.method(),
                            request.path(),
                            e);
                    fail(
                            request,
                            Secrets.maskText("the request failed inside the server: " + e),
                            "");
                });
    }

    private void route(
            JavalinConfig config, HandlerType method, String path, Routes.Action action) {
        known.add(new Route(method, Pattern.compile(path.replaceAll("\\{[a-z]+}", "[^/]+"))));
        config.routes.addHttpHandler(
                method,
                path,
                request -> {
                    Optional<ControlPlane> ready = control.get();
                    if (ready.isEmpty()) {
                        String code = "CDC:ErrServerIsNotReady";
                        answer(
                                request,
                                503,
                                CdcErrors.body("[" + code + "]cdc server is not ready", code));
                        return;
                    }
                    if (!authenticated(request)) {
                        return;
                    }
                    TiCdcApi api =
                            new TiCdcApi(ready.get(), settings, logLevels, Clock.systemUTC());
                    TiCdcV1 v1 = new TiCdcV1(api, ready.get(), settings);
                    TiCdcInternals internals = new TiCdcInternals(api, ready.get(), settings);
                    Routes.Answer answer = action.run(new Routes.Apis(v1, api, internals), request);
                    answer.body()
                            .ifPresentOrElse(
                                    body -> answer(request, answer.status(), body),
                                    () -> request.status(answer.status()).result(answer.text()));
                });
    }

    /** Who changed what; who only looked is told on request. */
    private static void log(Context request, float ms) {
        Level level = request.method() == HandlerType.GET ? Level.DEBUG : Level.INFO;
        if (LOG.isEnabledForLevel(level)) {
            var given = request.basicAuthCredentials();
            // Raw, so that no line break of a path can look like a line of its own.
            LOG.atLevel(level)
                    .log(
                            "request method={} path={} status={} ms={} from={} user={} client_version={}",
                            request.method(),
                            shortened(request.req().getRequestURI()),
                            request.statusCode(),
                            Math.round(ms),
                            request.ip(),
                            given == null ? "" : shortened(given.getUsername()),
                            shortened(request.header("X-client-version")));
        }
    }

    private static String shortened(@Nullable String text) {
        if (text == null) {
            return "";
        }
        String plain = LINE_BREAKS.matcher(text).replaceAll("?");
        return plain.length() <= MAX_LOGGED ? plain : plain.substring(0, MAX_LOGGED) + "…";
    }

    private boolean authenticated(Context request) {
        if (authenticator.isEmpty()) {
            return true;
        }
        var given = request.basicAuthCredentials();
        if (given != null
                && authenticator.get().accepts(given.getUsername(), given.getPassword())) {
            return true;
        }
        String code = given == null ? "CDC:ErrCredentialNotFound" : "CDC:ErrUnauthorized";
        String why =
                given == null
                        ? "credential not found: send a Basic Authorization header"
                        : "user name or password is wrong";
        request.header("WWW-Authenticate", "Basic realm=\"millrace\"");
        answer(request, 401, CdcErrors.body("[" + code + "]" + why, code));
        return false;
    }

    private void refuse(MillraceException e, Context request) {
        // The sink scheme is in the message's own words; the API's errors before a sink exists need
        // none, and those about a sink name it in their message.
        String scheme = sinkSchemeOf(request);
        if (e.code() == ErrorCode.INTERNAL) {
            LOG.error("request failed method={} path={}", request.method(), request.path(), e);
        }
        fail(request, CdcErrors.text(e, scheme), CdcErrors.code(e.code(), scheme));
    }

    /** Looks up which kind of sink a create request was about, to choose between error codes. */
    private static String sinkSchemeOf(Context request) {
        try {
            return GoJson.bind(request.bodyAsBytes(), TiCdcApi.CREATE, GoJson.object())
                    .path("sink_uri")
                    .asText("")
                    .replaceFirst(":.*$", "");
        } catch (MillraceException | HttpResponseException notACreateRequest) {
            return "";
        }
    }

    private static void fail(Context request, String text, String code) {
        answer(request, CdcErrors.status(text), CdcErrors.body(text, code));
    }

    private static void answer(Context request, int status, JsonNode body) {
        request.status(status).contentType(JSON).result(GoJson.write(body));
    }

    private void httpError(HttpResponseException e, Context request) {
        switch (e.getStatus()) {
            case 404 -> notFound(request);
            case 413 ->
                    refuse(
                            new MillraceException(
                                    ErrorCode.INVALID_PARAMETER,
                                    "invalid api parameter: the request body is too large"),
                            request);
            default -> {
                LOG.warn(
                        "request failed method={} path={} status={}",
                        request.method(),
                        request.path(),
                        e.getStatus());
                fail(request, String.valueOf(e.getMessage()), "");
            }
        }
    }

    /** Unknown path or method: 404; a path off by a trailing slash is redirected. */
    private void notFound(Context request) {
        String path = request.path();
        String other = path.endsWith("/") ? path.substring(0, path.length() - 1) : path + "/";
        for (Route route : known) {
            if (route.method() == request.method() && route.path().matcher(other).matches()) {
                String query = request.queryString();
                request.header("Location", query == null ? other : other + "?" + query);
                request.status(request.method() == HandlerType.GET ? 301 : 307)
                        .contentType("text/plain")
                        .result("");
                return;
            }
        }
        answer(
                request,
                404,
                CdcErrors.body(
                        "404 page not found: there is no " + request.method() + " " + path, ""));
    }

    /**
     * The error object for a request that did not get as far as a route, such as one with a broken
     * percent escape.
     */
    public static String errorBody(int status, String message) {
        if (status >= 500) {
            return GoJson.write(CdcErrors.body(message, ""));
        }
        String code = CdcErrors.code(ErrorCode.INVALID_PARAMETER, "");
        return GoJson.write(CdcErrors.body("[" + code + "]invalid request: " + message, code));
    }
}
