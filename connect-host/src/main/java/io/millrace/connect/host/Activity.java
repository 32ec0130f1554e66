package io.millrace.connect.host;

import java.util.Locale;

/**
 * What a connector does, as told by its progress; Connect's own status says RUNNING of a connector
 * that has not moved for a day as well.
 */
public enum Activity {
    /** It has been told to run, and nothing can be said yet. */
    STARTING,
    /** It takes the first copy of its tables, and gets on with it. */
    SNAPSHOT,
    /** It has delivered records just now. */
    MOVING,
    /** It is connected, and there is nothing to deliver. */
    IDLE,
    /** It should work and does not: no connection, or records that nobody takes. */
    STALLED,
    /** It runs on another worker of the group, whose figures are not known here. */
    RUNNING,
    /** It, or a task of it, has failed, and is going to be restarted. */
    RESTARTING,
    /** It, or a task of it, has failed. */
    FAILED,
    PAUSED,
    STOPPED,
    /** No worker has it. */
    UNASSIGNED;

    /** As people read it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
