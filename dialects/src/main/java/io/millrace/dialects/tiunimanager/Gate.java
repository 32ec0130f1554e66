package io.millrace.dialects.tiunimanager;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpResponseException;
import io.millrace.core.control.Secrets;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.Fault;
import io.millrace.core.error.MillraceException;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one way in: registers routes under {@code /api/v1}, with and without a slash at their end,
 * and judges each request in TiUniManager's order: route, state of the system, token, decoding,
 * validation, permission, and then the route's own work. Makes the envelope, the trace id and the
 * CORS headers of the answer, and the lines of the audit log: one for each request that changes
 * something or was refused for want of a token or a permission.
 */
public final class Gate {
    static final String BASE = "/api/v1";
    static final String TRACE_HEADER = "Em-X-Trace-Id";

    private static final String JSON = "application/json; charset=utf-8";
    private static final String NOT_FOUND = "404 page not found";
    private static final String BEARER = "Bearer ";
    private static final Pattern USABLE_TRACE = Pattern.compile("[\\x21-\\x7e]{1,128}");
    private static final String TRACE_LETTERS =
            "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    private static final int TRACE_LENGTH = 22;

    /** Characters of a path's parameter in the audit log. */
    private static final int MAX_TARGET = 64;

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Logger LOG = LoggerFactory.getLogger(Gate.class);

    /** Whom a route lets in. */
    enum Door {
        /** Who has the permission. */
        PERMITTED,
        /**
         * Who has the permission, and the user that the path names, who may come with an expired
         * password too: else nobody could change it.
         */
        PERMITTED_OR_SELF,
        /** Everybody. */
        OPEN
    }

    /**
     * A registered route.
     *
     * @param path with the base, without a slash at its end
     * @param permission empty for those that everybody may use
     */
    record Route(HandlerType verb, String path, Door door, Optional<Permission> permission) {
        private Pattern pattern() {
            return Pattern.compile(path.replaceAll("\\{[A-Za-z]+}", "[^/]+") + "/?");
        }
    }

    private record Known(Route route, Pattern pattern) {}

    private final JavalinConfig config;
    private final Keeper keeper;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    private final List<Known> known = new ArrayList<>();

    /** Takes over a listener's rules for everything around routes. */
    Gate(JavalinConfig config, Keeper keeper, Clock clock) {
        this.config = config;
        this.keeper = keeper;
        this.clock = clock;
        config.router.ignoreTrailingSlashes = true;
        config.http.defaultContentType = "text/plain";
        config.routes.before(this::beforeRoutes);
        config.routes.exception(HttpResponseException.class, this::httpError);
        config.routes.exception(
                Exception.class,
                (e, http) -> {
                    LOG.error("request failed method={} path={}", http.method(), http.path(), e);
                    write(http, UniCode.PANIC.status(), failure(UniCode.PANIC, inside(e)));
                });
    }

    /**
     * Registers a route that needs a token and a permission.
     *
     * @param path below {@code /api/v1}, such as {@code /changefeeds/{changeFeedTaskId}}
     * @param read decodes and checks the request, before the permission is looked at
     * @param run does the work
     */
    public <Q> void route(
            HandlerType verb,
            String path,
            Permission permission,
            Function<UniRequest, Q> read,
            BiFunction<Caller, Q, Answer> run) {
        add(new Route(verb, full(path), Door.PERMITTED, Optional.of(permission)), read, run);
    }

    /** A route that the user named by the path's {@code userId} may use without the permission. */
    <Q> void routeOrSelf(
            HandlerType verb,
            String path,
            Permission permission,
            Function<UniRequest, Q> read,
            BiFunction<Caller, Q, Answer> run) {
        add(
                new Route(verb, full(path), Door.PERMITTED_OR_SELF, Optional.of(permission)),
                read,
                run);
    }

    /** A route that needs no token and is served in every state of the system. */
    <Q> void open(
            HandlerType verb,
            String path,
            Function<UniRequest, Q> read,
            BiFunction<Caller, Q, Answer> run) {
        add(new Route(verb, full(path), Door.OPEN, Optional.empty()), read, run);
    }

    /** All routes so far. */
    List<Route> routes() {
        return known.stream().map(Known::route).toList();
    }

    private static String full(String path) {
        return BASE + (path.endsWith("/") ? path.substring(0, path.length() - 1) : path);
    }

