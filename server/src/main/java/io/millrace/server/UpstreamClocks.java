package io.millrace.server;

import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.Job;
import io.millrace.core.model.Tso;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The clocks of the upstreams that running jobs read, looked at every few seconds on a thread of
 * its own: an upstream that does not answer must not hold up the metrics page.
 */
final class UpstreamClocks implements AutoCloseable {
    private static final Duration INTERVAL = Duration.ofSeconds(5);
    private static final Logger LOG = LoggerFactory.getLogger(UpstreamClocks.class);

    private final Supplier<Optional<ControlPlane>> control;
    private final Map<String, Long> known = new ConcurrentHashMap<>();
    private final Thread thread;

    UpstreamClocks(Supplier<Optional<ControlPlane>> control) {
        this.control = control;
        this.thread = Thread.ofVirtual().name("upstream-clocks").start(this::run);
    }

    /** Unix milliseconds; empty while the upstream was not seen. */
    OptionalLong of(String upstream) {
        Long ms = known.get(upstream);
        return ms == null ? OptionalLong.empty() : OptionalLong.of(ms);
    }

    private void run() {
        try {
            while (true) {
                control.get().ifPresent(this::look);
                Thread.sleep(control.get().isEmpty() ? Duration.ofMillis(100) : INTERVAL);
            }
        } catch (InterruptedException e) {
            // The server is closing.
        }
    }

    private void look(ControlPlane plane) {
        Set<String> names =
                plane.image().jobs().values().stream()
                        .filter(job -> job.state().isActive())
                        .map(Job::spec)
                        .map(spec -> spec.upstream())
                        .collect(Collectors.toSet());
        known.keySet().retainAll(names);
        for (String name : names) {
            try {
                known.put(name, Tso.physicalMs(plane.checks().upstreams().get(name).currentTso()));
            } catch (RuntimeException e) {
                known.remove(name);
                LOG.debug("upstream's clock not seen upstream={}", name, e);
            }
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
