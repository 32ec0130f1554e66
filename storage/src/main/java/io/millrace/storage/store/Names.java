package io.millrace.storage.store;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;

/** Rules for the names of files below a root. */
final class Names {
    /** The order of the names' UTF-8 bytes. */
    static final Comparator<String> BYTES =
            (left, right) ->
                    Arrays.compareUnsigned(
                            left.getBytes(StandardCharsets.UTF_8),
                            right.getBytes(StandardCharsets.UTF_8));

    private Names() {}

    /**
     * The name itself, when it stays below the root.
     *
     * @throws IllegalArgumentException when it is empty or has empty, {@code .} or {@code ..} parts
     */
    static String checked(String name) {
        for (String part : name.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                throw new IllegalArgumentException("not a name below the root: '" + name + "'");
            }
        }
        if (name.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("not a name below the root: NUL inside");
        }
        return name;
    }
}
