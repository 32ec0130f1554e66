package io.millrace.connect.host.runtime;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.Endpoint;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.NotEnoughReplicasException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.server.authorizer.AclCreateResult;
import org.apache.kafka.server.authorizer.AclDeleteResult;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.authorizer.AuthorizationResult;
import org.apache.kafka.server.authorizer.Authorizer;
import org.apache.kafka.server.authorizer.AuthorizerServerInfo;

/**
 * Lets everybody do everything, but refuses records while a broker's {@link DiskGate} is closed:
 * the one place of Kafka's that sees a record before it is written and can answer its producer in
 * words. The topics of the Connect worker stay writable, because they are small, and a worker that
 * can't note what was delivered would deliver it again.
 *
 * <p>Kafka makes one by name; it finds its gate under {@code log.dirs} of the settings.
 */
public final class FullDiskAuthorizer implements Authorizer {
    /** How Connect names the producers of its tasks. */
    static final String CONNECTOR_PRODUCERS = "connector-producer-";

    private static final Map<String, Gate> GATES = new ConcurrentHashMap<>();

    private Optional<Gate> gate = Optional.empty();

    /**
     * What a broker goes by.
     *
     * @param alwaysWritable topics
     */
    record Gate(DiskGate disk, Set<String> alwaysWritable) {}

    /** From now on the broker with data in this folder goes by the gate. */
    static void register(String logDirs, Gate gate) {
        GATES.put(logDirs, gate);
    }

    static void forget(String logDirs) {
        GATES.remove(logDirs);
    }

    @Override
    public void configure(Map<String, ?> settings) {
        gate = Optional.ofNullable(GATES.get(String.valueOf(settings.get("log.dirs"))));
    }

    @Override
    public Map<Endpoint, ? extends CompletionStage<Void>> start(AuthorizerServerInfo server) {
        Map<Endpoint, CompletionStage<Void>> ready = new ConcurrentHashMap<>();
        server.endpoints()
                .forEach(endpoint -> ready.put(endpoint, CompletableFuture.completedFuture(null)));
        return ready;
    }

    @Override
    public List<AuthorizationResult> authorize(
            AuthorizableRequestContext request, List<Action> actions) {
        if (request.requestType() == ApiKeys.PRODUCE.id && gate.isPresent()) {
            Gate known = gate.get();
            Optional<String> refusal = known.disk().refusal();
            if (refusal.isPresent()
                    && actions.stream().anyMatch(action -> isGuarded(action, known))) {
                // The exception's text reaches the producer; a denial would not tell why.
                throw isConnector(request)
                        ? new NotEnoughReplicasException(refusal.get())
                        : new PolicyViolationException(refusal.get());
            }
        }
        return actions.stream().map(action -> AuthorizationResult.ALLOWED).toList();
    }

    /**
     * Connect takes a final refusal for a fault of the record, which {@code errors.tolerance=all}
     * skips; so its producers are told what they try again, for as long as it takes.
     */
    private static boolean isConnector(AuthorizableRequestContext request) {
        return request.clientId() != null && request.clientId().startsWith(CONNECTOR_PRODUCERS);
    }

    private static boolean isGuarded(Action action, Gate gate) {
        return action.operation() == AclOperation.WRITE
                && action.resourcePattern().resourceType() == ResourceType.TOPIC
                && !gate.alwaysWritable().contains(action.resourcePattern().name());
    }

    @Override
    public AuthorizationResult authorizeByResourceType(
            AuthorizableRequestContext request, AclOperation operation, ResourceType type) {
        return AuthorizationResult.ALLOWED;
    }

    @Override
    public List<? extends CompletionStage<AclCreateResult>> createAcls(
            AuthorizableRequestContext request, List<AclBinding> bindings) {
        return bindings.stream()
                .map(binding ->
                        CompletableFuture.completedFuture(new AclCreateResult(noAccessRules())))
                .toList();
    }

    @Override
    public List<? extends CompletionStage<AclDeleteResult>> deleteAcls(
            AuthorizableRequestContext request, List<AclBindingFilter> filters) {
        return filters.stream()
                .map(filter ->
                        CompletableFuture.completedFuture(new AclDeleteResult(noAccessRules())))
                .toList();
    }

    @Override
    public Iterable<AclBinding> acls(AclBindingFilter filter) {
        return List.of();
    }

    private static SecurityDisabledException noAccessRules() {
        return new SecurityDisabledException(
                "the broker of this process has no access rules: it is reached from this machine"
                        + " only");
    }

    @Override
    public void close() {}
}
