package io.millrace.core.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.control.MetaStore;
import io.millrace.core.control.Vault;
import io.millrace.core.identity.Identities.Actor;
import io.millrace.core.identity.Identities.Login;
import io.millrace.core.identity.Identities.NewUser;
import io.millrace.core.identity.Identities.Session;
import io.millrace.core.identity.IdentityException.Reason;
import io.millrace.metastore.SqliteMetaStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Users, roles and tokens on the real store. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class IdentitiesTest {
    private static final Duration TICK = Duration.ofMillis(1);

    /** Quick, and counts. */
    private static final class CountingHasher implements PasswordHasher {
        int looks;

        @Override
        public String hash(String password) {
            return "hash of " + new StringBuilder(password).reverse();
        }

        @Override
        public boolean matches(String password, String hash) {
            looks++;
            return hash(password).equals(hash);
        }
    }

    private static final class HandClock extends Clock {
        Instant now = Instant.parse("2026-11-22T00:00:00Z");

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }

        void pass(Duration time) {
            now = now.plus(time);
        }
    }

    @TempDir Path dir;

    private final HandClock clock = new HandClock();
    private final CountingHasher hasher = new CountingHasher();
    private MetaStore store;
    private Identities identities;
    private String initial;
    private Actor admin;

    @BeforeEach
    void open() {
        store = SqliteMetaStore.open(dir);
        identities = identities();
        initial = identities.createFirstAdmin().orElseThrow();
        admin = actor(identities.login("admin", initial, "here").user());
    }

    private Identities identities() {
        return new Identities(store, Vault.open(dir.resolve("secret.key")), hasher, clock);
    }

    @AfterEach
    void close() {
        store.close();
    }

    private static Actor actor(User user) {
        return new Actor(user.id(), user.tenantId());
    }

    private User newUser(String name) {
        return newUser(name, "admin");
    }

    private User newUser(String name, String tenant) {
        return identities.createUser(
                admin, new NewUser(tenant, name, "first-" + name, "Nick", "a@b.c", "1"));
    }

    private String token(String name, String password) {
        return identities.login(name, password, "here").token();
    }

    private boolean isValid(String token) {
        return identities.session(token) instanceof Session.Valid;
    }

    private void role(String name, Grant... grants) {
        identities.createRole(admin, name);
        if (grants.length > 0) {
            identities.addGrants(admin, name, List.of(grants));
        }
    }

    private static void refused(Reason reason, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        IdentityException.class,
                        e -> assertThat(e.reason()).as(e.text()).isEqualTo(reason));
    }

    @Test
    void theFirstAdminHasAGeneratedPasswordThatMustBeChanged() {
        assertThat(initial).hasSize(20);
        assertThat(identities.createFirstAdmin()).as("only once").isEmpty();
        refused(Reason.LOGIN_FAILED, () -> token("admin", "admin"));
        Login login = identities.login("admin", initial, "here");
        assertThat(login.passwordExpired()).isTrue();
        assertThat(login.user().tenantId()).isEqualTo("admin");
        refused(Reason.INVALID, () -> identities.setPassword(admin, admin.id(), initial));
        identities.setPassword(admin, admin.id(), "another one");
        assertThat(isValid(login.token())).as("a new password ends tokens").isFalse();
        assertThat(identities.login("admin", "another one", "here").passwordExpired()).isFalse();
        clock.pass(Identities.PASSWORD_LIFE.minus(TICK));
        assertThat(identities.login("admin", "another one", "here").passwordExpired()).isFalse();
        clock.pass(TICK);
        Login late = identities.login("admin", "another one", "here");
        assertThat(late.passwordExpired()).isTrue();
        assertThat(identities.session(late.token()))
                .isInstanceOfSatisfying(
                        Session.Valid.class, valid -> assertThat(valid.passwordExpired()).isTrue());
    }

    @Test
    void aTokenLivesForFourHoursThroughRestartsWhetherUsedOrNot() {
        String token = token("admin", initial);
        assertThat(token).matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
        clock.pass(Identities.TOKEN_LIFE.minus(TICK));
        assertThat(isValid(token)).isTrue();
        store.close();
        store = SqliteMetaStore.open(dir);
        identities = identities();
        assertThat(isValid(token)).isTrue();
        assertThat(isValid(token.toUpperCase(java.util.Locale.ROOT))).isFalse();
        clock.pass(TICK);
        assertThat(identities.session(token)).isInstanceOf(Session.Expired.class);
        assertThat(identities.logout(token)).isEmpty();
        assertThat(identities.session("")).isInstanceOf(Session.Unknown.class);
        assertThat(identities.session(token + "x")).isInstanceOf(Session.Unknown.class);
        assertThat(identities.session("x".repeat(100_000))).isInstanceOf(Session.Unknown.class);
        assertThat(identities.session("../user/" + admin.id())).isInstanceOf(Session.Unknown.class);
    }

    @Test
    void logoutEndsOneToken() {
        String one = token("admin", initial);
        String other = token("admin", initial);
        assertThat(identities.logout(one).orElseThrow().id()).isEqualTo(admin.id());
        assertThat(isValid(one)).isFalse();
        assertThat(isValid(other)).isTrue();
        refused(Reason.USER_NOT_FOUND, () -> identities.logout(one));
    }

    @Test
    void tokensOfAUserAreBounded() {
        List<String> tokens = new ArrayList<>();
        for (int i = 0; i < Identities.MAX_TOKENS + 3; i++) {
            clock.pass(TICK);
            tokens.add(token("admin", initial));
        }
        assertThat(tokens.stream().filter(this::isValid)).hasSize(Identities.MAX_TOKENS);
        assertThat(isValid(tokens.getLast())).isTrue();
        assertThat(isValid(tokens.getFirst())).isFalse();
        clock.pass(Duration.ofDays(2));
        token("admin", initial);
        assertThat(store.range("/millrace/identity/token/").entries()).hasSize(1);
        assertThat(store.range("/millrace/identity/user-token/").entries()).hasSize(1);
    }

    @Test
    void neitherPasswordsNorTokensNorHashesAreInTheStore() {
        String token = token("admin", initial);
        newUser("alice");
        assertThat(store.range("/millrace/identity/").entries())
                .isNotEmpty()
                .allSatisfy(entry ->
                        assertThat(entry.toString())
                                .doesNotContain(
                                        initial,
                                        token,
                                        "first-alice",
                                        "hash of",
                                        hasher.hash(initial)));
    }

    @Test
    void anUnknownUserCostsAHashToo() {
        hasher.looks = 0;
        refused(Reason.LOGIN_FAILED, () -> token("nobody", "password"));
        assertThat(hasher.looks).isEqualTo(1);
        refused(Reason.LOGIN_FAILED, () -> token("admin", "password"));
        assertThat(hasher.looks).isEqualTo(2);
    }

    @Test
    void guessingIsSlowedDownBeforeThePasswordIsLookedAt() {
        for (int i = 0; i < LoginLimiter.Subject.NAME_AT_ADDRESS.free; i++) {
            refused(Reason.LOGIN_FAILED, () -> token("admin", "guess"));
        }
        hasher.looks = 0;
        refused(Reason.TOO_MANY_LOGINS, () -> token("admin", initial));
        assertThat(hasher.looks).isZero();
        clock.pass(Duration.ofSeconds(2));
        assertThat(token("admin", initial)).isNotEmpty();
        assertThat(token("admin", initial)).as("success forgets the failures").isNotEmpty();
    }

    @Test
    void aLostPasswordIsReplaced() {
        identities.setPassword(admin, admin.id(), "forgotten");
        String token = token("admin", "forgotten");
        String reset = identities.resetAdminPassword();
        assertThat(reset).hasSize(20);
        assertThat(isValid(token)).isFalse();
        refused(Reason.LOGIN_FAILED, () -> token("admin", "forgotten"));
        assertThat(identities.login("admin", reset, "here").passwordExpired()).isTrue();
    }

    @Test
    void usersAreMadeChangedAndDeleted() {
        User alice = newUser("alice");
        refused(Reason.INVALID, () -> newUser("alice"));
        refused(Reason.TENANT_NOT_FOUND, () -> newUser("bob00", "nowhere"));
        assertThat(identities.login("alice", "first-alice", "here").passwordExpired()).isTrue();
        identities.updateProfile(admin, alice.id(), "Ally", "", "22");
        User changed = identities.user(admin, alice.id());
        assertThat(changed.nickname()).isEqualTo("Ally");
        assertThat(changed.email()).isEqualTo("a@b.c");
        assertThat(changed.phone()).isEqualTo("22");
        assertThat(changed.creator()).isEqualTo(admin.id());
        assertThat(identities.users(admin)).containsOnlyKeys(admin.id(), alice.id());
        String token = token("alice", "first-alice");
        role("reader", new Grant("CDC", "READ"));
        identities.bind(admin, alice.id(), List.of("reader"));
        identities.deleteUser(admin, alice.id());
        assertThat(isValid(token)).isFalse();
        assertThat(identities.permits(alice.id(), new Grant("CDC", "READ"))).isFalse();
        refused(Reason.LOGIN_FAILED, () -> token("alice", "first-alice"));
        refused(Reason.USER_NOT_FOUND, () -> identities.user(admin, alice.id()));
        refused(Reason.USER_NOT_FOUND, () -> identities.deleteUser(admin, alice.id()));
        assertThat(store.range("/millrace/identity/").entries())
                .noneMatch(entry -> entry.toString().contains(alice.id()));
        assertThat(newUser("alice").id()).isNotEqualTo(alice.id());
        refused(Reason.INVALID, () -> identities.deleteUser(admin, admin.id()));
    }

    @Test
    void idsThatAreNoneReachNothing() {
        for (String id :
                List.of("", "..", admin.id() + "/", "x".repeat(22) + "/../", "é".repeat(22))) {
            refused(Reason.USER_NOT_FOUND, () -> identities.user(admin, id));
            refused(Reason.USER_NOT_FOUND, () -> identities.deleteUser(admin, id));
            assertThat(identities.permits(id, new Grant("CDC", "READ"))).isFalse();
        }
    }

    @Test
    void rolesAllowWhatTheirGrantsSay() {
        User alice = newUser("alice");
        role("reader", new Grant("CDC", "READ"), new Grant("CLUSTER", Grant.ANY));
        identities.bind(admin, alice.id(), List.of("reader", "reader"));
        assertThat(identities.grants(admin, alice.id()))
                .containsExactly(new Grant("CDC", "READ"), new Grant("CLUSTER", "*"));
        assertThat(identities.permits(alice.id(), new Grant("CDC", "READ"))).isTrue();
        assertThat(identities.permits(alice.id(), new Grant("CDC", "UPDATE"))).isFalse();
        assertThat(identities.permits(alice.id(), new Grant("CLUSTER", "UPDATE"))).isTrue();
        assertThat(
                        identities.allows(
                                admin,
                                alice.id(),
                                List.of(new Grant("CDC", "READ"), new Grant("USER", "READ"))))
                .isFalse();
        identities.deleteGrants(admin, "reader", List.of(new Grant("CDC", "READ")));
        assertThat(identities.permits(alice.id(), new Grant("CDC", "READ"))).isFalse();
        identities.unbind(admin, alice.id(), "reader");
        assertThat(identities.grants(admin, alice.id())).isEmpty();
        refused(Reason.INVALID, () -> identities.unbind(admin, alice.id(), "reader"));
    }

    @Test
    void aRoleOfTheSameNameIsAnother() {
        User alice = newUser("alice");
        role("helper", new Grant("CDC", "READ"));
        identities.bind(admin, alice.id(), List.of("helper"));
        identities.deleteRole(admin, "helper");
        assertThat(identities.grants(admin, alice.id())).isEmpty();
        role("helper", new Grant("USER", Grant.ANY));
        assertThat(identities.grants(admin, alice.id())).isEmpty();
    }

    @Test
    void badRoles() {
        role("taken");
        for (String name :
                List.of("", " ", "taken", "bind", "unbind", "..", "a/b", "a b", "x".repeat(65))) {
            refused(Reason.INVALID, () -> identities.createRole(admin, name));
        }
        refused(Reason.INVALID, () -> identities.deleteRole(admin, "nobody"));
        User alice = newUser("alice");
        refused(Reason.INVALID, () -> identities.bind(admin, alice.id(), List.of("nobody")));
        for (Grant grant : List.of(new Grant("CDC", "read"), new Grant("NONE", "READ"))) {
            refused(Reason.INVALID, () -> identities.addGrants(admin, "taken", List.of(grant)));
            refused(Reason.INVALID, () -> identities.allows(admin, alice.id(), List.of(grant)));
        }
        assertThat(identities.roles()).containsExactly(Identities.ADMIN_ROLE, "taken");
    }

    @Test
    void theAdminsRoleStays() {
        String role = Identities.ADMIN_ROLE;
        List<Grant> one = List.of(new Grant("CDC", "READ"));
        refused(Reason.INVALID, () -> identities.deleteRole(admin, role));
        refused(Reason.INVALID, () -> identities.addGrants(admin, role, one));
        refused(Reason.INVALID, () -> identities.deleteGrants(admin, role, one));
        refused(Reason.INVALID, () -> identities.createRole(admin, role));
        refused(Reason.INVALID, () -> identities.unbind(admin, admin.id(), role));
        User alice = newUser("alice");
        identities.bind(admin, alice.id(), List.of(role));
        assertThat(identities.permits(alice.id(), new Grant("SYSTEM", "DELETE"))).isTrue();
        identities.unbind(admin, alice.id(), role);
        assertThat(identities.permits(alice.id(), new Grant("SYSTEM", "DELETE"))).isFalse();
    }

    @Test
    void nobodyReachesFurtherThanTheOwnRoles() {
        User helper = newUser("helper");
        Actor actor = actor(helper);
        role("users", new Grant("USER", Grant.ANY));
        role("feeds", new Grant("CDC", Grant.ANY));
        identities.bind(admin, helper.id(), List.of("users"));
        User feeder = newUser("feeder");
        identities.bind(admin, feeder.id(), List.of("feeds"));
        User plain = newUser("plain");

        refused(
                Reason.NOT_ALLOWED,
                () -> identities.bind(actor, helper.id(), List.of(Identities.ADMIN_ROLE)));
        refused(Reason.NOT_ALLOWED, () -> identities.bind(actor, helper.id(), List.of("feeds")));
        refused(
                Reason.NOT_ALLOWED,
                () -> identities.addGrants(actor, "users", List.of(new Grant("CDC", "READ"))));
        refused(Reason.NOT_ALLOWED, () -> identities.deleteRole(actor, "feeds"));
        refused(Reason.NOT_ALLOWED, () -> identities.unbind(actor, feeder.id(), "feeds"));
        refused(Reason.NOT_ALLOWED, () -> identities.setPassword(actor, admin.id(), "taken over"));
        refused(Reason.NOT_ALLOWED, () -> identities.setPassword(actor, feeder.id(), "taken over"));
        refused(
                Reason.NOT_ALLOWED,
                () -> identities.updateProfile(actor, feeder.id(), "x", "", ""));
        refused(Reason.NOT_ALLOWED, () -> identities.deleteUser(actor, feeder.id()));

        identities.setPassword(actor, plain.id(), "a new one");
        assertThat(token("plain", "a new one")).isNotEmpty();
        identities.bind(actor, plain.id(), List.of("users"));
        identities.deleteUser(actor, plain.id());
    }

    @Test
    void tenantsDoNotSeeEachOther() {
        identities.createTenant(admin, "other", "Other");
        refused(Reason.INVALID, () -> identities.createTenant(admin, "other", "Again"));
        User boss = newUser("boss0", "other");
        Actor actor = actor(boss);
        identities.bind(admin, boss.id(), List.of(Identities.ADMIN_ROLE));
        assertThat(identities.users(actor).keySet()).containsExactly(boss.id());
        assertThat(identities.tenants(actor)).extracting(Tenant::id).containsExactly("other");
        assertThat(identities.tenants(admin))
                .extracting(Tenant::id)
                .containsExactly("admin", "other");
        refused(Reason.USER_NOT_FOUND, () -> identities.user(actor, admin.id()));
        refused(
                Reason.USER_NOT_FOUND,
                () -> identities.setPassword(actor, admin.id(), "taken over"));
        refused(Reason.USER_NOT_FOUND, () -> identities.grants(actor, admin.id()));
        refused(Reason.NOT_ALLOWED, () -> identities.createRole(actor, "mine"));
        refused(Reason.NOT_ALLOWED, () -> identities.createTenant(actor, "third", "T"));
        refused(
                Reason.TENANT_NOT_FOUND,
                () ->
                        identities.createUser(
                                actor,
                                new NewUser("admin", "spy00", "password", "s", "a@b.c", "")));
        assertThat(
                        identities
                                .createUser(
                                        actor,
                                        new NewUser("other", "clerk", "password", "s", "a@b.c", ""))
                                .tenantId())
                .isEqualTo("other");
    }
}
