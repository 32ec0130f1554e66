package io.millrace.mysql.upstream;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.Upstream;
import io.millrace.core.spi.UpstreamFactory;
import io.millrace.mysql.connect.ServerAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;

/**
 * Upstreams with a MySQL binlog. {@code tidb} is known only to say why it cannot be captured: TiDB
 * has no binlog.
 */
public final class MySqlUpstreamFactory implements UpstreamFactory {
    private static final Set<String> SCHEMES =
            Set.of("mysql", "mysql+ssl", "mariadb", "mariadb+ssl", "tidb", "tidb+ssl");

    private final Path spillFolder;

    /** Captures put what memory has no room for into the system's folder for temporary files. */
    public MySqlUpstreamFactory() {
        this(Path.of(System.getProperty("java.io.tmpdir")));
    }

    /**
     * @param spillFolder where captures put what memory has no room for; it exists
     */
    public MySqlUpstreamFactory(Path spillFolder) {
        this.spillFolder = spillFolder;
    }

    @Override
    public Set<String> schemes() {
        return SCHEMES;
    }

    @Override
    public Upstream open(URI uri) {
        String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        if (scheme.startsWith("tidb")) {
            throw tidb();
        }
        return new MySqlUpstream(ServerAddress.parse(uri), spillFolder);
    }

    static MillraceException tidb() {
        return new MillraceException(
                ErrorCode.INVALID_CONFIG,
                "TiDB cannot be an upstream: it writes no MySQL binlog. It can be a downstream.");
    }
}
