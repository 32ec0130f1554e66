package io.millrace.core.identity;

import io.millrace.core.control.Fields;
import io.millrace.core.control.MetaStore;
import io.millrace.core.control.MetaStore.Entry;
import io.millrace.core.control.MetaStore.Guard;
import io.millrace.core.control.MetaStore.Op;
import io.millrace.core.control.Vault;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.identity.IdentityException.Reason;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Tenants, users, roles and tokens. All of it lives in the metadata store and is read from there
 * for each request, so that a change holds at once and on every node, and survives a restart.
 *
 * <p>A user has roles, a role has grants; there is nothing that denies. Nobody can give away, take
 * away or take over more than his own roles allow. Tokens are random, kept only as SHA-256, and
 * valid for {@link #TOKEN_LIFE} from login; logout, a new password and the end of the user revoke
 * them. Password hashes are encrypted with the vault on top. Callable from any thread.
 */
public final class Identities {
    /** Name of the first user and of the first tenant, whose users see all tenants. */
    public static final String ADMIN = "admin";

    /** The role that allows everything and cannot be changed. */
    public static final String ADMIN_ROLE = "RBAC_ROLE_ADMIN";

    public static final List<String> RESOURCES =
            List.of(
                    "CLUSTER",
                    "RESOURCE",
                    "PARAMETER",
                    "USER",
                    "CDC",
                    "PRODUCT",
                    "SYSTEM",
                    "WORKFLOW",
                    "SQLEDITOR");

    public static final List<String> ACTIONS =
            List.of("READ", "CREATE", "UPDATE", "DELETE", Grant.ANY);

    /** From login, whether it is used or not. */
    public static final Duration TOKEN_LIFE = Duration.ofHours(4);

    /** A password that is older has to be changed. */
    public static final Duration PASSWORD_LIFE = Duration.ofDays(365);

    /** Of one user; one more login ends the oldest. */
    static final int MAX_TOKENS = 100;

    static final int MAX_USERS = 10_000;
    static final int MAX_ROLES = 1_000;
    static final int MAX_TENANTS = 1_000;
    static final int MAX_ROLE_NAME = 64;

    /** What can stand in a path without an escape, and is no step up. */
    private static final Pattern ROLE_NAME =
            Pattern.compile("[\\p{L}\\p{N}_][\\p{L}\\p{N}_.@:-]{0," + (MAX_ROLE_NAME - 1) + "}");

    /** What a path says where a role's name could stand. */
    private static final List<String> PATHS = List.of("bind", "unbind");

    /** For so long an expired token is told from an unknown one. */
    private static final Duration EXPIRED_KEPT = Duration.ofDays(1);

    /** Hashes that may be computed at once: each takes much memory and a processor. */
    private static final int HASHES_AT_ONCE = 2;

    private static final Duration LONGEST_QUEUE = Duration.ofSeconds(10);
    private static final int MAX_TOKEN_LENGTH = 64;
    private static final int ATTEMPTS = 100;

    /** Letters that are not taken for others. */
    private static final String LETTERS =
            "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    private static final int ID_LENGTH = 22;

    /** 116 bits; no longer than what TiUniManager's forms take. */
    private static final int PASSWORD_LENGTH = 20;

    private static final String ROOT = "/millrace/identity/";
    private static final String TENANT = ROOT + "tenant/";
    private static final String USER = ROOT + "user/";
    private static final String USER_NAME = ROOT + "user-name/";
    private static final String USER_ROLE = ROOT + "user-role/";
    private static final String ROLE = ROOT + "role/";
    private static final String TOKEN = ROOT + "token/";
    private static final String USER_TOKEN = ROOT + "user-token/";

    /** A successful login. */
    public record Login(String token, User user, boolean passwordExpired) {
        @Override
        public String toString() {
            return "Login[" + user.id() + "]";
        }
    }

    /** What a token stands for. */
    public sealed interface Session {
        record Valid(User user, boolean passwordExpired) implements Session {}

        record Expired() implements Session {}

        record Unknown() implements Session {}
    }

    /** Who asks for something. */
    public record Actor(String id, String tenantId) {}

    /** A new user's data. */
    public record NewUser(
            String tenantId,
            String name,
            String password,
            String nickname,
            String email,
            String phone) {
        @Override
        public String toString() {
            return "NewUser[" + name + "]";
        }
    }

    /** A user as stored. */
    private record Account(User user, String passwordHash, long generation, long revision) {}

    /** A role as stored; the id tells it from an earlier one of the same name. */
    private record Role(String name, String id, List<Grant> grants, long revision) {}

    private record Bound(String name, String id) {}

    private record Bindings(List<Bound> roles, Guard guard) {}

    private final MetaStore store;
    private final Vault vault;
    private final PasswordHasher hasher;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    private final LoginLimiter limiter;
    private final Semaphore hashing = new Semaphore(HASHES_AT_ONCE, true);

    /** Users whose password is being changed. */
    private final Set<String> passwordChanges = ConcurrentHashMap.newKeySet();

    private volatile @Nullable String nobodysHash;

    /**
     * @param clock of the ages of tokens and passwords, and of the limit of logins
     */
    public Identities(MetaStore store, Vault vault, PasswordHasher hasher, Clock clock) {
        this.store = store;
        this.vault = vault;
        this.hasher = hasher;
        this.clock = clock;
        this.limiter = new LoginLimiter(clock);
    }

    // ---- the first user

    /**
     * Makes tenant, role and user of the first administrator when there is none.
     *
     * @return the generated password, which is kept nowhere in clear and has to be changed; empty
     *     when there was an administrator
     */
    public Optional<String> createFirstAdmin() {
        if (store.get(nameKey(ADMIN)).isPresent()) {
            return Optional.empty();
        }
        String password = letters(PASSWORD_LENGTH);
        Instant now = clock.instant();
        User admin =
                new User(
                        letters(ID_LENGTH),
                        ADMIN,
                        ADMIN,
                        "",
                        ADMIN,
                        "",
                        "",
                        now,
                        now,
                        Optional.empty());
        String roleId = letters(ID_LENGTH);
        List<Grant> all = RESOURCES.stream().map(name -> new Grant(name, Grant.ANY)).toList();
        boolean made =
                store.commit(
                                List.of(new Guard.Absent(nameKey(ADMIN))),
                                List.of(
                                        new Op.Put(
                                                TENANT + hex(ADMIN),
                                                encode(new Tenant(ADMIN, ADMIN, now))),
                                        new Op.Put(
                                                roleKey(ADMIN_ROLE),
                                                encode(new Role(ADMIN_ROLE, roleId, all, 0))),
                                        new Op.Put(nameKey(ADMIN), admin.id()),
                                        new Op.Put(
                                                USER + admin.id(),
                                                encode(admin, hash(password), 1)),
                                        new Op.Put(
                                                USER_ROLE + admin.id(),
                                                encode(List.of(new Bound(ADMIN_ROLE, roleId))))))
                        .applied();
        return made ? Optional.of(password) : Optional.empty();
    }

    /**
     * A way back for an operator who lost the administrator's password: a new generated one, which
     * has to be changed; all of the administrator's tokens end.
     */
    public String resetAdminPassword() {
        Optional<String> first = createFirstAdmin();
        if (first.isPresent()) {
            return first.get();
        }
        String password = letters(PASSWORD_LENGTH);
        String hash = hash(password);
        Account account = accountNamed(ADMIN).orElseThrow();
        putPassword(account, hash, Optional.empty());
        return password;
    }

    // ---- login and tokens

    /**
     * Checks a password and gives out a token.
     *
     * @param address where the request comes from
     * @throws IdentityException LOGIN_FAILED, or TOO_MANY_LOGINS before the password is looked at
     */
    public Login login(String name, String password, String address) {
        LoginLimiter.Admission admission = limiter.begin(name, address);
        LoginLimiter.Attempt attempt =
                admission
                        .attempt()
                        .orElseThrow(() ->
                                new IdentityException(
                                        Reason.TOO_MANY_LOGINS,
                                        "try again in "
                                                + Math.max(
                                                        1,
                                                        (admission.delay().toMillis() + 999) / 1000)
                                                + " s"));
        boolean decided = false;
        try {
            String nobody = nobodysHash();
            while (true) {
                Optional<Account> account = accountNamed(name);
                // An unknown name takes as long as a wrong password.
                boolean right =
                        matches(password, account.map(Account::passwordHash).orElse(nobody));
                if (!right || account.isEmpty()) {
                    decided = true;
                    throw new IdentityException(
                            Reason.LOGIN_FAILED, "incorrect username or password");
                }
                Optional<String> token = newToken(account.get());
                if (token.isPresent()) {
                    decided = true;
                    attempt.succeeded();
                    User user = account.get().user();
                    return new Login(token.get(), user, isExpired(user));
                }
            }
        } finally {
            if (!decided) {
                attempt.undecided();
            }
        }
    }

    /** Empty when the user was changed since it was read. */
    private Optional<String> newToken(Account account) {
        Instant now = clock.instant();
        String userId = account.user().id();
        List<Op> ops = new ArrayList<>();
        List<Entry> old = new ArrayList<>(store.range(USER_TOKEN + userId + "/").entries());
        old.sort(Comparator.comparing(entry -> Instant.parse(entry.value())));
        int left = old.size();
        for (Entry entry : old) {
            boolean stale = Instant.parse(entry.value()).plus(EXPIRED_KEPT).isBefore(now);
            if (stale || left >= MAX_TOKENS) {
                left--;
                ops.add(new Op.Delete(entry.key()));
                ops.add(
                        new Op.Delete(
                                TOKEN + entry.key().substring(entry.key().lastIndexOf('/') + 1)));
            }
        }
        String token = UUID.randomUUID().toString();
        String key = sha256(token);
        Instant end = now.plus(TOKEN_LIFE);
        ops.add(
                new Op.Put(
                        TOKEN + key,
                        new Fields()
                                .put("v", 1)
                                .put("user", userId)
                                .put("generation", account.generation())
                                .put("end", end)
                                .text()));
        ops.add(new Op.Put(USER_TOKEN + userId + "/" + key, end.toString()));
        return store.commit(List.of(new Guard.Unchanged(USER + userId, account.revision())), ops)
                        .applied()
                ? Optional.of(token)
                : Optional.empty();
    }

    /** What a token stands for now. */
    public Session session(String token) {
        if (token.isEmpty() || token.length() > MAX_TOKEN_LENGTH) {
            return new Session.Unknown();
        }
        Optional<Entry> entry = store.get(TOKEN + sha256(token));
        if (entry.isEmpty()) {
            return new Session.Unknown();
        }
        Fields fields = Fields.parse(entry.get().value());
        Optional<Account> account = account(fields.get("user"));
        if (account.isEmpty() || account.get().generation() != fields.unsigned("generation")) {
            return new Session.Unknown();
        }
        if (!clock.instant().isBefore(Instant.parse(fields.get("end")))) {
            return new Session.Expired();
        }
        User user = account.get().user();
        return new Session.Valid(user, isExpired(user));
    }

    /**
     * Ends a token.
     *
     * @return its user; empty when it had expired before
     * @throws IdentityException USER_NOT_FOUND when nobody knows the token
     */
    public Optional<User> logout(String token) {
        Session session = session(token);
        if (session instanceof Session.Unknown) {
            throw new IdentityException(Reason.USER_NOT_FOUND, "record not found");
        }
        if (session instanceof Session.Valid valid) {
            String key = sha256(token);
            store.commit(
                    List.of(),
                    List.of(
                            new Op.Delete(TOKEN + key),
                            new Op.Delete(USER_TOKEN + valid.user().id() + "/" + key)));
            return Optional.of(valid.user());
        }
        return Optional.empty();
    }

    private boolean isExpired(User user) {
        return user.passwordTime()
                .map(set -> !clock.instant().isBefore(set.plus(PASSWORD_LIFE)))
                .orElse(true);
    }

    // ---- users

    /** Whether there is a user of this name: for the audit log, which names no others. */
    public boolean isUserName(String name) {
        return store.get(nameKey(name)).isPresent();
    }

    /**
     * Makes a user without roles, whose password has to be changed.
     *
     * @param actor who asks for it
     * @throws IdentityException TENANT_NOT_FOUND; INVALID when the name is taken
     */
    public User createUser(Actor actor, NewUser wanted) {
        requireTenant(actor, wanted.tenantId());
        if (store.get(nameKey(wanted.name())).isPresent()) {
            throw nameTaken();
        }
        if (store.range(USER).entries().size() >= MAX_USERS) {
            throw invalid("there are " + MAX_USERS + " users already");
        }
        Instant now = clock.instant();
        User user =
                new User(
                        letters(ID_LENGTH),
                        wanted.tenantId(),
                        wanted.name(),
                        actor.id(),
                        wanted.nickname(),
                        wanted.email(),
                        wanted.phone(),
                        now,
                        now,
                        Optional.empty());
        boolean made =
                store.commit(
                                List.of(new Guard.Absent(nameKey(user.name()))),
                                List.of(
                                        new Op.Put(nameKey(user.name()), user.id()),
                                        new Op.Put(
                                                USER + user.id(),
                                                encode(user, hash(wanted.password()), 1))))
                        .applied();
        if (!made) {
            throw nameTaken();
        }
        return user;
    }

    private static IdentityException nameTaken() {
        return invalid("there is a user of this name already");
    }

    /**
     * A user that the actor may see: one of the same tenant, or any for the first tenant.
     *
     * @throws IdentityException USER_NOT_FOUND
     */
    public User user(Actor actor, String id) {
        return visible(actor, id).user();
    }

    /** All users that the actor may see, by id, oldest first. */
    public Map<String, User> users(Actor actor) {
        List<User> found = new ArrayList<>();
        for (Entry entry : store.range(USER).entries()) {
            User user = decode(entry).user();
            if (sees(actor, user.tenantId())) {
                found.add(user);
            }
        }
        found.sort(Comparator.comparing(User::createTime).thenComparing(User::id));
        Map<String, User> users = new LinkedHashMap<>();
        found.forEach(user -> users.put(user.id(), user));
        return users;
    }

    /**
     * Sets a password and ends the user's tokens.
     *
     * @throws IdentityException USER_NOT_FOUND; NOT_ALLOWED when the user may do more than the
     *     actor; INVALID when it is the password that the user has
     */
    public void setPassword(Actor actor, String id, String password) {
        Account account = visible(actor, id);
        requireReach(actor, id);
        if (!passwordChanges.add(id)) {
            throw invalid("the password is just being changed");
        }
        try {
            if (matches(password, account.passwordHash())) {
                throw invalid("the new password is the old one");
            }
            putPassword(account, hash(password), Optional.of(clock.instant()));
        } finally {
            passwordChanges.remove(id);
        }
    }

    /** Not over a password that was set since the account was read: that one may revoke this. */
    private void putPassword(Account before, String hash, Optional<Instant> time) {
        String id = before.user().id();
        changed(() -> {
            Account account = account(id).orElseThrow(Identities::noUser);
            if (account.generation() != before.generation()) {
                throw invalid("the password was changed by somebody else meanwhile");
            }
            User user = account.user();
            User next =
                    new User(
                            user.id(),
                            user.tenantId(),
                            user.name(),
                            user.creator(),
                            user.nickname(),
                            user.email(),
                            user.phone(),
                            user.createTime(),
                            clock.instant(),
                            time);
            List<Op> ops = tokenDeletes(id);
            ops.add(new Op.Put(USER + id, encode(next, hash, account.generation() + 1)));
            return store.commit(List.of(new Guard.Unchanged(USER + id, account.revision())), ops)
                    .applied();
        });
    }

    /** Sets nickname, mail address and phone number; an empty one keeps what there is. */
    public void updateProfile(Actor actor, String id, String nickname, String email, String phone) {
        visible(actor, id);
        requireReach(actor, id);
        changed(() -> {
            Account account = account(id).orElseThrow(Identities::noUser);
            User user = account.user();
            User next =
                    new User(
                            user.id(),
                            user.tenantId(),
                            user.name(),
                            user.creator(),
                            nickname.isEmpty() ? user.nickname() : nickname,
                            email.isEmpty() ? user.email() : email,
                            phone.isEmpty() ? user.phone() : phone,
                            user.createTime(),
                            clock.instant(),
                            user.passwordTime());
            return store.commit(
                            List.of(new Guard.Unchanged(USER + id, account.revision())),
                            List.of(
                                    new Op.Put(
                                            USER + id,
                                            encode(
                                                    next,
                                                    account.passwordHash(),
                                                    account.generation()))))
                    .applied();
        });
    }

    /**
     * Deletes a user with tokens and roles.
     *
     * @throws IdentityException USER_NOT_FOUND; NOT_ALLOWED when the user may do more than the
     *     actor; INVALID for the first administrator
     */
    public void deleteUser(Actor actor, String id) {
        Account account = visible(actor, id);
        requireReach(actor, id);
        if (account.user().name().equals(ADMIN)) {
            throw invalid("the user " + ADMIN + " cannot be deleted");
        }
        changed(() -> {
            Account now = account(id).orElseThrow(Identities::noUser);
            // Before the look at what the user may do: a role given meanwhile changes the record.
            Optional<Entry> roles = store.get(USER_ROLE + id);
            requireReach(actor, id);
            List<Op> ops = tokenDeletes(id);
            ops.add(new Op.Delete(USER + id));
            ops.add(new Op.Delete(USER_ROLE + id));
            ops.add(new Op.Delete(nameKey(now.user().name())));
            return store.commit(
                            List.of(
                                    new Guard.Unchanged(USER + id, now.revision()),
                                    roles.<Guard>map(entry ->
                                                    new Guard.Unchanged(
                                                            entry.key(), entry.modRevision()))
                                            .orElse(new Guard.Absent(USER_ROLE + id))),
                            ops)
                    .applied();
        });
    }

    private List<Op> tokenDeletes(String userId) {
        String prefix = USER_TOKEN + userId + "/";
        List<Op> ops = new ArrayList<>();
        for (Entry entry : store.range(prefix).entries()) {
            ops.add(new Op.Delete(TOKEN + entry.key().substring(prefix.length())));
        }
        ops.add(new Op.DeletePrefix(prefix));
        return ops;
    }

    // ---- tenants

    /** Tenants that the actor may see. */
    public List<Tenant> tenants(Actor actor) {
        List<Tenant> found = new ArrayList<>();
        for (Entry entry : store.range(TENANT).entries()) {
            Fields fields = Fields.parse(entry.value());
            Tenant tenant =
                    new Tenant(
                            fields.get("id"),
                            fields.get("name"),
                            Instant.parse(fields.get("created")));
            if (sees(actor, tenant.id())) {
                found.add(tenant);
            }
        }
        found.sort(Comparator.comparing(Tenant::createTime).thenComparing(Tenant::id));
        return found;
    }

    /**
     * Makes a tenant.
     *
     * @throws IdentityException NOT_ALLOWED unless the actor is of the first tenant; INVALID when
     *     there is one of this id
     */
    public void createTenant(Actor actor, String id, String name) {
        requireFirstTenant(actor);
        if (store.range(TENANT).entries().size() >= MAX_TENANTS) {
            throw invalid("there are " + MAX_TENANTS + " tenants already");
        }
        String key = TENANT + hex(id);
        String value = encode(new Tenant(id, name, clock.instant()));
        if (!store.commit(List.of(new Guard.Absent(key)), List.of(new Op.Put(key, value)))
                .applied()) {
            throw invalid("there is a tenant of this id already");
        }
    }

    private static boolean sees(Actor actor, String tenantId) {
        return actor.tenantId().equals(ADMIN) || actor.tenantId().equals(tenantId);
    }

    private void requireTenant(Actor actor, String tenantId) {
        if (!sees(actor, tenantId) || store.get(TENANT + hex(tenantId)).isEmpty()) {
            throw new IdentityException(Reason.TENANT_NOT_FOUND, "there is no such tenant");
        }
    }

    private static void requireFirstTenant(Actor actor) {
        if (!actor.tenantId().equals(ADMIN)) {
            throw new IdentityException(
                    Reason.NOT_ALLOWED, "only users of the tenant " + ADMIN + " may do this");
        }
    }

    // ---- roles

    /** Names of all roles, in order. */
    public List<String> roles() {
        return store.range(ROLE).entries().stream()
                .map(entry -> decodeRole(entry).name())
                .sorted()
                .toList();
    }

    /**
     * Makes a role that allows nothing yet.
     *
     * @throws IdentityException INVALID when the name is malformed or taken
     */
    public void createRole(Actor actor, String name) {
        requireFirstTenant(actor);
        if (!ROLE_NAME.matcher(name).matches() || PATHS.contains(name)) {
            throw invalid(
                    "the name of a role has 1 to "
                            + MAX_ROLE_NAME
                            + " letters, digits and characters of -_.@: and does not begin with one"
                            + " of -.@: nor is it one of "
                            + String.join(", ", PATHS));
        }
        if (store.range(ROLE).entries().size() >= MAX_ROLES) {
            throw invalid("there are " + MAX_ROLES + " roles already");
        }
        Role role = new Role(name, letters(ID_LENGTH), List.of(), 0);
        if (!store.commit(
                        List.of(new Guard.Absent(roleKey(name))),
                        List.of(new Op.Put(roleKey(name), encode(role))))
                .applied()) {
            throw invalid("there is a role of this name already");
        }
    }

    /**
     * Deletes a role; its users lose it.
     *
     * @throws IdentityException INVALID when there is none, or it is the administrators';
     *     NOT_ALLOWED when it allows more than the actor's roles
     */
    public void deleteRole(Actor actor, String name) {
        requireFirstTenant(actor);
        changed(() -> {
            Role role = changeable(name);
            requireHas(actor, role.grants());
            return store.commit(
                            List.of(new Guard.Unchanged(roleKey(name), role.revision())),
                            List.of(new Op.Delete(roleKey(name))))
                    .applied();
        });
    }

    /** Adds grants to a role; those that it has stay. */
    public void addGrants(Actor actor, String name, List<Grant> grants) {
        changeGrants(actor, name, grants, true);
    }

    /** Takes grants from a role; those that it does not have do not matter. */
    public void deleteGrants(Actor actor, String name, List<Grant> grants) {
        changeGrants(actor, name, grants, false);
    }

    private void changeGrants(Actor actor, String name, List<Grant> grants, boolean add) {
        requireFirstTenant(actor);
        requireKnown(grants);
        requireHas(actor, grants);
        changed(() -> {
            Role role = changeable(name);
            Set<Grant> next = new LinkedHashSet<>(role.grants());
            if (add) {
                next.addAll(grants);
            } else {
                grants.forEach(next::remove);
            }
            return store.commit(
                            List.of(new Guard.Unchanged(roleKey(name), role.revision())),
                            List.of(
                                    new Op.Put(
                                            roleKey(name),
                                            encode(
                                                    new Role(
                                                            name,
                                                            role.id(),
                                                            List.copyOf(next),
                                                            0)))))
                    .applied();
        });
    }

    /**
     * Gives roles to a user.
     *
     * @throws IdentityException USER_NOT_FOUND; INVALID when there is no such role; NOT_ALLOWED
     *     when one allows more than the actor's roles
     */
    public void bind(Actor actor, String userId, List<String> names) {
        visible(actor, userId);
        List<Role> roles = names.stream().map(this::existing).toList();
        roles.forEach(role -> requireHas(actor, role.grants()));
        changed(() -> {
            Bindings bindings = bindings(userId);
            Set<Bound> next = new LinkedHashSet<>(bindings.roles());
            next.removeIf(bound -> role(bound).isEmpty());
            roles.forEach(role -> next.add(new Bound(role.name(), role.id())));
            // Not for a user that was deleted meanwhile.
            Account account = account(userId).orElseThrow(Identities::noUser);
            return store.commit(
                            List.of(
                                    bindings.guard(),
                                    new Guard.Unchanged(USER + userId, account.revision())),
                            List.of(new Op.Put(USER_ROLE + userId, encode(List.copyOf(next)))))
                    .applied();
        });
    }

    /**
     * Takes a role from a user.
     *
     * @throws IdentityException USER_NOT_FOUND; INVALID when the user does not have it, or it is
     *     the first administrator's; NOT_ALLOWED when it allows more than the actor's roles
     */
    public void unbind(Actor actor, String userId, String name) {
        User user = visible(actor, userId).user();
        if (user.name().equals(ADMIN) && name.equals(ADMIN_ROLE)) {
            throw invalid("the user " + ADMIN + " keeps the role " + ADMIN_ROLE);
        }
        Role role = existing(name);
        requireHas(actor, role.grants());
        changed(() -> {
            Bindings bindings = bindings(userId);
            List<Bound> next = new ArrayList<>(bindings.roles());
            if (!next.remove(new Bound(name, role.id()))) {
                throw invalid("the user does not have this role");
            }
            return store.commit(
                            List.of(bindings.guard()),
                            List.of(new Op.Put(USER_ROLE + userId, encode(next))))
                    .applied();
        });
    }

    /**
     * What a user's roles allow, without duplicates.
     *
     * @throws IdentityException USER_NOT_FOUND
     */
    public List<Grant> grants(Actor actor, String userId) {
        visible(actor, userId);
        return List.copyOf(grantsOf(userId));
    }

    /**
     * Whether a user's roles allow all of these.
     *
     * @throws IdentityException USER_NOT_FOUND; INVALID when one is none
     */
    public boolean allows(Actor actor, String userId, List<Grant> wanted) {
        visible(actor, userId);
        requireKnown(wanted);
        return coversAll(grantsOf(userId), wanted);
    }

    /** Whether one of the user's roles allows it; false for an unknown user. */
    public boolean permits(String userId, Grant wanted) {
        return coversAll(grantsOf(userId), List.of(wanted));
    }

    private Set<Grant> grantsOf(String userId) {
        Set<Grant> grants = new LinkedHashSet<>();
        for (Bound bound : bindings(userId).roles()) {
            role(bound).ifPresent(role -> grants.addAll(role.grants()));
        }
        return grants;
    }

    private static boolean coversAll(Set<Grant> have, Iterable<Grant> wanted) {
        for (Grant grant : wanted) {
            if (have.stream().noneMatch(had -> had.covers(grant))) {
                return false;
            }
        }
        return true;
    }

    private void requireHas(Actor actor, List<Grant> grants) {
        if (!coversAll(grantsOf(actor.id()), grants)) {
            throw new IdentityException(
                    Reason.NOT_ALLOWED, "this needs permissions that your own roles do not have");
        }
    }

    /** Else who may change passwords could become anybody. */
    private void requireReach(Actor actor, String id) {
        if (!actor.id().equals(id)) {
            requireHas(actor, List.copyOf(grantsOf(id)));
        }
    }

    private static void requireKnown(List<Grant> grants) {
        for (Grant grant : grants) {
            if (!RESOURCES.contains(grant.resource()) || !ACTIONS.contains(grant.action())) {
                throw invalid(
                        "a permission has a resource of "
                                + String.join(", ", RESOURCES)
                                + " and an action of "
                                + String.join(", ", ACTIONS));
            }
        }
    }

    private Optional<Role> role(Bound bound) {
        return store.get(roleKey(bound.name()))
                .map(Identities::decodeRole)
                .filter(role -> role.id().equals(bound.id()));
    }

    private Role existing(String name) {
        return store.get(roleKey(name))
                .map(Identities::decodeRole)
                .orElseThrow(() -> invalid("there is no such role"));
    }

    private Role changeable(String name) {
        if (name.equals(ADMIN_ROLE)) {
            throw invalid("the role " + ADMIN_ROLE + " cannot be changed");
        }
        return existing(name);
    }

    // ---- what is kept

    private Account visible(Actor actor, String id) {
        return account(id)
                .filter(found -> sees(actor, found.user().tenantId()))
                .orElseThrow(Identities::noUser);
    }

    private static IdentityException noUser() {
        return new IdentityException(Reason.USER_NOT_FOUND, "there is no such user");
    }

    private static IdentityException invalid(String why) {
        return new IdentityException(Reason.INVALID, why);
    }

    private Optional<Account> accountNamed(String name) {
        return store.get(nameKey(name)).flatMap(entry -> account(entry.value()));
    }

    private Optional<Account> account(String id) {
        // Only ids that the server made, because others are no part of a key.
        return isId(id) ? store.get(USER + id).map(this::decode) : Optional.empty();
    }

    private static boolean isId(String id) {
        return id.length() == ID_LENGTH && id.chars().allMatch(c -> LETTERS.indexOf(c) >= 0);
    }

    private static String nameKey(String name) {
        return USER_NAME + hex(name);
    }

    private static String roleKey(String name) {
        return ROLE + hex(name);
    }

    private static String hex(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
    }

    private Bindings bindings(String userId) {
        String key = USER_ROLE + userId;
        Optional<Entry> entry = isId(userId) ? store.get(key) : Optional.empty();
        if (entry.isEmpty()) {
            return new Bindings(List.of(), new Guard.Absent(key));
        }
        Fields fields = Fields.parse(entry.get().value());
        List<String> names = fields.list("name");
        List<String> ids = fields.list("id");
        List<Bound> roles = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            roles.add(new Bound(names.get(i), ids.get(i)));
        }
        return new Bindings(roles, new Guard.Unchanged(key, entry.get().modRevision()));
    }

    private static String encode(List<Bound> roles) {
        return new Fields()
                .put("v", 1)
                .putList("name", roles.stream().map(Bound::name).toList())
                .putList("id", roles.stream().map(Bound::id).toList())
                .text();
    }

    private static String encode(Tenant tenant) {
        return new Fields()
                .put("v", 1)
                .put("id", tenant.id())
                .put("name", tenant.name())
                .put("created", tenant.createTime())
                .text();
    }

    private static String encode(Role role) {
        return new Fields()
                .put("v", 1)
                .put("name", role.name())
                .put("id", role.id())
                .putList("resource", role.grants().stream().map(Grant::resource).toList())
                .putList("action", role.grants().stream().map(Grant::action).toList())
                .text();
    }

    private static Role decodeRole(Entry entry) {
        Fields fields = Fields.parse(entry.value());
        List<String> resources = fields.list("resource");
        List<String> actions = fields.list("action");
        List<Grant> grants = new ArrayList<>();
        for (int i = 0; i < resources.size(); i++) {
            grants.add(new Grant(resources.get(i), actions.get(i)));
        }
        return new Role(fields.get("name"), fields.get("id"), grants, entry.modRevision());
    }

    private String encode(User user, String passwordHash, long generation) {
        Fields fields =
                new Fields()
                        .put("v", 1)
                        .put("id", user.id())
                        .put("tenant", user.tenantId())
                        .put("name", user.name())
                        .put("creator", user.creator())
                        .put("nickname", user.nickname())
                        .put("email", user.email())
                        .put("phone", user.phone())
                        .put("created", user.createTime())
                        .put("updated", user.updateTime())
                        .put("password", vault.seal(USER + user.id(), passwordHash))
                        .putUnsigned("generation", generation);
        user.passwordTime().ifPresent(time -> fields.put("password-set", time));
        return fields.text();
    }

    private Account decode(Entry entry) {
        Fields fields = Fields.parse(entry.value());
        User user =
                new User(
                        fields.get("id"),
                        fields.get("tenant"),
                        fields.get("name"),
                        fields.get("creator"),
                        fields.get("nickname"),
                        fields.get("email"),
                        fields.get("phone"),
                        Instant.parse(fields.get("created")),
                        Instant.parse(fields.get("updated")),
                        fields.has("password-set")
                                ? Optional.of(Instant.parse(fields.get("password-set")))
                                : Optional.empty());
        return new Account(
                user,
                vault.unseal(entry.key(), fields.get("password")),
                fields.unsigned("generation"),
                entry.modRevision());
    }

    /** Tries a guarded change until nobody else was faster. */
    private static void changed(Supplier<Boolean> attempt) {
        for (int i = 0; i < ATTEMPTS; i++) {
            if (attempt.get()) {
                return;
            }
        }
        throw new MillraceException(
                ErrorCode.METASTORE_CONFLICT,
                "the record is changed by others all the time; try again");
    }

    // ---- hashes and random texts

    private String hash(String password) {
        return hashing(() -> hasher.hash(password));
    }

    private boolean matches(String password, String hash) {
        return hashing(() -> hasher.matches(password, hash));
    }

    private <T> T hashing(Supplier<T> work) {
        try {
            // In turn, so that who asks for many does not push others back.
            if (!hashing.tryAcquire(LONGEST_QUEUE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IdentityException(
                        Reason.TOO_MANY_LOGINS, "many logins are under way; try again");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IdentityException(Reason.TOO_MANY_LOGINS, "the server stops");
        }
        try {
            return onOwnThread(work);
        } finally {
            hashing.release();
        }
    }

    /** A hash keeps a processor busy: not one of the few that virtual threads share. */
    private static <T> T onOwnThread(Supplier<T> work) {
        FutureTask<T> task = new FutureTask<>(work::get);
        Thread.ofPlatform().daemon().name("password-hash").start(task);
        try {
            return task.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IdentityException(Reason.TOO_MANY_LOGINS, "the server stops");
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException known
                    ? known
                    : new IllegalStateException(e.getCause());
        }
    }

    /** A hash of a password that nobody has. */
    private String nobodysHash() {
        String known = nobodysHash;
        if (known == null) {
            known = hash(letters(PASSWORD_LENGTH));
            nobodysHash = known;
        }
        return known;
    }

    private String letters(int n) {
        StringBuilder out = new StringBuilder(n);
        for (int i = 0; i < n; i++) {
            out.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
        }
        return out.toString();
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(
                            MessageDigest.getInstance("SHA-256")
                                    .digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
