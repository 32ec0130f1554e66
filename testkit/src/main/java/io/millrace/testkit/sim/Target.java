package io.millrace.testkit.sim;

import io.millrace.core.model.SchemaChange;
import io.millrace.testkit.sim.History.Event;
import io.millrace.testkit.sim.History.Piece;
import java.util.List;

/** A downstream's durable state; survives crashes of the process. */
interface Target {
    /**
     * A piece of a row event on its way to one lane.
     *
     * @param tso commit TSO that it was delivered with
     */
    record Unit(ModelSink.Tracked batch, Piece piece, long tso) {}

    /** A sink with so many lanes begins to work. */
    void opened(int lanes);

    /** One lane's request arrives: all or nothing. */
    void rows(int lane, List<Unit> units);

    /** A DDL request arrives. */
    void ddl(Event event, SchemaChange change, boolean replayed);

    /** Throws if the state is not what upstream has in the end. */
    void checkFinalState(History history);
}
