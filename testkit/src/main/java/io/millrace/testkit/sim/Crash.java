package io.millrace.testkit.sim;

/** The simulated process is dead from here on; an error, so that nobody handles it. */
final class Crash extends Error {
    private static final long serialVersionUID = 1L;

    Crash() {
        super("simulated crash", null, false, false);
    }
}
