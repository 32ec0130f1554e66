package io.millrace.storage.reader;

import io.millrace.core.model.SessionState;

/**
 * A DDL statement.
 *
 * @param tso its own
 * @param part its place among the parts of one statement, from 1
 * @param schema database of the object
 * @param table the object, empty for a database
 * @param defaultSchema database that names without one belong to
 * @param query the statement
 * @param session the settings of the session that ran it; unknown in files of others
 */
public record StoredDdl(
        long tso,
        int part,
        String schema,
        String table,
        String defaultSchema,
        String query,
        SessionState session) {}
