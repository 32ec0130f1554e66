package io.millrace.core.engine;

/**
 * A duty cycle: a thread role without a thread. The assembly decides who calls it; tests step it by
 * hand.
 */
public interface Stage {
    /** Does what can be done now without waiting; returns how much, 0 when idle. */
    int doWork();
}
