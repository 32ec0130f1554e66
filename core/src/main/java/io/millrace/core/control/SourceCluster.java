package io.millrace.core.control;

import java.time.Instant;

/**
 * An upstream as those see it who manage many: with an owner and a history.
 *
 * @param id name of the upstream; jobs name it
 * @param tenant whose it is; others do not see it
 * @param owner id of the user who added it; empty for one that the server was started with
 * @param address of the server, without user and password
 * @param user who the server logs in as
 * @param tls whether the connection is encrypted
 * @param configured whether the server was started with it, so that it can't be removed
 * @param workflow id of the {@link Workflow} that added it; empty when there was none
 */
public record SourceCluster(
        String id,
        String tenant,
        String owner,
        String address,
        String user,
        boolean tls,
        boolean configured,
        String workflow,
        Instant created,
        Instant updated) {}
