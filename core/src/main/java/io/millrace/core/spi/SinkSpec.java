package io.millrace.core.spi;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where and how to deliver.
 *
 * @param uri sink URI; parameters in its query override {@code options}
 * @param options sink options by their kebab-case URI parameter name, from the job's configuration;
 *     only those that were set
 * @param dispatchers topic and partition rules, first match wins
 * @param caseSensitive whether matchers compare names exactly
 * @param forceReplicate tables without a usable key are replicated too
 * @param timeZone IANA name or offset that TIMESTAMP texts are in
 */
public record SinkSpec(
        URI uri,
        Map<String, String> options,
        List<DispatchRule> dispatchers,
        boolean caseSensitive,
        boolean forceReplicate,
        String timeZone) {

    public SinkSpec {
        options = Map.copyOf(options);
        dispatchers = List.copyOf(dispatchers);
    }

    /**
     * One dispatch rule.
     *
     * @param matcher table rules
     * @param partition {@code default}, {@code table}, {@code ts}, {@code index-value}, {@code
     *     rowid}, {@code columns}; empty is default
     * @param index for index-value: the index whose columns are hashed; empty is the handle key
     * @param columns for columns
     * @param topic topic name or expression; empty is the URI's topic
     */
    public record DispatchRule(
            List<String> matcher,
            String partition,
            String index,
            List<String> columns,
            String topic) {
        public DispatchRule {
            matcher = List.copyOf(matcher);
            columns = List.copyOf(columns);
        }
    }

    /**
     * Reads a sink URI as users write it: {@code blackhole://} and {@code blackhole://?a=b}, with
     * nothing after the slashes, are fine too, though {@link URI} alone refuses them.
     *
     * @throws MillraceException SINK_URI_INVALID; the message does not repeat the URI, it may hold
     *     a password
     */
    public static URI parseUri(String text) {
        int rest = text.indexOf("://") + 3;
        boolean bare = rest >= 3 && (rest == text.length() || text.charAt(rest) == '?');
        try {
            return new URI(bare ? text.substring(0, rest) + "/" + text.substring(rest) : text);
        } catch (URISyntaxException e) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink URI is malformed at character "
                            + (e.getIndex() + 1)
                            + ": "
                            + e.getReason());
        }
    }

    /** The spec of a bare URI. */
    public static SinkSpec of(String uri) {
        return new SinkSpec(parseUri(uri), Map.of(), List.of(), true, false, "UTC");
    }

    /** Scheme in lower case, empty when there is none. */
    public String scheme() {
        String scheme = uri.getScheme();
        return scheme == null ? "" : scheme.toLowerCase(java.util.Locale.ROOT);
    }

    /**
     * An option's value: the URI's query first, then {@link #options}. Query values are
     * percent-decoded.
     */
    public Optional<String> option(String name) {
        String query = uri.getRawQuery();
        if (query != null) {
            String found = null;
            for (String pair : query.split("&")) {
                int equals = pair.indexOf('=');
                String key = equals < 0 ? pair : pair.substring(0, equals);
                if (decode(key).equals(name)) {
                    found = equals < 0 ? "" : decode(pair.substring(equals + 1));
                }
            }
            if (found != null) {
                return Optional.of(found);
            }
        }
        return Optional.ofNullable(options.get(name));
    }

    private static String decode(String text) {
        return java.net.URLDecoder.decode(text, java.nio.charset.StandardCharsets.UTF_8);
    }
}
