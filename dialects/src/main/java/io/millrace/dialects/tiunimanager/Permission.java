package io.millrace.dialects.tiunimanager;

/**
 * What a route asks of its caller's roles.
 *
 * @param resource such as CDC, CLUSTER, WORKFLOW, USER or SYSTEM
 * @param action READ, CREATE, UPDATE or DELETE
 */
public record Permission(String resource, String action) {}
