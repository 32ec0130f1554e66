package io.millrace.mysql.wire;

import io.millrace.core.model.SourcePosition;

/** Looks ahead of the stream: the statements of a stretch of the binlog, without its rows. */
@FunctionalInterface
public interface StatementsAhead {
    /** Takes what is found. */
    @FunctionalInterface
    interface Visitor {
        /**
         * One statement that is neither transaction control nor a row change.
         *
         * @param sql the statement, without trailing NUL; leading comments included
         * @param after its end in the binlog
         */
        void statement(String sql, QueryContext context, SourcePosition after);
    }

    /**
     * Reads from one place to another, both on the server that the stream comes from. Blocks; the
     * stream waits meanwhile.
     *
     * @param from the stream's place, or where reading ended the last time
     * @param until a place that the server's binlog has or is about to have
     * @throws io.millrace.core.error.MillraceException when the server cannot be read from, or its
     *     binlog ends before {@code until}
     */
    void read(SourcePosition from, SourcePosition until, Visitor visitor);
}
