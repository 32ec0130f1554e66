package io.millrace.core.control;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Hides passwords, keys and tokens in answers and logs. */
public final class Secrets {
    /** What a hidden value looks like. */
    public static final String MASK = "xxxxx";

    private static final Set<String> PARTS =
            Set.of(
                    "password",
                    "passwd",
                    "pwd",
                    "secret",
                    "token",
                    "accesskey",
                    "accountkey",
                    "encryptionkey",
                    "signature",
                    "oauth2privatekey",
                    "credential");

    /** Names that contain a part above but hold a path or a public value. */
    private static final Set<String> HARMLESS =
            Set.of("credentialsfile", "saslouthtokenurl", "sasloauthtokenurl", "tokenfromfile");

    private static final Pattern USER_INFO =
            Pattern.compile("([a-zA-Z][a-zA-Z0-9+.-]*://[^:/?#@\\s]*):[^\\s]*@");
    private static final Pattern SECRET_PAIR =
            Pattern.compile(
                    "(?i)([\\w-]*(?:password|passwd|pwd|secret|token|access[-_]?key|account[-_]?key|encryption[-_]?key"
                            + "|signature|credential)[\\w-]*\\\"?\\s*[=:]\\s*\\\"?)[^\\s&\\\",;'}]+");

    private Secrets() {}

    /** Whether the value of an option or field of this name must not be shown. */
    public static boolean isSecretName(String name) {
        String plain = name.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
        if (HARMLESS.contains(plain)) {
            return false;
        }
        for (String part : PARTS) {
            if (plain.contains(part)) {
                return true;
            }
        }
        return false;
    }

    /**
     * A URI for people: the password in the user-info and secret query values become {@value
     * #MASK}, and then the query is written anew with sorted keys. A URI without secrets comes back
     * as it is.
     */
    public static String maskUri(String uri) {
        Parts parts = Parts.of(uri);
        String maskedHead = USER_INFO.matcher(parts.head()).replaceFirst("$1:" + MASK + "@");
        String rawQuery = parts.query();
        if (rawQuery == null) {
            return maskedHead;
        }
        if (!hasSecret(rawQuery)) {
            return maskedHead + "?" + rawQuery;
        }
        TreeMap<String, String> sorted = new TreeMap<>();
        for (String pair : rawQuery.split("&")) {
            int equals = pair.indexOf('=');
            String name = decode(equals < 0 ? pair : pair.substring(0, equals));
            String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
            sorted.put(name, isSecretName(name) ? MASK : isUri(value) ? maskUri(value) : value);
        }
        StringBuilder out = new StringBuilder(maskedHead).append('?');
        String separator = "";
        for (var entry : sorted.entrySet()) {
            out.append(separator)
                    .append(encode(entry.getKey()))
                    .append('=')
                    .append(encode(entry.getValue()));
            separator = "&";
        }
        return out.toString();
    }

    /** A URI text before and behind the question mark of its query. */
    private record Parts(String head, @Nullable String query) {
        static Parts of(String uri) {
            int query = uri.indexOf('?');
            // A raw '?' or '/' inside a password: what follows the last '@' is the host.
            int at = uri.lastIndexOf('@');
            if (query >= 0 && at > query && !uri.substring(query, at).contains("=")) {
                query = uri.indexOf('?', at);
            }
            return query < 0
                    ? new Parts(uri, null)
                    : new Parts(uri.substring(0, query), uri.substring(query + 1));
        }

        /** Scheme, user, host and port: what a stored secret was given for. */
        String target() {
            int at = head.lastIndexOf('@');
            String start = at < 0 ? head : USER_INFO.matcher(head).replaceFirst("$1@");
            int slashes = start.indexOf("://");
            int end = start.indexOf('/', slashes < 0 ? 0 : slashes + 3);
            return (end < 0 ? start : start.substring(0, end)).toLowerCase(Locale.ROOT);
        }

        Optional<String> password() {
            var matcher = USER_INFO.matcher(head);
            return matcher.find()
                    ? Optional.of(
                            head.substring(
                                    matcher.start() + matcher.group(1).length() + 1,
                                    matcher.end() - 1))
                    : Optional.empty();
        }

