package io.millrace.core.control;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.Upstream;
import io.millrace.core.spi.UpstreamFactory;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The named upstreams of a server: opened when first needed, shared by jobs, closed together. Their
 * URIs are kept encrypted in the metadata store, so that a server started without them finds the
 * ones it had.
 */
public final class Upstreams implements AutoCloseable {
    /** The name of the upstream of jobs that name none. */
    public static final String DEFAULT = "default";

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, URI> uris = new TreeMap<>();
    private final Map<String, Upstream> open = new HashMap<>();
    private final Set<String> configured;
    private final List<UpstreamFactory> factories;
    private final MetaStore store;
    private final Vault vault;

    /**
     * @param configured URIs by name, as of this start; they replace stored ones of the same name
     * @throws MillraceException INVALID_CONFIG when no factory knows a scheme, or what the factory
     *     says when a URI is malformed
     */
    public Upstreams(
            MetaStore store,
            Vault vault,
            List<UpstreamFactory> factories,
            Map<String, URI> configured) {
        this.store = store;
        this.vault = vault;
        this.configured = Set.copyOf(configured.keySet());
        this.factories = List.copyOf(factories);
        for (MetaStore.Entry entry : store.range(Records.UPSTREAMS).entries()) {
            String name = entry.key().substring(Records.UPSTREAMS.length());
            uris.put(
                    name,
                    URI.create(Fields.parse(vault.unseal(entry.key(), entry.value())).get("uri")));
        }
        configured.forEach((name, uri) -> {
            // A malformed parameter is told now, not when the first job needs it.
            open.put(name, opened(name, uri));
            if (!uri.equals(uris.put(name, uri))) {
                store.commit(List.of(), List.of(record(name, uri)));
            }
        });
    }

    private MetaStore.Op record(String name, URI uri) {
        String key = Records.upstreamKey(name);
        return new MetaStore.Op.Put(
                key, vault.seal(key, new Fields().put("v", 1).put("uri", uri).text()));
    }

    /** Whether the server was started with it. */
    boolean isConfigured(String name) {
        return configured.contains(name);
    }

    /** An upstream of an address, not kept; who asks closes it. */
    Upstream unnamed(String name, URI uri) {
        return opened(name, uri);
    }

    /**
     * Keeps one more upstream.
     *
     * @param more written in the same transaction
     * @throws MillraceException UPSTREAM_ALREADY_EXISTS
     */
    void add(String name, URI uri, List<MetaStore.Op> more) {
        lock.lock();
        try {
            List<MetaStore.Op> ops = new ArrayList<>(more);
            ops.add(record(name, uri));
            if (uris.containsKey(name)
                    || !store.commit(
                                    List.of(new MetaStore.Guard.Absent(Records.upstreamKey(name))),
                                    ops)
                            .applied()) {
                throw new MillraceException(
                        ErrorCode.UPSTREAM_ALREADY_EXISTS,
                        "there is an upstream named " + name + " already");
            }
            uris.put(name, uri);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Forgets an upstream and closes it.
     *
     * @throws MillraceException UPSTREAM_NOT_FOUND, or UPSTREAM_IN_USE when the server was started
     *     with it
     */
    void remove(String name) {
        lock.lock();
        try {
            if (!uris.containsKey(name)) {
                throw unknown(name);
            }
            if (isConfigured(name)) {
                throw new MillraceException(
                        ErrorCode.UPSTREAM_IN_USE,
                        "upstream "
                                + name
                                + " is one that the server was started with; take it out of its"
                                + " options or configuration and start it again");
            }
            store.commit(
                    List.of(),
                    List.of(
                            new MetaStore.Op.Delete(Records.upstreamKey(name)),
                            new MetaStore.Op.Delete(Records.CLUSTERS + name)));
            uris.remove(name);
            Upstream old = open.remove(name);
            if (old != null) {
                old.close();
            }
        } finally {
            lock.unlock();
        }
    }

    private static MillraceException unknown(String name) {
        return new MillraceException(
                ErrorCode.UPSTREAM_NOT_FOUND,
                "there is no upstream named "
                        + name
                        + "; start the server with --upstream mysql://user:pass@host:port, name"
                        + " one under [upstreams] in its configuration, or add one with millrace"
                        + " cluster add");
    }

    /**
     * The upstream of a name.
     *
     * @throws MillraceException UPSTREAM_NOT_FOUND
     */
    public Upstream get(String name) {
        lock.lock();
        try {
            Upstream known = open.get(name);
            if (known != null) {
                return known;
            }
            URI uri = uris.get(name);
            if (uri == null) {
                throw unknown(name);
            }
            Upstream fresh = opened(name, uri);
            open.put(name, fresh);
            return fresh;
        } finally {
            lock.unlock();
        }
    }

    /** Names that {@link #get} knows. */
    public Set<String> names() {
        lock.lock();
        try {
            return new TreeSet<>(uris.keySet());
        } finally {
            lock.unlock();
        }
    }

    /** An upstream's URI for people, without its password. */
    public Optional<String> maskedUri(String name) {
        lock.lock();
        try {
            return Optional.ofNullable(uris.get(name)).map(uri -> Secrets.maskUri(uri.toString()));
        } finally {
            lock.unlock();
        }
    }

    /** An upstream's URI with its password. */
    Optional<URI> uri(String name) {
        lock.lock();
        try {
            return Optional.ofNullable(uris.get(name));
        } finally {
            lock.unlock();
        }
    }

    private Upstream opened(String name, URI uri) {
        try {
            return factoryOf(name, uri).open(uri);
        } catch (MillraceException e) {
            throw e.code() == ErrorCode.INVALID_CONFIG && e.text().startsWith("upstream " + name)
                    ? e
                    : new MillraceException(e.code(), "upstream " + name + ": " + e.text(), e);
        }
    }

    private UpstreamFactory factoryOf(String name, URI uri) {
        String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        TreeSet<String> known = new TreeSet<>();
        for (UpstreamFactory factory : factories) {
            if (factory.schemes().contains(scheme)) {
                return factory;
            }
            known.addAll(factory.schemes());
        }
        throw new MillraceException(
                ErrorCode.INVALID_CONFIG,
                "upstream "
                        + name
                        + ": unknown scheme '"
                        + scheme
                        + "'; known are "
                        + String.join(", ", known));
    }

    @Override
    public void close() {
        lock.lock();
        try {
            open.values().forEach(Upstream::close);
            open.clear();
        } finally {
            lock.unlock();
        }
    }
}