    private <Q> void add(
            Route route, Function<UniRequest, Q> read, BiFunction<Caller, Q, Answer> run) {
        known.add(new Known(route, route.pattern()));
        config.routes.addHttpHandler(
                route.verb(), route.path(), http -> serve(http, route, read, run));
    }

    private <Q> void serve(
            Context http,
            Route route,
            Function<UniRequest, Q> read,
            BiFunction<Caller, Q, Answer> run) {
        String trace = trace(http);
        http.header(TRACE_HEADER, trace).header("Cache-Control", "no-store");
        cors(http);
        UniRequest request = new UniRequest(http);
        Caller caller = new Caller("", "", "", http.ip());
        try {
            if (route.door() != Door.OPEN) {
                caller = admit(http, route, caller.address());
            }
            Q question = read.apply(request);
            if (!mayPass(http, route, caller)) {
                throw refused(caller, route.permission().orElseThrow());
            }
            Answer answer = run.apply(caller, question);
            write(http, UniCode.SUCCESS.status(), success(answer));
            record(http, route, caller, trace, answer.subject(), UniCode.SUCCESS);
        } catch (UniException e) {
            write(http, e.code().status(), failure(e.code(), e.text()));
            record(http, route, caller, trace, e.subject(), e.code());
        } catch (MillraceException e) {
            UniCode code = codeOf(e);
            if (code.status() >= 500) {
                LOG.warn("request failed route={} trace={}", route.path(), trace, e);
            }
            write(http, code.status(), failure(code, code.message(Secrets.maskText(e.text()), "")));
            record(http, route, caller, trace, "", code);
        } catch (RuntimeException e) {
            LOG.error("request failed route={} trace={}", route.path(), trace, e);
            write(http, UniCode.PANIC.status(), failure(UniCode.PANIC, inside(e)));
            record(http, route, caller, trace, "", UniCode.PANIC);
        }
    }

    private Caller admit(Context http, Route route, String address) {
        String state = keeper.systemState();
        if (!state.equals(Keeper.RUNNING)) {
            throw new UniException(UniCode.SYSTEM_STATE_CONFLICT, "current state is " + state);
        }
        return switch (keeper.admit(bearer(http.header("Authorization")))) {
            case Keeper.Admission.Admitted user -> {
                if (user.passwordExpired() && !isSelf(http, route, user.userId())) {
                    throw new UniException(UniCode.USER_PASSWORD_EXPIRED, "")
                            .about("user " + user.userName());
                }
                yield new Caller(user.userId(), user.userName(), user.tenantId(), address);
            }
            case Keeper.Admission.Expired expired ->
                    throw new UniException(UniCode.ACCESS_TOKEN_EXPIRED, "");
            case Keeper.Admission.Unknown unknown -> throw unknownToken();
        };
    }

    static UniException unknownToken() {
        return new UniException(
                UniCode.UNAUTHORIZED_USER, "", new IllegalStateException("record not found"));
    }

    /** The token of an Authorization header. */
    static String bearer(@Nullable String header) {
        if (header == null || header.isEmpty()) {
            throw new UniException(UniCode.UNAUTHORIZED_USER, "authorization token empty");
        }
        if (!header.startsWith(BEARER)) {
            // What was sent may be a password or a token without its prefix: not quoted back.
            throw new UniException(
                    UniCode.UNAUTHORIZED_USER, "authorization header does not begin with Bearer");
        }
        return header.substring(BEARER.length());
    }

    private static boolean isSelf(Context http, Route route, String userId) {
        return route.door() == Door.PERMITTED_OR_SELF && http.pathParam("userId").equals(userId);
    }

    private boolean mayPass(Context http, Route route, Caller caller) {
        return route.door() == Door.OPEN
                || isSelf(http, route, caller.userId())
                || keeper.permits(caller.userId(), route.permission().orElseThrow());
    }

    /** TiUniManager's text, with its spelling. */
    static UniException refused(Caller caller, Permission missing) {
        return new UniException(
                UniCode.RBAC_PERMISSION_CHECK_FAILED,
                "check permission for user "
                        + caller.userId()
                        + " has no permisson [{Resource:"
                        + missing.resource()
                        + " Action:"
                        + missing.action()
                        + "}]");
    }

    private static UniCode codeOf(MillraceException e) {
        if (e.code() == ErrorCode.METASTORE_UNAVAILABLE
                || e.code() == ErrorCode.METASTORE_CONFLICT) {
            return UniCode.SQL_ERROR;
        }
        return e.code().fault() == Fault.USER
                ? UniCode.PARAMETER_INVALID
                : UniCode.UNRECOGNIZED_ERROR;
    }

