package io.millrace.server;

import io.millrace.core.control.ControlPlane;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at the control plane once a second, on a thread of its own, until it is closed. */
final class EachSecond implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EachSecond.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final String name;
    private final Supplier<Optional<ControlPlane>> control;
    private final Consumer<ControlPlane> look;
    private final Thread thread;

    /**
     * @param name of the thread
     * @param control empty until the server is ready
     */
    EachSecond(String name, Supplier<Optional<ControlPlane>> control, Consumer<ControlPlane> look) {
        this.name = name;
        this.control = control;
        this.look = look;
        this.thread = Thread.ofVirtual().name(name).start(this::run);
    }

    private void run() {
        try {
            while (true) {
                try {
                    control.get().ifPresent(look);
                } catch (RuntimeException e) {
                    // The store may be busy; the next look comes in a second.
                    LOG.debug("the jobs were not looked at by={}", name, e);
                }
                Thread.sleep(INTERVAL);
            }
        } catch (InterruptedException e) {
            LOG.debug("closed by={}", name);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
