package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Hides passwords before something is printed that the user typed. */
final class SecretText {
    static final String HIDDEN = "xxxxx";
    private static final Pattern USER_INFO = Pattern.compile("(://[^/?#@]*?:)[^/?#]*@");
    private static final Pattern PARAMETER =
            Pattern.compile(
                    "(?i)([?&][^=&]*(?:password|passwd|pwd|secret|token|key|credential)[^=&]*=)[^&\"]*");

    private SecretText() {}

    static String mask(String uri) {
        String noPassword = USER_INFO.matcher(uri).replaceFirst("$1" + HIDDEN + "@");
        return PARAMETER.matcher(noPassword).replaceAll("$1" + HIDDEN);
    }

    private static final Pattern SECRET_KEY =
            Pattern.compile(
                    "(?i).*(?:password|passwd|pwd|secret|token|jaas|credential|passphrase"
                            + "|private[._-]?key|access[._-]?key|api[._-]?key|keystore[._-]key).*");

    /** Values that only say where the secret is, or that hold no secret at all. */
    private static final Pattern HARMLESS = Pattern.compile("\\$\\{[^}]*}|(?i:true|false|)");

    private static final Pattern PAIR =
            Pattern.compile(
                    "(?i)([\\w.-]*(?:password|passwd|pwd|secret|token)[\\w.-]*\\\"?\\s*[=:]\\s*\\\"?)"
                            + "[^\\s&\\\",;}]+");

    /** Whether a setting of a connector is a secret. */
    static boolean isSecretSetting(String key) {
        return SECRET_KEY.matcher(key).matches();
    }

    /** Text with passwords in it, such as a stack trace. */
    static String maskText(String text) {
        // What MySQL says of a refused login tells only whether a password was given.
        String plain =
                text.replace("(using password: YES)", "(using password)")
                        .replace("(using password: NO)", "(without password)");
        return PAIR.matcher(USER_INFO.matcher(plain).replaceAll("$1" + HIDDEN + "@"))
                .replaceAll("$1" + HIDDEN);
    }

    /** A copy of an answer of Kafka Connect with the values of secret settings hidden. */
    static JsonNode masked(JsonNode node) {
        if (node.isObject()) {
            ObjectNode out = JsonNodeFactory.instance.objectNode();
            // An answer of validation names the setting beside its value.
            boolean named = isSecretSetting(node.path("name").asText(""));
            node.fields()
                    .forEachRemaining(entry -> {
                        JsonNode value = entry.getValue();
                        boolean secret =
                                isSecretSetting(entry.getKey())
                                        || (named && entry.getKey().equals("value"));
                        if (secret && value.isTextual() && !isHarmless(value.asText())) {
                            out.put(entry.getKey(), HIDDEN);
                        } else {
                            out.set(entry.getKey(), masked(value));
                        }
                    });
            return out;
        }
        if (node.isArray()) {
            ArrayNode out = JsonNodeFactory.instance.arrayNode();
            node.forEach(each -> out.add(masked(each)));
            return out;
        }
        return node.isTextual()
                ? JsonNodeFactory.instance.textNode(mask(maskText(node.asText())))
                : node;
    }

    /**
     * Where the first value is that was hidden when it was printed, such as {@code
     * offsets[0].offset.pos}.
     */
    static Optional<String> hiddenAt(JsonNode node) {
        return hiddenAt(node, "");
    }

    private static Optional<String> hiddenAt(JsonNode node, String path) {
        if (node.isTextual()) {
            return node.asText().contains(HIDDEN) ? Optional.of(path) : Optional.empty();
        }
        for (Map.Entry<String, JsonNode> member : node.properties()) {
            String at = path.isEmpty() ? member.getKey() : path + "." + member.getKey();
            Optional<String> found = hiddenAt(member.getValue(), at);
            if (found.isPresent()) {
                return found;
            }
        }
        for (int at = 0; node.isArray() && at < node.size(); at++) {
            Optional<String> found = hiddenAt(node.get(at), path + "[" + at + "]");
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private static boolean isHarmless(String value) {
        return HARMLESS.matcher(value).matches();
    }

    /** Whether a configuration key names a secret. */
    static boolean isSecret(String path) {
        String name = path.substring(path.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return name.contains("password")
                || name.contains("secret")
                || name.contains("token")
                || name.contains("access_key")
                || name.contains("private-key");
    }
}
