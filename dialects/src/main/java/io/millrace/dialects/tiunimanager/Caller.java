package io.millrace.dialects.tiunimanager;

/**
 * Who sent a request.
 *
 * @param userId empty on routes that need no token
 * @param userName login name; empty on routes that need no token
 * @param tenantId the user's tenant; empty on routes that need no token
 * @param address IP address of the connection
 */
public record Caller(String userId, String userName, String tenantId, String address) {}
