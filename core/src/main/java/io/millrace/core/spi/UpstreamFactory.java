package io.millrace.core.spi;

import java.net.URI;
import java.util.Set;

/** Makes upstreams of the URI schemes it knows. Stateless. */
public interface UpstreamFactory {
    /** Lower-case URI schemes, such as {@code mysql} and {@code mariadb}. */
    Set<String> schemes();

    /**
     * An upstream; connects lazily.
     *
     * @param uri {@code mysql://user:pass@host:port/?ssl-ca=…&server-id=…}
     * @throws io.millrace.core.error.MillraceException USER error when the URI or a parameter is
     *     malformed
     */
    Upstream open(URI uri);
}
