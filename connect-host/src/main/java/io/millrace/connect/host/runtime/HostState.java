package io.millrace.connect.host.runtime;

import io.millrace.connect.host.ConnectSettings.Login;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * What the API's filters must know of the worker; the worker appears in it when it has been built.
 */
final class HostState {
    /** Under this key it travels with the API's settings to {@link RestRepairs}. */
    static final String KEY = "millrace.host.state";

    static final String STARTING = "Kafka Connect is starting; try again in some seconds";

    private final Optional<Login> login;
    private volatile BooleanSupplier ready = () -> false;
    private volatile Predicate<String> connectorKnown = name -> true;

    HostState(Optional<Login> login) {
        this.login = login;
    }

    void attach(BooleanSupplier isReady, Predicate<String> isConnectorKnown) {
        connectorKnown = isConnectorKnown;
        ready = isReady;
    }

    Optional<Login> login() {
        return login;
    }

    boolean isReady() {
        return ready.getAsBoolean();
    }

    /** Whether a connector class, or its short name, is among the plug-ins. */
    boolean isConnectorKnown(String name) {
        return connectorKnown.test(name);
    }
}
