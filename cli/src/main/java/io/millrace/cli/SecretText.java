package io.millrace.cli;

import java.util.Locale;
import java.util.regex.Pattern;

/** Hides passwords before something is printed that the user typed. */
final class SecretText {
    private static final String HIDDEN = "xxxxx";
    private static final Pattern USER_INFO = Pattern.compile("(://[^/?#@]*?:)[^/?#]*@");
    private static final Pattern PARAMETER =
            Pattern.compile(
                    "(?i)([?&][^=&]*(?:password|passwd|pwd|secret|token|key|credential)[^=&]*=)[^&\"]*");

    private SecretText() {}

    static String mask(String uri) {
        String noPassword = USER_INFO.matcher(uri).replaceFirst("$1" + HIDDEN + "@");
        return PARAMETER.matcher(noPassword).replaceAll("$1" + HIDDEN);
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
