package io.millrace.dialects.tiunimanager;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.http.HandlerType;
import io.millrace.core.identity.AuditTrail;
import io.millrace.core.identity.Grant;
import io.millrace.core.identity.Identities;
import io.millrace.core.identity.Identities.Actor;
import io.millrace.core.identity.Identities.NewUser;
import io.millrace.core.identity.IdentityException;
import io.millrace.core.identity.User;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** Login, users, roles, tenants, and the audit log. */
final class IdentityRoutes {
    private static final String USER = "USER";
    private static final String READ = "READ";
    private static final String CREATE = "CREATE";
    private static final String UPDATE = "UPDATE";
    private static final String DELETE = "DELETE";

    private static final int MIN_NAME = 5;
    private static final int MAX_NAME = 32;
    private static final int MAX_NICKNAME = 64;
    private static final int MAX_EMAIL = 254;
    private static final int MAX_PHONE = 32;
    private static final int MAX_LISTED = 200;
    private static final int DEFAULT_AUDIT_PAGE = 100;
    private static final int MAX_AUDIT_PAGE = 1_000;

    /** Without control characters. */
    private static final Checks.Rule PLAIN =
            new Checks.Rule(
                    "excludesall",
                    text ->
                            text.codePoints()
                                    .noneMatch(c ->
                                            Character.isISOControl(c)
                                                    || Character.getType(c)
                                                            == Character.SURROGATE));

    /** What stands in a path and in keys. */
    private static final Checks.Rule TENANT_ID =
            new Checks.Rule("alphanum", text -> text.matches("[A-Za-z0-9][A-Za-z0-9_-]*"));

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Identities identities;
    private final AuditTrail audit;
    private final DateTimeFormatter times;

    private record Credentials(String name, String password) {}

    private record NewPassword(String userId, String password) {}

    private record Profile(String userId, String nickname, String email, String phone) {}

    private record Roles(String userId, List<String> roles) {}

    private record Grants(String subject, List<Grant> grants) {}

    private record Wanted(int page, int pageSize) {}

    private record NewTenant(String id, String name) {}

    IdentityRoutes(Identities identities, AuditTrail audit, ZoneId zone) {
        this.identities = identities;
        this.audit = audit;
        this.times = DateTimeFormatter.ISO_OFFSET_DATE_TIME.withZone(zone);
    }

    void install(Gate gate) {
        login(gate);
        users(gate);
        roles(gate);
        permissions(gate);
        tenants(gate);
        gate.route(
                HandlerType.GET,
                "/audit/logs",
                new Permission("SYSTEM", READ),
                IdentityRoutes::readPage,
                this::auditLogs);
    }

    // ---- login

    private void login(Gate gate) {
        gate.open(
                HandlerType.POST,
                "/user/login",
                request -> {
                    Body body = request.body("LoginReq");
                    var credentials =
                            new Credentials(body.text("userName"), body.text("userPassword"));
                    new Checks("LoginReq")
                            .text("UserName", credentials.name(), required(MIN_NAME, MAX_NAME))
                            .text("Password", credentials.password(), required(MIN_NAME, MAX_NAME))
                            .done();
                    return credentials;
                },
                this::login);
        gate.open(
                HandlerType.POST,
                "/user/logout",
                request -> {
                    String header = request.header("Authorization");
                    new Checks("LogoutReq").text("TokenString", header, Checks.REQUIRED).done();
                    return Gate.bearer(header);
                },
                (caller, token) -> {
                    try {
                        var user = identities.logout(token);
                        return Answer.of(Map.of("userId", user.map(User::id).orElse("")))
                                .about(user.map(found -> "user " + found.name()).orElse(""));
                    } catch (IdentityException e) {
                        throw Gate.unknownToken();
                    }
                });
    }

    private Answer login(Caller caller, Credentials given) {
        try {
            Identities.Login login =
                    identities.login(given.name(), given.password(), caller.address());
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("token", login.token());
            data.put("userId", login.user().id());
            data.put("tenantId", login.user().tenantId());
            data.put("passwordExpired", login.passwordExpired());
            return Answer.of(data).about("user " + login.user().name());
        } catch (IdentityException e) {
            // Only names that exist: others may be a password in the wrong field.
            throw failure(caller, e)
                    .about(identities.isUserName(given.name()) ? "user " + given.name() : "");
        }
    }

    // ---- users

