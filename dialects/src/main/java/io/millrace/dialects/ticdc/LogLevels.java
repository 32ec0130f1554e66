package io.millrace.dialects.ticdc;

/** Changes the level of this node's log while it runs. */
public interface LogLevels {
    /**
     * @param level debug, info, warn, error or fatal
     */
    void set(String level);
}
