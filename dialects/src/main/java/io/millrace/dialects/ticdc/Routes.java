package io.millrace.dialects.ticdc;

import com.fasterxml.jackson.databind.JsonNode;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.millrace.core.error.MillraceException;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Which route does what, in both versions of the API and outside of them. */
final class Routes {
    private static final String V1 = "/api/v1";
    private static final String V2 = "/api/v2";
    private static final int ACCEPTED = 202;

    /** Takes the routes of the API. */
    interface Router {
        void route(HandlerType method, String path, Action action);
    }

    /** What a route does with a request. */
    interface Action {
        Answer run(Apis apis, Context request);
    }

    /** The API behind the routes, in both versions. */
    record Apis(TiCdcV1 v1, TiCdcApi v2, TiCdcInternals internals) {}

    /**
     * Status and body; the body may be missing altogether.
     *
     * @param text body of a route whose answers are no JSON; empty otherwise
     */
    record Answer(int status, Optional<JsonNode> body, String text) {
        static Answer ok(JsonNode body) {
            return new Answer(200, Optional.of(body), "");
        }

        static Answer ok() {
            return new Answer(200, Optional.empty(), "");
        }

        static Answer accepted() {
            return new Answer(ACCEPTED, Optional.empty(), "");
        }

        static Answer text(int status, String text) {
            return new Answer(status, Optional.empty(), text);
        }
    }

    private Routes() {}

    static void install(Router router) {
        unversioned(router);
        debug(router);
        legacy(router);
        unsafe(router);
        v1(router);
        v1Changefeeds(router);
        v2(router);
        v2Changefeeds(router);
    }

    private static void unversioned(Router router) {
        router.route(
                HandlerType.GET, "/status", (apis, request) -> Answer.ok(apis.v2().shortStatus()));
        router.route(
                HandlerType.POST,
                "/admin/log",
                (apis, request) -> Answer.ok(apis.v2().setBareLogLevel(request.bodyAsBytes())));
    }

    private static void debug(Router router) {
        router.route(
                HandlerType.GET,
                "/config",
                (apis, request) -> Answer.ok(apis.internals().config()));
        router.route(
                HandlerType.GET,
                "/debug/info",
                (apis, request) -> Answer.text(200, apis.internals().debugInfo()));
        router.route(
                HandlerType.GET,
                "/debug/pprof/",
                (apis, request) -> Answer.text(200, TiCdcInternals.profiles()));
        router.route(
                HandlerType.GET,
                "/debug/pprof/{profile}",
                (apis, request) -> {
                    String profile = request.pathParam("profile");
                    return switch (profile) {
                        case "goroutine" -> Answer.text(200, TiCdcInternals.threads());
                        case "cmdline" -> Answer.text(200, "millrace\n");
                        default -> Answer.text(400, TiCdcInternals.noProfile(profile));
                    };
                });
    }

    private static void legacy(Router router) {
        String owner = "/capture/owner/";
        legacy(router, owner + "resign", (apis, request) -> apis.v2().resign());
        legacy(
                router,
                owner + "admin",
                (apis, request) ->
                        apis.internals()
                                .admin(request.formParam("admin-job"), request.formParam("cf-id")));
        legacy(
                router,
                owner + "rebalance_trigger",
                (apis, request) -> apis.internals().rebalance(request.formParam("cf-id")));
        legacy(
                router,
                owner + "move_table",
                (apis, request) ->
                        apis.internals()
                                .move(
                                        request.formParam("cf-id"),
                                        request.formParam("target-cp-id"),
                                        request.formParam("table-id")));
        router.route(
                HandlerType.POST,
                owner + "changefeed/query",
                (apis, request) -> {
                    try {
                        return Answer.ok(apis.internals().query(request.formParam("cf-id")));
                    } catch (MillraceException e) {
                        return refusedForm(e);
                    }
                });
    }

    /** A form post without a body in its answer but {@code {status, message}}. */
    private static void legacy(Router router, String path, BiConsumer<Apis, Context> action) {
        router.route(
                HandlerType.POST,
                path,
                (apis, request) -> {
                    try {
                        return Answer.ok(
                                apis.internals().legacy(() -> action.accept(apis, request)));
                    } catch (MillraceException e) {
                        return refusedForm(e);
                    }
                });
    }