    private static String inside(Exception e) {
        return "the request failed inside the server: " + e.getClass().getSimpleName();
    }

    private void record(
            Context http, Route route, Caller caller, String trace, String subject, UniCode code) {
        boolean refused = code.status() == 401 || code.status() == 403 || code.status() == 429;
        if (route.verb() == HandlerType.GET && !refused) {
            return;
        }
        Map<String, String> target = new TreeMap<>();
        http.pathParamMap()
                .forEach((name, value) ->
                        target.put(
                                name,
                                value.length() <= MAX_TARGET
                                        ? value
                                        : value.substring(0, MAX_TARGET) + "…"));
        keeper.record(
                new Keeper.Event(
                        clock.instant(),
                        trace,
                        caller,
                        route.verb() + " " + route.path(),
                        target,
                        subject,
                        code.status(),
                        code.number()));
    }

    private static ObjectNode success(Answer answer) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("code", UniCode.SUCCESS.number());
        body.put("message", UniCode.SUCCESS.explanation());
        body.set("data", MAPPER.valueToTree(answer.data()));
        answer.page().ifPresent(page -> body.set("page", MAPPER.valueToTree(page)));
        return body;
    }

    private static ObjectNode failure(UniCode code, String message) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("code", code.number());
        body.put("message", message);
        body.putObject("data");
        return body;
    }

    /** The envelope of a request that did not get as far as a route. */
    static String errorBody(int status, String message) {
        UniCode code = status >= 500 ? UniCode.PANIC : UniCode.MARSHAL_ERROR;
        return text(failure(code, code.message(message, "")));
    }

    private static void write(Context http, int status, ObjectNode body) {
        http.status(status).contentType(JSON).result(text(body));
    }

    private static String text(ObjectNode body) {
        try {
            return MAPPER.writeValueAsString(body);
        } catch (JsonProcessingException e) {
            throw new MillraceException(ErrorCode.INTERNAL, "cannot write JSON", e);
        }
    }

    private void httpError(HttpResponseException e, Context http) {
        if (e.getStatus() == 404) {
            notFound(http);
        } else {
            http.status(e.getStatus())
                    .contentType(JSON)
                    .result(errorBody(e.getStatus(), String.valueOf(e.getMessage())));
        }
    }

    private static void notFound(Context http) {
        http.status(404).contentType("text/plain").result(NOT_FOUND);
    }

    /** What the framework would do otherwise than TiUniManager: HEAD and OPTIONS. */
    private void beforeRoutes(Context http) {
        if (http.method() == HandlerType.HEAD) {
            notFound(http);
            http.skipRemainingHandlers();
        } else if (http.method() == HandlerType.OPTIONS && isPreflight(http)) {
            TreeSet<String> verbs = new TreeSet<>();
            for (Known route : known) {
                if (route.pattern().matcher(http.path()).matches()) {
                    verbs.add(route.route().verb().name().toUpperCase(Locale.ROOT));
                }
            }
            if (!verbs.isEmpty()) {
                cors(http);
                String asked = http.header("Access-Control-Request-Headers");
                http.header("Access-Control-Allow-Methods", String.join(", ", verbs))
                        .header("Access-Control-Allow-Headers", asked == null ? "*" : asked)
                        .status(204);
                http.skipRemainingHandlers();
            }
        }
    }

    private static boolean isPreflight(Context http) {
        return http.header("Origin") != null
                && http.header("Access-Control-Request-Method") != null;
    }

    /** Pages of any origin may ask: what counts is the token, which no browser sends by itself. */
    private static void cors(Context http) {
        String origin = http.header("Origin");
        if (origin != null) {
            http.header("Access-Control-Allow-Origin", origin)
                    .header("Access-Control-Allow-Credentials", "true")
                    .header("Access-Control-Expose-Headers", TRACE_HEADER)
                    .header("Vary", "Origin");
        }
    }

    private String trace(Context http) {
        String sent = http.header(TRACE_HEADER);
        if (sent != null && USABLE_TRACE.matcher(sent).matches()) {
            return sent;
        }
        StringBuilder id = new StringBuilder(TRACE_LENGTH);
        for (int i = 0; i < TRACE_LENGTH; i++) {
            id.append(TRACE_LETTERS.charAt(random.nextInt(TRACE_LETTERS.length())));
        }
        return id.toString();
    }
}