    private void users(Gate gate) {
        gate.route(
                HandlerType.POST,
                "/users/",
                new Permission(USER, CREATE),
                IdentityRoutes::readNewUser,
                told((caller, wanted) -> {
                    User made = identities.createUser(actor(caller), wanted);
                    return Answer.of(Map.of("userId", made.id()))
                            .about("user " + made.name() + " id " + made.id());
                }));
        gate.route(
                HandlerType.GET,
                "/users/",
                new Permission(USER, READ),
                request -> "",
                told((caller, nothing) -> {
                    Map<String, Object> users = new LinkedHashMap<>();
                    identities
                            .users(actor(caller))
                            .forEach((id, user) -> users.put(id, info(user)));
                    return Answer.of(Map.of("users", users));
                }));
        gate.routeOrSelf(
                HandlerType.GET,
                "/users/{userId}",
                new Permission(USER, READ),
                IdentityRoutes::userId,
                told((caller, id) ->
                        Answer.of(Map.of("user", info(identities.user(actor(caller), id))))));
        gate.route(
                HandlerType.DELETE,
                "/users/{userId}",
                new Permission(USER, DELETE),
                IdentityRoutes::userId,
                told((caller, id) -> {
                    identities.deleteUser(actor(caller), id);
                    return nothing();
                }));
        gate.routeOrSelf(
                HandlerType.POST,
                "/users/{userId}/password",
                new Permission(USER, UPDATE),
                request -> {
                    String password = request.body("UpdateUserPasswordReq").text("password");
                    new Checks("UpdateUserPasswordReq")
                            .text("Password", password, required(MIN_NAME, MAX_NAME))
                            .done();
                    return new NewPassword(userId(request), password);
                },
                told((caller, wanted) -> {
                    identities.setPassword(actor(caller), wanted.userId(), wanted.password());
                    return nothing();
                }));
        gate.route(
                HandlerType.POST,
                "/users/{userId}/update_profile",
                new Permission(USER, UPDATE),
                request -> {
                    Body body = request.body("UpdateUserProfileReq");
                    var wanted =
                            new Profile(
                                    userId(request),
                                    body.text("nickname"),
                                    body.text("email"),
                                    body.text("phone"));
                    new Checks("UpdateUserProfileReq")
                            .optional(
                                    "Nickname", wanted.nickname(), PLAIN, Checks.max(MAX_NICKNAME))
                            .optional(
                                    "Email",
                                    wanted.email(),
                                    Checks.VALID_EMAIL,
                                    Checks.max(MAX_EMAIL))
                            .optional("Phone", wanted.phone(), PLAIN, Checks.max(MAX_PHONE))
                            .done();
                    return wanted;
                },
                told((caller, wanted) -> {
                    identities.updateProfile(
                            actor(caller),
                            wanted.userId(),
                            wanted.nickname(),
                            wanted.email(),
                            wanted.phone());
                    return nothing();
                }));
    }

    private static NewUser readNewUser(UniRequest request) {
        Body body = request.body("CreateUserReq");
        NewUser wanted =
                new NewUser(
                        body.text("tenantId"),
                        body.text("name"),
                        body.text("password"),
                        body.text("nickname"),
                        body.text("email"),
                        body.text("phone"));
        new Checks("CreateUserReq")
                .text("Name", wanted.name(), required(MIN_NAME, MAX_NAME))
                .text("TenantID", wanted.tenantId(), Checks.REQUIRED)
                .text(
                        "Email",
                        wanted.email(),
                        Checks.REQUIRED,
                        Checks.VALID_EMAIL,
                        Checks.max(MAX_EMAIL))
                .optional("Phone", wanted.phone(), PLAIN, Checks.max(MAX_PHONE))
                .text("Password", wanted.password(), required(MIN_NAME, MAX_NAME))
                .text("Nickname", wanted.nickname(), required(1, MAX_NICKNAME))
                .done();
        return wanted;
    }

    private Map<String, Object> info(User user) {
        Map<String, Object> info = new LinkedHashMap<>();
        info.put("id", user.id());
        info.put("defaultTenantId", user.tenantId());
        info.put("names", List.of(user.name()));
        info.put("creator", user.creator());
        info.put("tenantIds", List.of(user.tenantId()));
        info.put("nickname", user.nickname());
        info.put("email", user.email());
        info.put("phone", user.phone());
        info.put("status", "Normal");
        info.put("createAt", times.format(user.createTime()));
        info.put("updateAt", times.format(user.updateTime()));
        return info;
    }

    // ---- roles

