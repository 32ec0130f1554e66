package io.millrace.dialects.tiunimanager;

import io.javalin.config.JavalinConfig;
import io.javalin.http.HandlerType;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.JobDrafts;
import io.millrace.core.identity.AuditTrail;
import io.millrace.core.identity.Identities;
import java.time.Clock;
import java.time.ZoneId;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Puts the TiUniManager routes on a listener, with TiUniManager's rules for everything around them.
 */
public final class TiUniManagerDialect {
    private final Supplier<Optional<ControlPlane>> control;
    private final JobDrafts drafts;
    private final Identities identities;
    private final AuditTrail audit;
    private final ZoneId zone;
    private final Clock clock;

    /**
     * @param control empty until the server is ready: until then only login and the state of the
     *     system are served
     * @param drafts makes the jobs of tasks
     * @param zone of times in answers
     * @param clock of the audit log
     */
    public TiUniManagerDialect(
            Supplier<Optional<ControlPlane>> control,
            JobDrafts drafts,
            Identities identities,
            AuditTrail audit,
            ZoneId zone,
            Clock clock) {
        this.control = control;
        this.drafts = drafts;
        this.identities = identities;
        this.audit = audit;
        this.zone = zone;
        this.clock = clock;
    }

    /** Registers routes and error answers. */
    public void install(JavalinConfig config) {
        routes(config);
    }

    /** The same; tells the routes. */
    Gate routes(JavalinConfig config) {
        Keeper keeper = new IdentityKeeper(identities, audit, () -> control.get().isPresent());
        Gate gate = new Gate(config, keeper, clock);
        gate.open(
                HandlerType.GET,
                "/system/info",
                request -> "",
                (caller, nothing) ->
                        Answer.of(
                                Map.of(
                                        "info",
                                        Map.of(
                                                "systemName",
                                                "Millrace",
                                                "state",
                                                keeper.systemState()))));
        new IdentityRoutes(identities, audit, zone).install(gate);
        FeedRoutes.install(gate, this::plane, drafts, zone);
        ClusterRoutes.install(gate, this::plane, zone);
        return gate;
    }

    /** The gate lets nobody in before there is one. */
    private ControlPlane plane() {
        return control.get()
                .orElseThrow(() ->
                        new UniException(
                                UniCode.SYSTEM_STATE_CONFLICT, "current state is Initialing"));
    }

    /**
     * The envelope for a request that did not get as far as a route, such as one with a broken
     * percent escape.
     */
    public static String errorBody(int status, String message) {
        return Gate.errorBody(status, message);
    }
}
