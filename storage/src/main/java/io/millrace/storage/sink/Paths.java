package io.millrace.storage.sink;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names of data and index files. */
final class Paths {
    static final String METADATA = "metadata";

    private static final Pattern FILE = Pattern.compile("CDC([0-9]+)\\.[a-z]+");

    private Paths() {}

    /**
     * A database's or table's name as one part of a path: what would make it several, or none, is
     * written as {@code %} and two hexadecimal digits.
     */
    static String part(String name) {
        StringBuilder out = new StringBuilder(name.length());
        boolean onlyDots = name.chars().allMatch(c -> c == '.');
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c < ' ' || c == '/' || c == '\\' || c == '%' || c == '.' && onlyDots) {
                out.append(String.format("%%%02X", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    /** The part of a path for a date, with its slash; empty for none. */
    static String date(StorageConfig.DateSeparator separator, ZonedDateTime now) {
        return switch (separator) {
            case NONE -> "";
            case YEAR -> DateTimeFormatter.ofPattern("yyyy/").format(now);
            case MONTH -> DateTimeFormatter.ofPattern("yyyy-MM/").format(now);
            case DAY -> DateTimeFormatter.ofPattern("yyyy-MM-dd/").format(now);
        };
    }

    static String index(String folder) {
        return folder + "meta/CDC.index";
    }

    static String file(long number, int width, String extension) {
        String digits = Long.toString(number);
        return "CDC" + "0".repeat(Math.max(0, width - digits.length())) + digits + "." + extension;
    }

    /** The number in a data file's name. */
    static OptionalLong number(String fileName) {
        Matcher name = FILE.matcher(fileName);
        return name.matches()
                ? OptionalLong.of(Long.parseLong(name.group(1)))
                : OptionalLong.empty();
    }
}
