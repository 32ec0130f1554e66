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
 * @param columnSelectors which columns of which tables are delivered, first match wins; see {@link
 *     ColumnSelection}
 * @param caseSensitive whether matchers compare names exactly
 * @param forceReplicate tables without a usable key are replicated too
 * @param timeZone IANA name or offset that TIMESTAMP texts are in
 */
public record SinkSpec(
        URI uri,
        Map<String, String> options,
        List<DispatchRule> dispatchers,
        List<ColumnSelector> columnSelectors,
        boolean caseSensitive,
        boolean forceReplicate,
        String timeZone) {

    private static final String WRITTEN_RAW = "{}|\\^<>\"` ";

    public SinkSpec {
        options = Map.copyOf(options);
        dispatchers = List.copyOf(dispatchers);
        columnSelectors = List.copyOf(columnSelectors);
    }

    /** Without column selectors. */
    public SinkSpec(
            URI uri,
            Map<String, String> options,
            List<DispatchRule> dispatchers,
            boolean caseSensitive,
            boolean forceReplicate,
            String timeZone) {
        this(uri, options, dispatchers, List.of(), caseSensitive, forceReplicate, timeZone);
    }

    /**
     * Which columns of some tables are delivered.
     *
     * @param matcher table rules
     * @param columns column patterns, see {@link io.millrace.core.filter.ColumnPatterns}
     */
    public record ColumnSelector(List<String> matcher, List<String> columns) {
        public ColumnSelector {
            matcher = List.copyOf(matcher);
            columns = List.copyOf(columns);
        }
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
     * Reads a sink or upstream URI as users write it: characters that RFC 3986 wants encoded but
     * everybody writes raw ({@code topic={schema}}) are encoded first, and {@code blackhole://} and
     * {@code blackhole://?a=b}, with nothing after the slashes, are fine too.
     *
     * @throws MillraceException SINK_URI_INVALID; the message does not repeat the URI, it may hold
     *     a password
     */
    public static URI parseUri(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < ' ' || text.charAt(i) == 0x7f) {
                throw malformed("control character", i);
            }
        }
        int nul = text.indexOf("%00");
        if (nul >= 0) {
            throw malformed("NUL character", nul);
        }
        int rest = text.indexOf("://") + 3;
        boolean bare = rest >= 3 && (rest == text.length() || text.charAt(rest) == '?');
        try {
            return new URI(
                    encodeRaw(bare ? text.substring(0, rest) + "/" + text.substring(rest) : text));
        } catch (URISyntaxException e) {
            throw malformed(e.getReason(), e.getIndex());
        }
    }

    private static MillraceException malformed(String why, int index) {
        return new MillraceException(
                ErrorCode.SINK_URI_INVALID,
                "sink uri invalid '" + why + " at character " + (index + 1) + "'");
    }

    private static String encodeRaw(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (WRITTEN_RAW.indexOf(c) >= 0) {
                out.append(String.format("%%%02X", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
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
        Optional<String> said = parameter(uri, name);
        return said.isPresent() ? said : Optional.ofNullable(options.get(name));
    }

    /** The last value of a query parameter, percent-decoded; empty text when it has none. */
    public static Optional<String> parameter(URI uri, String name) {
        String query = uri.getRawQuery();
        if (query == null) {
            return Optional.empty();
        }
        String found = null;
        for (String pair : query.split("&")) {
            int equals = pair.indexOf('=');
            String key = equals < 0 ? pair : pair.substring(0, equals);
            if (decode(key).equals(name)) {
                found = equals < 0 ? "" : decode(pair.substring(equals + 1));
            }
        }
        return Optional.ofNullable(found);
    }

    /** Whether the sink wants to know all tables before the first event. */
    public boolean tellsTablesAtStart() {
        return option("send-all-bootstrap-at-start").orElse("").trim().matches("(?i)true|t|1");
    }

    /** Whether the job's metrics count by table too. */
    public boolean countsByTable() {
        return "true".equals(options.get("enable-table-monitor"));
    }

    /**
     * How to tell the target's sink's own writes in a stream that comes back; empty unless the job
     * is bidirectional.
     *
     * @throws MillraceException SINK_URI_INVALID for an unknown {@code bdr-role}
     */
    public Optional<CaptureRequest.Bidirectional> bidirectional() {
        if (!"true".equals(options.get("bdr-mode"))) {
            return Optional.empty();
        }
        String role = option("bdr-role").orElse("").toLowerCase(java.util.Locale.ROOT);
        boolean primary =
                switch (role) {
                    case "primary" -> true;
                    case "", "secondary", "local-only" -> false;
                    default ->
                            throw new MillraceException(
                                    ErrorCode.SINK_URI_INVALID,
                                    "sink uri invalid 'bdr-role is "
                                            + role
                                            + "; it must be primary, secondary or local-only'");
                };
        String schema = option("progress-schema").orElse("").trim();
        return Optional.of(
                new CaptureRequest.Bidirectional(schema.isEmpty() ? "millrace" : schema, primary));
    }

    private static String decode(String text) {
        return java.net.URLDecoder.decode(text, java.nio.charset.StandardCharsets.UTF_8);
    }
}