    private static Answer refusedForm(MillraceException e) {
        String text = CdcErrors.text(e, "");
        return new Answer(
                CdcErrors.status(text), Optional.of(TiCdcInternals.legacyAnswer(false, text)), "");
    }

    private static void unsafe(Router router) {
        router.route(
                HandlerType.GET,
                V2 + "/unsafe/metadata",
                (apis, request) -> Answer.ok(apis.internals().metadata()));
        router.route(
                HandlerType.POST,
                V2 + "/unsafe/resolve_lock",
                (apis, request) -> Answer.ok(apis.internals().resolveLock(request.bodyAsBytes())));
        router.route(
                HandlerType.DELETE,
                V2 + "/unsafe/service_gc_safepoint",
                (apis, request) ->
                        Answer.ok(apis.internals().deleteSafepoint(request.bodyAsBytes())));
    }

    private static void v1(Router router) {
        router.route(
                HandlerType.GET, V1 + "/status", (apis, request) -> Answer.ok(apis.v2().status()));
        router.route(
                HandlerType.GET,
                V1 + "/health",
                (apis, request) -> {
                    apis.v2().health();
                    return Answer.ok();
                });
        router.route(
                HandlerType.POST,
                V1 + "/log",
                (apis, request) -> {
                    apis.v2().setLogLevel(request.bodyAsBytes());
                    return Answer.ok();
                });
        router.route(
                HandlerType.GET,
                V1 + "/captures",
                (apis, request) -> Answer.ok(apis.v1().captures()));
        router.route(
                HandlerType.PUT,
                V1 + "/captures/drain",
                (apis, request) -> {
                    apis.v1().drain(request.bodyAsBytes());
                    return Answer.accepted();
                });
        router.route(
                HandlerType.GET,
                V1 + "/processors",
                (apis, request) -> Answer.ok(apis.v1().processors()));
        router.route(
                HandlerType.GET,
                V1 + "/processors/{id}/{capture}",
                (apis, request) ->
                        Answer.ok(
                                apis.v1()
                                        .processor(
                                                request.pathParam("id"),
                                                request.pathParam("capture"))));
        router.route(
                HandlerType.POST,
                V1 + "/owner/resign",
                (apis, request) -> {
                    apis.v2().resign();
                    return Answer.accepted();
                });
    }

    private static void v1Changefeeds(Router router) {
        String all = V1 + "/changefeeds";
        String one = all + "/{id}";
        router.route(
                HandlerType.GET,
                all,
                (apis, request) -> {
                    String state = request.queryParam("state");
                    return Answer.ok(apis.v1().changefeeds(state == null ? "" : state));
                });
        router.route(
                HandlerType.POST,
                all,
                (apis, request) -> {
                    apis.v1().create(request.bodyAsBytes());
                    return Answer.accepted();
                });
        router.route(
                HandlerType.GET,
                one,
                (apis, request) -> Answer.ok(apis.v1().changefeed(request.pathParam("id"))));
        router.route(
                HandlerType.PUT,
                one,
                (apis, request) -> {
                    apis.v1().update(request.pathParam("id"), request.bodyAsBytes());
                    return Answer.accepted();
                });
        router.route(
                HandlerType.DELETE,
                one,
                (apis, request) -> {
                    apis.v1().delete(request.pathParam("id"));
                    return Answer.accepted();
                });
        router.route(
                HandlerType.POST,
                one + "/pause",
                (apis, request) -> {
                    apis.v1().pause(request.pathParam("id"));
                    return Answer.accepted();
                });
        router.route(
                HandlerType.POST,
                one + "/resume",
                (apis, request) -> {
                    apis.v1().resume(request.pathParam("id"));
                    return Answer.accepted();
                });
        router.route(
                HandlerType.POST,
                one + "/tables/rebalance_table",
                (apis, request) -> {
                    apis.v1().rebalance(request.pathParam("id"));
                    return Answer.accepted();
                });
        router.route(
                HandlerType.POST,
                one + "/tables/move_table",
                (apis, request) -> {
                    apis.v1().move(request.pathParam("id"), request.bodyAsBytes());
                    return Answer.accepted();
                });
    }

