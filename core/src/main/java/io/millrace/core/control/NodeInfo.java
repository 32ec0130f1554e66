package io.millrace.core.control;

import java.time.Instant;

/**
 * A running process.
 *
 * @param id UUID, new at every start
 * @param address advertised {@code host:port}
 */
public record NodeInfo(String id, String address, String version, long pid, Instant started) {}
