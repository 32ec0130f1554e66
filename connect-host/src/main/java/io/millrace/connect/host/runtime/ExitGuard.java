package io.millrace.connect.host.runtime;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.kafka.common.utils.Exit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Catches Kafka's code when it ends the process by itself, so that the rest of the process stops in
 * order.
 *
 * <p>Kafka keeps one procedure for exit and one for halt per process, so they are set once and tell
 * every guard that is installed.
 */
public final class ExitGuard implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ExitGuard.class);
    private static final List<ExitGuard> INSTALLED = new CopyOnWriteArrayList<>();

    /** What the worker failed of, as Connect only logs it before it ends the process. */
    private static volatile String cause = "";

    private final Consumer<String> onFatal;
    private final AtomicBoolean told = new AtomicBoolean();

    private ExitGuard(Consumer<String> onFatal) {
        this.onFatal = onFatal;
    }

    /** From now on {@code onFatal} is told, once, instead of the process being ended. */
    public static ExitGuard install(Consumer<String> onFatal) {
        ExitGuard guard = new ExitGuard(onFatal);
        INSTALLED.add(guard);
        Exit.setExitProcedure((status, message) -> tell("exit", status, message));
        Exit.setHaltProcedure((status, message) -> tell("halt", status, message));
        return guard;
    }

    /** Remembers why Kafka's code is about to end the process. */
    static void because(Throwable failure) {
        cause = failure.toString();
    }

    /** This guard's owner is told no more; the process goes on being guarded. */
    @Override
    public void close() {
        INSTALLED.remove(this);
    }

    private static void tell(String how, int status, @Nullable String message) {
        String text =
                "Kafka wanted to end the process ("
                        + how
                        + " "
                        + status
                        + (message == null ? "" : ": " + message)
                        + ") on thread "
                        + Thread.currentThread().getName()
                        + (cause.isEmpty()
                                ? "; the log tells the cause above this"
                                : " because of " + cause);
        LOG.error("kafka is broken: {}", text, new IllegalStateException(how));
        for (ExitGuard guard : INSTALLED) {
            if (guard.told.compareAndSet(false, true)) {
                guard.onFatal.accept(text);
            }
        }
    }
}