    private static void v2(Router router) {
        router.route(
                HandlerType.GET, V2 + "/status", (apis, request) -> Answer.ok(apis.v2().status()));
        router.route(
                HandlerType.GET, V2 + "/health", (apis, request) -> Answer.ok(apis.v2().health()));
        router.route(
                HandlerType.POST,
                V2 + "/log",
                (apis, request) -> Answer.ok(apis.v2().setLogLevel(request.bodyAsBytes())));
        router.route(
                HandlerType.GET,
                V2 + "/captures",
                (apis, request) -> Answer.ok(apis.v2().captures()));
        router.route(
                HandlerType.POST,
                V2 + "/captures/{capture}/drain",
                (apis, request) -> {
                    apis.v2().drain(request.pathParam("capture"));
                    return Answer.accepted();
                });
        router.route(
                HandlerType.GET,
                V2 + "/processors",
                (apis, request) -> Answer.ok(apis.v2().processors()));
        router.route(
                HandlerType.GET,
                V2 + "/processors/{id}/{capture}",
                (apis, request) ->
                        Answer.ok(
                                apis.v2()
                                        .processor(
                                                request.queryParam("namespace"),
                                                request.pathParam("id"),
                                                request.pathParam("capture"))));
        router.route(
                HandlerType.POST,
                V2 + "/owner/resign",
                (apis, request) -> Answer.ok(apis.v2().resign()));
        router.route(
                HandlerType.POST,
                V2 + "/verify_table",
                (apis, request) -> Answer.ok(apis.v2().verifyTable(request.bodyAsBytes())));
        router.route(
                HandlerType.POST,
                V2 + "/tso",
                (apis, request) -> Answer.ok(apis.v2().currentTso(request.bodyAsBytes())));
    }

    private static void v2Changefeeds(Router router) {
        String all = V2 + "/changefeeds";
        String one = all + "/{id}";
        router.route(
                HandlerType.GET,
                all,
                (apis, request) ->
                        Answer.ok(
                                apis.v2()
                                        .changefeeds(
                                                request.queryParam("namespace"),
                                                request.queryParam("state"))));
        router.route(
                HandlerType.POST,
                all,
                (apis, request) -> Answer.ok(apis.v2().create(request.bodyAsBytes())));
        for (String path : List.of(one, one + "/meta_info")) {
            router.route(
                    HandlerType.GET,
                    path,
                    (apis, request) ->
                            Answer.ok(
                                    apis.v2()
                                            .changefeed(
                                                    request.queryParam("namespace"),
                                                    request.pathParam("id"))));
        }
        router.route(
                HandlerType.GET,
                one + "/status",
                (apis, request) ->
                        Answer.ok(
                                apis.v2()
                                        .changefeedStatus(
                                                request.queryParam("namespace"),
                                                request.pathParam("id"))));
        router.route(
                HandlerType.GET,
                one + "/synced",
                (apis, request) ->
                        Answer.ok(
                                apis.v2()
                                        .synced(
                                                request.queryParam("namespace"),
                                                request.pathParam("id"),
                                                request.bodyAsBytes())));
        router.route(
                HandlerType.PUT,
                one,
                (apis, request) ->
                        Answer.ok(
                                apis.v2()
                                        .update(
                                                request.queryParam("namespace"),
                                                request.pathParam("id"),
                                                request.bodyAsBytes())));
        router.route(
                HandlerType.DELETE,
                one,
                (apis, request) ->
                        Answer.ok(
                                apis.v2()
                                        .delete(
                                                request.queryParam("namespace"),
                                                request.pathParam("id"))));
        router.route(
                HandlerType.POST,
                one + "/pause",
                (apis, request) ->
                        Answer.ok(
                                apis.v2()
                                        .pause(
                                                request.queryParam("namespace"),
                                                request.pathParam("id"))));
        router.route(
                HandlerType.POST,
                one + "/resume",
                (apis, request) ->
                        Answer.ok(
                                apis.v2()
                                        .resume(
                                                request.queryParam("namespace"),
                                                request.pathParam("id"),
                                                request.bodyAsBytes())));
    }
}
