package io.millrace.dialects.tiunimanager;

import io.javalin.config.JavalinConfig;
import io.javalin.http.HandlerType;
import java.time.Clock;
import java.util.Map;

/**
 * Puts the TiUniManager routes on a listener, with TiUniManager's rules for everything around them.
 */
public final class TiUniManagerDialect {
    private final Keeper keeper;
    private final Clock clock;

    /**
     * @param clock of the audit log
     */
    TiUniManagerDialect(Keeper keeper, Clock clock) {
        this.keeper = keeper;
        this.clock = clock;
    }

    /** Registers routes and error answers. */
    public void install(JavalinConfig config) {
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
    }

    /**
     * The envelope for a request that did not get as far as a route, such as one with a broken
     * percent escape.
     */
    public static String errorBody(int status, String message) {
        return Gate.errorBody(status, message);
    }
}
