package io.millrace.storage.redo;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.ObjectStores;
import java.io.IOException;
import java.net.URI;
import java.util.Locale;
import java.util.Set;

/**
 * Opens the places that a redo log may lie in: {@code local} and {@code nfs} are folders, {@code
 * noop} and everything that begins with {@code blackhole} keep nothing, the others are the object
 * stores'.
 */
final class RedoStorage {
    private static final Set<String> FOLDERS = Set.of("local", "nfs", "file");
    private static final Set<String> REMOTE = Set.of("s3", "gcs", "gs", "azblob", "azure");
    private static final String PROBE = "file.test";

    /** The store that keeps nothing. */
    private static final URI NOTHING = URI.create("noop:///");

    private final ObjectStores stores;

    RedoStorage(ObjectStores stores) {
        this.stores = stores;
    }

    /** REDO_STORAGE_INVALID when the URI cannot name a redo log's place. */
    void validate(URI uri) {
        String scheme = scheme(uri);
        if (isVoid(scheme)) {
            return;
        }
        boolean folder = FOLDERS.contains(scheme);
        if (!folder && !REMOTE.contains(scheme)) {
            throw new MillraceException(
                    ErrorCode.REDO_STORAGE_INVALID,
                    "consistent.storage: the scheme '"
                            + scheme
                            + "' cannot hold a redo log; use local, nfs, file, s3, gcs, gs, azblob"
                            + " or azure");
        }
        if (!stores.schemes().contains(folder ? "file" : scheme)) {
            throw new MillraceException(
                    ErrorCode.REDO_STORAGE_INVALID,
                    "consistent.storage: this server has no object store for the scheme '"
                            + scheme
                            + "'");
        }
        if (folder && (uri.getPath() == null || uri.getPath().length() < 2)) {
            throw new MillraceException(
                    ErrorCode.REDO_STORAGE_INVALID,
                    "consistent.storage: no folder is named; write it as file:///path");
        }
    }

    /** Opens it. */
    ObjectStore open(URI uri) {
        validate(uri);
        String scheme = scheme(uri);
        if (isVoid(scheme)) {
            return stores.open(NOTHING);
        }
        return stores.open(
                FOLDERS.contains(scheme) ? URI.create("file://" + uri.getRawPath()) : uri);
    }

    /** REDO_STORAGE_UNUSABLE unless a file can be written and removed there. */
    void probe(URI uri) {
        validate(uri);
        try (ObjectStore store = open(uri)) {
            store.put(PROBE, new byte[] {'t', 'e', 's', 't'});
            store.delete(PROBE);
        } catch (IOException | MillraceException e) {
            throw new MillraceException(
                    ErrorCode.REDO_STORAGE_UNUSABLE,
                    "consistent.storage: cannot write a file there, make it writable for this"
                            + " server: "
                            + e.getMessage(),
                    e);
        }
    }

    /**
     * The error of a redo log whose storage fails, in words that cannot be taken for the target's:
     * REDO_STORAGE_TRANSIENT, or REDO_STORAGE_UNUSABLE when a retry cannot help.
     *
     * @param what was tried, such as "cannot write the redo log in file:///x"
     */
    static MillraceException failure(String what, Exception e) {
        boolean hopeless = e instanceof MillraceException known && !known.code().isTransient();
        return new MillraceException(
                hopeless ? ErrorCode.REDO_STORAGE_UNUSABLE : ErrorCode.REDO_STORAGE_TRANSIENT,
                what + ": " + (e instanceof MillraceException known ? known.text() : e),
                e);
    }

    private static String scheme(URI uri) {
        return uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    }

    private static boolean isVoid(String scheme) {
        return scheme.equals("noop") || scheme.startsWith("blackhole");
    }
}
