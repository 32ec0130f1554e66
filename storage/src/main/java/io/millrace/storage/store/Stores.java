package io.millrace.storage.store;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.ObjectStores;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Opens folders ({@code file}, {@code nfs}, {@code local}), S3 ({@code s3}), Google Cloud Storage
 * ({@code gcs}, {@code gs}), Azure Blob Storage ({@code azblob}, {@code azure}) and nothing at all
 * ({@code noop}). Options are in the URI's query. A provider's client library is loaded with the
 * first store of its scheme, never at the server's start.
 */
public final class Stores implements ObjectStores {
    private static final Set<String> SCHEMES =
            Set.of("file", "nfs", "local", "s3", "gcs", "gs", "azblob", "azure", "noop");

    /** Most parts of one object that may be uploaded at a time. */
    private static final int MAX_PARTS_AT_ONCE = 512;

    @Override
    public Set<String> schemes() {
        return SCHEMES;
    }

    @Override
    public ObjectStore open(URI uri) {
        return open(uri, 1);
    }

    /**
     * As {@link #open(URI)}.
     *
     * @param partsAtOnce parts of a large object that are uploaded at a time, where the provider
     *     takes objects in parts; 1 for whole objects
     */
    public ObjectStore open(URI uri, int partsAtOnce) {
        if (partsAtOnce < 1 || partsAtOnce > MAX_PARTS_AT_ONCE) {
            throw invalid(
                    "flush-concurrency must be between 1 and "
                            + MAX_PARTS_AT_ONCE
                            + ": "
                            + partsAtOnce);
        }
        SinkSpec spec = new SinkSpec(withPluses(uri), Map.of(), List.of(), true, false, "UTC");
        SinkOptions options = new SinkOptions(spec, ErrorCode.STORAGE_INVALID_CONFIG);
        return switch (spec.scheme()) {
            case "file", "nfs", "local" -> new LocalStore(folder(uri));
            case "s3" -> S3Store.open(bucket(uri), prefix(uri), options, partsAtOnce);
            case "gcs", "gs" -> GcsStore.open(bucket(uri), prefix(uri), options);
            case "azblob", "azure" -> AzureStore.open(bucket(uri), prefix(uri), options);
            case "noop" -> new NoopStore();
            default ->
                    throw new MillraceException(
                            ErrorCode.SINK_URI_INVALID,
                            "sink uri invalid 'no storage has the scheme ("
                                    + spec.scheme()
                                    + "); there are "
                                    + String.join(", ", SCHEMES.stream().sorted().toList())
                                    + "'");
        };
    }

    /**
     * Keys and tokens of storages are Base64 more often than not and are written as they are: a
     * plus in the query is a plus, and no blank.
     */
    private static URI withPluses(URI uri) {
        String text = uri.toString();
        int query = text.indexOf('?');
        return query < 0 || text.indexOf('+', query) < 0
                ? uri
                : URI.create(text.substring(0, query) + text.substring(query).replace("+", "%2B"));
    }

    static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.STORAGE_INVALID_CONFIG, message);
    }

    private static Path folder(URI uri) {
        String authority = uri.getRawAuthority();
        if (authority != null && !authority.isEmpty()) {
            throw invalid(
                    "a folder is named by an absolute path: write "
                            + uri.getScheme().toLowerCase(Locale.ROOT)
                            + ":///path, with three slashes");
        }
        String path = uri.getRawPath();
        if (path == null || !path.startsWith("/")) {
            throw invalid(
                    "a folder is named by an absolute path: write "
                            + uri.getScheme().toLowerCase(Locale.ROOT)
                            + ":///path");
        }
        try {
            // A plus is a plus in a path.
            return Path.of(URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8));
        } catch (InvalidPathException e) {
            throw new MillraceException(
                    ErrorCode.STORAGE_INVALID_CONFIG, "not a folder's name: " + e.getReason(), e);
        }
    }

    private static String bucket(URI uri) {
        String authority = uri.getRawAuthority();
        if (authority == null || authority.isEmpty() || authority.contains("@")) {
            throw invalid(
                    "the bucket is missing: write "
                            + uri.getScheme().toLowerCase(Locale.ROOT)
                            + "://bucket/prefix");
        }
        return authority;
    }

    /** The prefix with a slash behind it, or empty. */
    private static String prefix(URI uri) {
        String path = uri.getPath() == null ? "" : uri.getPath();
        String prefix = path.replaceAll("^/+", "").replaceAll("/+$", "");
        return prefix.isEmpty() ? "" : prefix + "/";
    }
}
