package io.millrace.core.spi;

import java.net.URI;
import java.util.Set;

/** Opens {@link ObjectStore}s by URI. */
public interface ObjectStores {
    /** Lower-case URI schemes. */
    Set<String> schemes();

    /**
     * Opens a store; whether it can be reached shows with the first call.
     *
     * @throws io.millrace.core.error.MillraceException SINK_URI_INVALID for an unknown scheme,
     *     STORAGE_INVALID_CONFIG for a bad option, named in the message
     */
    ObjectStore open(URI uri);
}