    private void roles(Gate gate) {
        gate.route(
                HandlerType.POST,
                "/rbac/role/",
                new Permission(USER, CREATE),
                request -> readRole(request, "CreateRoleReq"),
                told((caller, name) -> {
                    identities.createRole(actor(caller), name);
                    return nothing().about("role " + name);
                }));
        gate.route(
                HandlerType.GET,
                "/rbac/role/",
                new Permission(USER, READ),
                request -> "",
                told((caller, nothing) -> Answer.of(Map.of("Roles", identities.roles()))));
        gate.route(
                HandlerType.POST,
                "/rbac/role/bind",
                new Permission(USER, UPDATE),
                request -> {
                    Body body = request.body("BindRolesForUserReq");
                    Roles wanted = new Roles(body.text("userId"), body.texts("roles"));
                    new Checks("BindRolesForUserReq")
                            .text("UserID", wanted.userId(), Checks.REQUIRED)
                            .require("Roles", !wanted.roles().isEmpty(), "required")
                            .require("Roles", wanted.roles().size() <= MAX_LISTED, "max")
                            .done();
                    return wanted;
                },
                told((caller, wanted) -> {
                    identities.bind(actor(caller), wanted.userId(), wanted.roles());
                    return nothing().about("user " + wanted.userId() + " roles " + wanted.roles());
                }));
        // Before the role of any name: the first that fits is taken.
        gate.route(
                HandlerType.DELETE,
                "/rbac/role/unbind",
                new Permission(USER, UPDATE),
                request -> {
                    Body body = request.body("UnbindRoleForUserReq");
                    Roles wanted = new Roles(body.text("userId"), List.of(body.text("role")));
                    new Checks("UnbindRoleForUserReq")
                            .text("UserID", wanted.userId(), Checks.REQUIRED)
                            .text("Role", wanted.roles().getFirst(), Checks.REQUIRED)
                            .done();
                    return wanted;
                },
                told((caller, wanted) -> {
                    identities.unbind(actor(caller), wanted.userId(), wanted.roles().getFirst());
                    return nothing().about("user " + wanted.userId() + " roles " + wanted.roles());
                }));
        gate.route(
                HandlerType.DELETE,
                "/rbac/role/{role}",
                new Permission(USER, DELETE),
                request -> request.path("role"),
                told((caller, name) -> {
                    identities.deleteRole(actor(caller), name);
                    return nothing();
                }));
    }

    private static String readRole(UniRequest request, String struct) {
        String role = request.body(struct).text("role");
        new Checks(struct).text("Role", role, Checks.REQUIRED).done();
        return role;
    }

    private void permissions(Gate gate) {
        gate.route(
                HandlerType.POST,
                "/rbac/permission/add",
                new Permission(USER, UPDATE),
                request -> readGrants(request, "AddPermissionsForRoleReq", "role"),
                told((caller, wanted) -> {
                    identities.addGrants(actor(caller), wanted.subject(), wanted.grants());
                    return nothing().about(subject(wanted));
                }));
        gate.route(
                HandlerType.DELETE,
                "/rbac/permission/delete",
                new Permission(USER, UPDATE),
                request -> readGrants(request, "DeletePermissionsForRoleReq", "role"),
                told((caller, wanted) -> {
                    identities.deleteGrants(actor(caller), wanted.subject(), wanted.grants());
                    return nothing().about(subject(wanted));
                }));
        gate.route(
                HandlerType.GET,
                "/rbac/permission/{userId}",
                new Permission(USER, READ),
                IdentityRoutes::userId,
                told((caller, id) ->
                        Answer.of(
                                Map.of(
                                        "userId",
                                        id,
                                        "permissions",
                                        identities.grants(actor(caller), id)))));
        gate.route(
                HandlerType.POST,
                "/rbac/permission/check",
                new Permission(USER, READ),
                request -> readGrants(request, "CheckPermissionForUserReq", "userId"),
                told((caller, wanted) ->
                        Answer.of(
                                Map.of(
                                        "result",
                                        identities.allows(
                                                actor(caller),
                                                wanted.subject(),
                                                wanted.grants())))));
    }

    private static Grants readGrants(UniRequest request, String struct, String whose) {
        Body body = request.body(struct);
        List<Grant> grants = new ArrayList<>();
        for (Body permission : body.objects("permissions", "RbacPermission")) {
            grants.add(new Grant(permission.text("resource"), permission.text("action")));
        }
        Grants wanted = new Grants(body.text(whose), grants);
        new Checks(struct)
                .text(whose.equals("role") ? "Role" : "UserID", wanted.subject(), Checks.REQUIRED)
                .require("Permissions", !grants.isEmpty(), "required")
                .require("Permissions", grants.size() <= MAX_LISTED, "max")
                .done();
        return wanted;
    }

