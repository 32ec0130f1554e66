package io.millrace.bench;

/** Something that can be measured: ours or a peer. */
interface Subject {
    /** Name in reports. */
    String name();

    /**
     * What it must do before the rows are written (record a position, copy a schema); nothing for
     * most.
     */
    default void prime(Bench empty) throws Exception {}

    /** Handles all rows once, from a fresh start. */
    Figures run(Bench bench) throws Exception;
}
