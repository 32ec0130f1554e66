package io.millrace.storage.redo;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of a redo log's files, flat in one folder. Neither namespaces nor names of changefeeds have
 * underscores, so a name can be taken apart from its end.
 */
final class RedoFiles {
    static final String LOG_SUFFIX = ".log";
    static final String META_SUFFIX = ".meta";
    private static final String DEFAULT_NAMESPACE = "default";
    private static final Pattern LOG =
            Pattern.compile(
                    "(?<node>.+?)_(?:(?<namespace>[a-zA-Z0-9-]+)_)?(?<name>[a-zA-Z0-9-]+)"
                            + "_(?<kind>row|ddl)_(?<tso>[0-9]+)_[0-9a-fA-F-]{36}\\.log");
    private static final Pattern META =
            Pattern.compile(
                    "(?<node>.+?)_(?<namespace>[a-zA-Z0-9-]+)_(?<name>[a-zA-Z0-9-]+)"
                            + "_meta_[0-9a-fA-F-]{36}\\.meta");

    /**
     * What a file's name says.
     *
     * @param jobId {@code namespace/name}
     * @param meta whether it is a meta file
     * @param ddl whether it is a log of DDL
     * @param maxTso greatest commit TSO in a log, 0 for a meta file
     */
    record Name(String jobId, boolean meta, boolean ddl, long maxTso) {}

    private final String node;
    private final String namespace;
    private final String name;

    /**
     * @param node advertised address of this node
     * @param jobId {@code namespace/name}
     */
    RedoFiles(String node, String jobId) {
        this.node = node.replace('/', '-').replace('_', '-');
        int slash = jobId.indexOf('/');
        this.namespace = jobId.substring(0, slash);
        this.name = jobId.substring(slash + 1);
    }

    private String feed() {
        return namespace.equals(DEFAULT_NAMESPACE) ? name : namespace + "_" + name;
    }

    /** A name that was never used. */
    String log(boolean ddl, long maxTso) {
        return node
                + "_"
                + feed()
                + (ddl ? "_ddl_" : "_row_")
                + Long.toUnsignedString(maxTso)
                + "_"
                + UUID.randomUUID()
                + LOG_SUFFIX;
    }

    /** Likewise. */
    String meta() {
        return node + "_" + namespace + "_" + name + "_meta_" + UUID.randomUUID() + META_SUFFIX;
    }

    /** Says that the changefeed was removed and its files may go. */
    String deleteMarker() {
        return "delete_" + feed();
    }

    /** Empty for a file that is no part of a redo log. */
    static Optional<Name> parse(String file) {
        Matcher log = LOG.matcher(file);
        if (log.matches()) {
            String namespace = log.group("namespace");
            long tso;
            try {
                tso = Long.parseUnsignedLong(log.group("tso"));
            } catch (NumberFormatException e) {
                return Optional.empty();
            }
            return Optional.of(
                    new Name(
                            (namespace == null ? DEFAULT_NAMESPACE : namespace)
                                    + "/"
                                    + log.group("name"),
                            false,
                            log.group("kind").equals("ddl"),
                            tso));
        }
        Matcher meta = META.matcher(file);
        if (meta.matches()) {
            return Optional.of(
                    new Name(meta.group("namespace") + "/" + meta.group("name"), true, false, 0));
        }
        return Optional.empty();
    }
}
