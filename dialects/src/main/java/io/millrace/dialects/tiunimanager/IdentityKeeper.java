package io.millrace.dialects.tiunimanager;

import io.millrace.core.identity.AuditTrail;
import io.millrace.core.identity.Grant;
import io.millrace.core.identity.Identities;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** Asks the identities, and writes the audit log. */
final class IdentityKeeper implements Keeper {
    private static final String STARTING = "Initialing";

    private final Identities identities;
    private final AuditTrail audit;
    private final BooleanSupplier ready;

    IdentityKeeper(Identities identities, AuditTrail audit, BooleanSupplier ready) {
        this.identities = identities;
        this.audit = audit;
        this.ready = ready;
    }

    @Override
    public String systemState() {
        return ready.getAsBoolean() ? RUNNING : STARTING;
    }

    @Override
    public Admission admit(String token) {
        return switch (identities.session(token)) {
            case Identities.Session.Valid valid ->
                    new Admission.Admitted(
                            valid.user().id(),
                            valid.user().name(),
                            valid.user().tenantId(),
                            valid.passwordExpired());
            case Identities.Session.Expired expired -> new Admission.Expired();
            case Identities.Session.Unknown unknown -> new Admission.Unknown();
        };
    }

    @Override
    public boolean permits(String userId, Permission permission) {
        return identities.permits(userId, new Grant(permission.resource(), permission.action()));
    }

    @Override
    public void record(Event event) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("userId", event.caller().userId());
        line.put("userName", event.caller().userName());
        line.put("tenantId", event.caller().tenantId());
        line.put("address", event.caller().address());
        line.put("action", event.action());
        line.put("target", event.target());
        line.put("subject", event.subject());
        line.put("status", event.status());
        line.put("code", event.code());
        line.put("traceId", event.traceId());
        boolean stranger = event.caller().userId().isEmpty() && event.code() != 0;
        audit.add(event.time(), stranger, line);
    }
}
