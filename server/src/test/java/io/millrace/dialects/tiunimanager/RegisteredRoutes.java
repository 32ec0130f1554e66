package io.millrace.dialects.tiunimanager;

import io.javalin.Javalin;
import io.javalin.http.HandlerType;
import io.millrace.core.control.JobChecks;
import io.millrace.core.control.JobDrafts;
import io.millrace.core.control.JobSpec;
import io.millrace.core.control.Vault;
import io.millrace.core.identity.AuditTrail;
import io.millrace.core.identity.Identities;
import io.millrace.core.identity.PasswordHasher;
import io.millrace.metastore.SqliteMetaStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The routes that need a token, as a server registers them. */
public final class RegisteredRoutes {
    private static final class NoPasswords implements PasswordHasher {
        @Override
        public String hash(String password) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean matches(String password, String hash) {
            throw new UnsupportedOperationException();
        }
    }

    private static final class NoJobs implements JobDrafts {
        @Override
        public JobSpec fresh(Draft draft, JobChecks.StartPoint start) {
            throw new UnsupportedOperationException();
        }

        @Override
        public JobSpec changed(JobSpec old, Draft draft) {
            throw new UnsupportedOperationException();
        }
    }

    private RegisteredRoutes() {}

    /**
     * Verb and path, as {@code GET /users/{id}}, with resource and action.
     *
     * @param folder for files that nobody needs
     */
    public static Map<String, String> all(Path folder) {
        Map<String, String> all = new TreeMap<>();
        try (SqliteMetaStore store = SqliteMetaStore.open(folder);
                AuditTrail audit = AuditTrail.open(folder)) {
            Clock clock = Clock.fixed(Instant.EPOCH, ZoneOffset.UTC);
            TiUniManagerDialect dialect =
                    new TiUniManagerDialect(
                            Optional::empty,
                            new NoJobs(),
                            new Identities(
                                    store,
                                    Vault.open(folder.resolve("key")),
                                    new NoPasswords(),
                                    clock),
                            audit,
                            ZoneOffset.UTC,
                            clock);
            Javalin.create(config -> {
                for (Gate.Route route : dialect.routes(config).routes()) {
                    route.permission()
                            .ifPresent(permission ->
                                    all.put(
                                            verb(route.verb())
                                                    + " "
                                                    + route.path()
                                                            .substring(Gate.BASE.length())
                                                            .replaceAll("\\{[A-Za-z]+}", "{id}"),
                                            permission.resource() + " " + permission.action()));
                }
            });
        }
        return all;
    }

    private static String verb(HandlerType type) {
        return type.toString();
    }
}
