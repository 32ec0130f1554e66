package io.millrace.core.control;

import io.millrace.core.control.Workflow.Step;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@link Upstreams} with what is known of them beside their address. Every upstream has a
 * record here; those that the server was started with, or that are older than these records, get
 * one that belongs to {@link #FIRST_TENANT}. Callable from any thread.
 */
public final class SourceClusters {
    /** The tenant of upstreams that no user added. */
    public static final String FIRST_TENANT = "admin";

    /** Shortest and longest name. */
    public static final int MIN_NAME = 4;

    public static final int MAX_NAME = 64;

    /** Workflow records kept; the oldest go first. */
    static final int MAX_WORKFLOWS = 1000;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");
    private static final Logger LOG = LoggerFactory.getLogger(SourceClusters.class);

    private final MetaStore store;
    private final Upstreams upstreams;
    private final Consumer<Command> submit;
    private final Supplier<String> ids;
    private final Clock clock;
    private final Map<String, CompletableFuture<Long>> asking = new ConcurrentHashMap<>();

    /**
     * @param submit asks the controller and waits for its answer
     * @param ids makes ids of workflows
     */
    SourceClusters(
            MetaStore store,
            Upstreams upstreams,
            Consumer<Command> submit,
            Supplier<String> ids,
            Clock clock) {
        this.store = store;
        this.upstreams = upstreams;
        this.submit = submit;
        this.ids = ids;
        this.clock = clock;
        for (String name : upstreams.names()) {
            Optional<MetaStore.Entry> entry = store.get(Records.CLUSTERS + name);
            // A name that a user took once, and that the server is started with now, is not his.
            boolean taken =
                    entry.isPresent()
                            && upstreams.isConfigured(name)
                            && !Fields.parse(entry.get().value())
                                    .get("tenant")
                                    .equals(FIRST_TENANT);
            if (entry.isEmpty() || taken) {
                store.commit(
                        List.of(), List.of(record(name, FIRST_TENANT, "", "", clock.instant())));
            }
        }
    }

    private static MetaStore.Op record(
            String name, String tenant, String owner, String workflow, Instant now) {
        return new MetaStore.Op.Put(
                Records.CLUSTERS + name,
                new Fields()
                        .put("v", 1)
                        .put("tenant", tenant)
                        .put("owner", owner)
                        .put("workflow", workflow)
                        .put("created", now)
                        .put("updated", now)
                        .text());
    }

    /** Whether a text can name a cluster that is added. */
    public static boolean isName(String text) {
        return text.length() >= MIN_NAME
                && text.length() <= MAX_NAME
                && NAME.matcher(text).matches();
    }

    /** All of them, the one changed last first. */
    public List<SourceCluster> list() {
        List<SourceCluster> found = new ArrayList<>();
        for (String name : upstreams.names()) {
            find(name).ifPresent(found::add);
        }
        found.sort(
                Comparator.comparing(SourceCluster::updated)
                        .reversed()
                        .thenComparing(SourceCluster::id));
        return found;
    }

    /** One of them. */
    public Optional<SourceCluster> find(String id) {
        Optional<URI> uri = upstreams.uri(id);
        Optional<MetaStore.Entry> entry =
                uri.isEmpty() ? Optional.empty() : store.get(Records.CLUSTERS + id);
        if (uri.isEmpty() || entry.isEmpty()) {
            return Optional.empty();
        }
        Fields fields = Fields.parse(entry.get().value());
        URI address = uri.get();
        String info = address.getRawUserInfo() == null ? "" : address.getRawUserInfo();
        int colon = info.indexOf(':');
        return Optional.of(
                new SourceCluster(
                        id,
                        fields.get("tenant"),
                        fields.get("owner"),
                        address.getHost() + (address.getPort() < 0 ? "" : ":" + address.getPort()),
                        decode(colon < 0 ? info : info.substring(0, colon)),
                        isEncrypted(address),
                        upstreams.isConfigured(id),
                        fields.get("workflow"),
                        Instant.parse(fields.get("created")),
                        Instant.parse(fields.get("updated"))));
    }

    /** Whether an upstream's address wants its connections encrypted. */
    public static boolean isEncrypted(URI address) {
        String mode = SinkSpec.parameter(address, "ssl-mode").orElse("");
        return String.valueOf(address.getScheme()).toLowerCase(Locale.ROOT).endsWith("+ssl")
                || SinkSpec.parameter(address, "ssl-ca").isPresent()
                || SinkSpec.parameter(address, "ssl-cert").isPresent()
                || mode.toLowerCase(Locale.ROOT).startsWith("verify")
                || mode.equalsIgnoreCase("required");
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException badEscape) {
            return text;
        }
    }

    /**
     * The upstream's address with user and password, for a job that delivers to the same server.
     */
    public Optional<URI> secretAddress(String id) {
        return upstreams.uri(id);
    }

    /**
     * Adds a cluster after it has been asked whether it can be captured: connection, rights and
     * settings. Nothing is kept when it cannot.
     *
     * @param uri as for {@code --upstream}
     * @return how it was done
     * @throws MillraceException UPSTREAM_ALREADY_EXISTS, INVALID_NAME, INVALID_CONFIG, or what the
     *     server says
     */
    public Workflow add(String id, String tenant, String owner, URI uri) {
        if (!isName(id)) {
            throw new MillraceException(
                    ErrorCode.INVALID_NAME,
                    "a cluster's name has "
                            + MIN_NAME
                            + " to "
                            + MAX_NAME
                            + " letters, digits, '.', '_' and '-', and begins with a letter or"
                            + " digit");
        }
        if (upstreams.names().contains(id)) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_ALREADY_EXISTS, "there is an upstream named " + id);
        }
        Steps steps = new Steps();
        String shown = Secrets.maskUri(uri.toString());
        try (Upstream fresh =
                steps.take(
                        "openUpstream", shown, () -> upstreams.unnamed(id, uri), ok -> "valid")) {
            steps.take(
                    "connect",
                    shown,
                    fresh::clusterId,
                    number -> "server " + Long.toUnsignedString(number));
            steps.take(
                    "checkRightsAndSettings",
                    "",
                    () -> {
                        fresh.check();
                        return true;
                    },
                    ok -> "the server can be captured");
        }
        String workflow = ids.get();
        Instant now = clock.instant();
        steps.done.add(new Step("register", id, "stored, encrypted", now, clock.instant()));
        Workflow how = new Workflow(workflow, "TakeoverCluster", id, "cluster", tenant, steps.done);
        upstreams.add(id, uri, List.of(record(id, tenant, owner, workflow, now), put(how)));
        LOG.info("upstream added name={} uri={}", id, shown);
        trim();
        return how;
    }

    /**
     * Removes a cluster.
     *
     * @return how it was done
     * @throws MillraceException UPSTREAM_NOT_FOUND, UPSTREAM_IN_USE
     */
    public Workflow remove(String id, String tenant) {
        Steps steps = new Steps();
        steps.take(
                "removeUpstream",
                id,
                () -> {
                    submit.accept(new Command.RemoveUpstream(id));
                    return true;
                },
                ok -> "no changefeed reads it; address and password are deleted");
        Workflow how = new Workflow(ids.get(), "DeleteCluster", id, "cluster", tenant, steps.done);
        store.commit(List.of(), List.of(put(how)));
        trim();
        return how;
    }

    /** A record of what was done. */
    public Optional<Workflow> workflow(String id) {
        return store.get(Records.WORKFLOWS + id).map(entry -> Workflow.decode(entry.value()));
    }

    /** All records of what was done, the latest first. */
    public List<Workflow> workflows() {
        return store.range(Records.WORKFLOWS).entries().stream()
                .map(entry -> Workflow.decode(entry.value()))
                .sorted(Comparator.comparing(Workflow::start).reversed())
                .toList();
    }

    private static MetaStore.Op put(Workflow workflow) {
        return new MetaStore.Op.Put(Records.WORKFLOWS + workflow.id(), workflow.encode());
    }

    private void trim() {
        List<Workflow> all = workflows();
        for (Workflow old : all.subList(Math.min(MAX_WORKFLOWS, all.size()), all.size())) {
            store.commit(List.of(), List.of(new MetaStore.Op.Delete(Records.WORKFLOWS + old.id())));
        }
    }

    /**
     * The clocks of upstreams, asked at the same time; one that does not answer within the limit is
     * not in the answer.
     *
     * @return TSOs by name
     */
    public Map<String, Long> clocks(Set<String> names, Duration limit) {
        Map<String, CompletableFuture<Long>> asked = new HashMap<>();
        names.forEach(name -> asked.put(name, asking.computeIfAbsent(name, this::ask)));
        try {
            CompletableFuture.allOf(asked.values().toArray(CompletableFuture[]::new))
                    .get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            LOG.debug("not all upstreams answered within {}", limit, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Map<String, Long> found = new HashMap<>();
        asked.forEach((name, clock) -> {
            if (clock.isDone() && !clock.isCompletedExceptionally()) {
                found.put(name, clock.join());
            }
        });
        return Map.copyOf(found);
    }

    /** One connection at a time asks an upstream, however many want to know. */
    private CompletableFuture<Long> ask(String name) {
        CompletableFuture<Long> clock = new CompletableFuture<>();
        Thread.ofVirtual()
                .name("upstream-clock")
                .start(() -> {
                    try {
                        clock.complete(upstreams.get(name).currentTso());
                    } catch (RuntimeException e) {
                        clock.completeExceptionally(e);
                    } finally {
                        asking.remove(name, clock);
                    }
                });
        return clock;
    }

    /** The clock of one upstream, likewise. */
    public OptionalLong clock(String name, Duration limit) {
        Long tso = clocks(Set.of(name), limit).get(name);
        return tso == null ? OptionalLong.empty() : OptionalLong.of(tso);
    }

    private final class Steps {
        private final List<Step> done = new ArrayList<>();

        <T> T take(
                String name,
                String parameters,
                Supplier<T> work,
                java.util.function.Function<T, String> result) {
            Instant begin = clock.instant();
            T answer = work.get();
            done.add(new Step(name, parameters, result.apply(answer), begin, clock.instant()));
            return answer;
        }
    }
}
