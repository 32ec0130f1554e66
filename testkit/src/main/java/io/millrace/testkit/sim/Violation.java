package io.millrace.testkit.sim;

/** Something that must never be was seen. */
public final class Violation extends AssertionError {
    private static final long serialVersionUID = 1L;

    Violation(String what) {
        super(what);
    }
}