        /** Where parameters lead to, as people are shown it: by name. */
        Map<String, String> addresses() {
            Map<String, String> found = new TreeMap<>();
            for (String pair : query == null ? new String[0] : query.split("&")) {
                int equals = pair.indexOf('=');
                if (equals > 0) {
                    String name = decode(pair.substring(0, equals));
                    String value = decode(pair.substring(equals + 1));
                    if (isUri(value) || name.equals("endpoint")) {
                        found.put(name, maskUri(value));
                    }
                }
            }
            return found;
        }

        /** Whether a secret that was given for the other URI goes to the same place here. */
        boolean leadsWhere(Parts other) {
            return target().equals(other.target()) && addresses().equals(other.addresses());
        }

        /** The raw value of the last parameter of this name. */
        Optional<String> value(String name) {
            Optional<String> found = Optional.empty();
            for (String pair : query == null ? new String[0] : query.split("&")) {
                int equals = pair.indexOf('=');
                if (equals > 0 && decode(pair.substring(0, equals)).equals(name)) {
                    found = Optional.of(pair.substring(equals + 1));
                }
            }
            return found;
        }
    }

    /**
     * Whether two URIs have the same scheme, user and addresses, those in parameters too, so that
     * secrets stored with one may go to the other.
     */
    public static boolean isSameTarget(String one, String other) {
        return Parts.of(one).leadsWhere(Parts.of(other));
    }

    /**
     * A URI that a client read hidden, perhaps edited, and sent back: hidden values become the
     * stored ones again.
     *
     * @param stored what the client was shown with {@link #maskUri}
     * @return empty when a hidden value has none stored for the same scheme, user and addresses;
     *     those in parameters, such as {@code endpoint}, count too
     */
    public static Optional<String> restoreUri(String given, String stored) {
        if (given.equals(maskUri(stored))) {
            return Optional.of(stored);
        }
        Parts parts = Parts.of(given);
        Parts old = Parts.of(stored);
        boolean same = parts.leadsWhere(old);
        String head = parts.head();
        if (parts.password().equals(Optional.of(MASK))) {
            Optional<String> password = same ? old.password() : Optional.empty();
            if (password.isEmpty()) {
                return Optional.empty();
            }
            head = head.replace(":" + MASK + "@", ":" + password.get() + "@");
        }
        if (parts.query() == null) {
            return Optional.of(head);
        }
        List<String> query = new ArrayList<>();
        for (String pair : parts.query().split("&")) {
            int equals = pair.indexOf('=');
            String name = decode(equals < 0 ? pair : pair.substring(0, equals));
            String shown = equals < 0 ? "" : decode(pair.substring(equals + 1));
            if (!(isSecretName(name) ? shown.equals(MASK) : isUri(shown) && hasMask(shown))) {
                query.add(pair);
                continue;
            }
            Optional<String> value = same ? old.value(name) : Optional.empty();
            if (value.isEmpty()) {
                return Optional.empty();
            }
            query.add(pair.substring(0, equals + 1) + value.get());
        }
        return Optional.of(head + "?" + String.join("&", query));
    }

    private static boolean hasSecret(String rawQuery) {
        for (String pair : rawQuery.split("&")) {
            int equals = pair.indexOf('=');
            if (equals <= 0) {
                continue;
            }
            String value = decode(pair.substring(equals + 1));
            if (isSecretName(decode(pair.substring(0, equals)))
                    || isUri(value) && !maskUri(value).equals(value)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a parameter's value is an address that may hold secrets itself. */
    private static boolean isUri(String value) {
        return value.contains("://");
    }

    private static boolean hasMask(String uri) {
        return uri.contains(":" + MASK + "@") || uri.contains("=" + MASK);
    }

    /** Any text for a log or an error: passwords in URIs and values after secret names vanish. */
    public static String maskText(String text) {
        String masked = USER_INFO.matcher(text).replaceAll("$1:" + MASK + "@");
        return SECRET_PAIR.matcher(masked).replaceAll("$1" + MASK);
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException badEscape) {
            return text;
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
