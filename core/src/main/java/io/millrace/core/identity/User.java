package io.millrace.core.identity;

import java.time.Instant;
import java.util.Optional;

/**
 * A user, without the password.
 *
 * @param id made by the server, never used again
 * @param tenantId the one tenant that the user belongs to
 * @param name for login, unique over all tenants, never changed
 * @param creator id of the user who made this one; empty for the first
 * @param passwordTime when the password was set by somebody who then knew it; empty when it was
 *     given out and has to be changed
 */
public record User(
        String id,
        String tenantId,
        String name,
        String creator,
        String nickname,
        String email,
        String phone,
        Instant createTime,
        Instant updateTime,
        Optional<Instant> passwordTime) {}
