package io.millrace.core.control;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

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
        int query = uri.indexOf('?');
        String head = query < 0 ? uri : uri.substring(0, query);
        // A raw '?' or '/' inside a password: what follows the last '@' is the host.
        int at = uri.lastIndexOf('@');
        if (query >= 0 && at > query && !uri.substring(query, at).contains("=")) {
            head = uri.substring(0, at + 1);
            query = uri.indexOf('?', at);
            head = query < 0 ? uri : uri.substring(0, query);
        }
        String maskedHead = USER_INFO.matcher(head).replaceFirst("$1:" + MASK + "@");
        if (query < 0) {
            return maskedHead;
        }
        String rawQuery = uri.substring(query + 1);
        if (!hasSecret(rawQuery)) {
            return maskedHead + "?" + rawQuery;
        }
        TreeMap<String, String> sorted = new TreeMap<>();
        for (String pair : rawQuery.split("&")) {
            int equals = pair.indexOf('=');
            String name = decode(equals < 0 ? pair : pair.substring(0, equals));
            String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
            sorted.put(name, isSecretName(name) ? MASK : value);
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

    private static boolean hasSecret(String rawQuery) {
        for (String pair : rawQuery.split("&")) {
            int equals = pair.indexOf('=');
            if (equals > 0 && isSecretName(decode(pair.substring(0, equals)))) {
                return true;
            }
        }
        return false;
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
