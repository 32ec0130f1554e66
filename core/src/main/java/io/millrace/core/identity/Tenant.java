package io.millrace.core.identity;

import java.time.Instant;

/** A group of users whose clusters and tasks the others do not see. */
public record Tenant(String id, String name, Instant createTime) {}