    private static String subject(Grants grants) {
        List<String> all =
                grants.grants().stream()
                        .map(grant -> grant.resource() + "/" + grant.action())
                        .toList();
        return "role " + grants.subject() + " permissions " + all;
    }

    // ---- tenants and the audit log, which are this server's own

    private void tenants(Gate gate) {
        gate.route(
                HandlerType.POST,
                "/tenant/",
                new Permission(USER, CREATE),
                request -> {
                    Body body = request.body("CreateTenantReq");
                    NewTenant wanted = new NewTenant(body.text("id"), body.text("name"));
                    new Checks("CreateTenantReq")
                            .text(
                                    "ID",
                                    wanted.id(),
                                    Checks.REQUIRED,
                                    TENANT_ID,
                                    Checks.max(MAX_NAME))
                            .text("Name", wanted.name(), required(1, MAX_NICKNAME))
                            .done();
                    return wanted;
                },
                told((caller, wanted) -> {
                    identities.createTenant(actor(caller), wanted.id(), wanted.name());
                    return nothing().about("tenant " + wanted.id());
                }));
        gate.route(
                HandlerType.GET,
                "/tenant/",
                new Permission(USER, READ),
                request -> "",
                told((caller, nothing) -> {
                    List<Map<String, Object>> tenants = new ArrayList<>();
                    identities
                            .tenants(actor(caller))
                            .forEach(tenant ->
                                    tenants.add(
                                            Map.of(
                                                    "id",
                                                    tenant.id(),
                                                    "name",
                                                    tenant.name(),
                                                    "createAt",
                                                    times.format(tenant.createTime()))));
                    return Answer.of(Map.of("tenants", tenants));
                }));
    }

    private static Wanted readPage(UniRequest request) {
        Wanted wanted = new Wanted(request.queryInt("page"), request.queryInt("pageSize"));
        new Checks("QueryAuditLogsReq")
                .require("Page", wanted.page() >= 0, "min")
                .require("PageSize", wanted.pageSize() >= 0, "min")
                .require("PageSize", wanted.pageSize() <= MAX_AUDIT_PAGE, "max")
                .done();
        return wanted;
    }

    private Answer auditLogs(Caller caller, Wanted wanted) {
        if (!caller.tenantId().equals(Identities.ADMIN)) {
            throw Gate.refused(caller, new Permission("SYSTEM", READ));
        }
        int page = Math.max(1, wanted.page());
        int size = wanted.pageSize() == 0 ? DEFAULT_AUDIT_PAGE : wanted.pageSize();
        AuditTrail.Events lines = audit.newest((page - 1L) * size, size);
        List<JsonNode> events = new ArrayList<>();
        for (String line : lines.lines()) {
            try {
                events.add(MAPPER.readTree(line));
            } catch (JsonProcessingException e) {
                // The last line of a server that was killed may be cut.
                events.add(MAPPER.createObjectNode().put("damaged", line));
            }
        }
        return Answer.paged(events, new Page(wanted.page(), wanted.pageSize(), lines.total()));
    }

    // ---- helpers

    private static String userId(UniRequest request) {
        return request.path("userId");
    }

    private static Checks.Rule[] required(int min, int max) {
        return new Checks.Rule[] {Checks.REQUIRED, Checks.min(min), Checks.max(max), PLAIN};
    }

    private static Actor actor(Caller caller) {
        return new Actor(caller.userId(), caller.tenantId());
    }

    private static Answer nothing() {
        return Answer.of(Map.of());
    }

    /** A route's work, its refusals in TiUniManager's words. */
    private static <Q> BiFunction<Caller, Q, Answer> told(BiFunction<Caller, Q, Answer> work) {
        return (caller, wanted) -> {
            try {
                return work.apply(caller, wanted);
            } catch (IdentityException e) {
                throw failure(caller, e);
            }
        };
    }

    private static UniException failure(Caller caller, IdentityException e) {
        return switch (e.reason()) {
            case INVALID -> new UniException(UniCode.PARAMETER_INVALID, e.text());
            case USER_NOT_FOUND -> new UniException(UniCode.USER_NOT_EXIST, e.text());
            case TENANT_NOT_FOUND -> new UniException(UniCode.TENANT_NOT_EXIST, e.text());
            case LOGIN_FAILED -> new UniException(UniCode.LOGIN_FAILED, e.text());
            case TOO_MANY_LOGINS -> new UniException(UniCode.LOGIN_RATE_LIMITED, e.text());
            case NOT_ALLOWED ->
                    new UniException(
                            UniCode.RBAC_PERMISSION_CHECK_FAILED,
                            "user " + caller.userId() + ": " + e.text());
        };
    }
}
