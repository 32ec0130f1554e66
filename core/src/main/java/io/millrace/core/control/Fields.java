package io.millrace.core.control;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The text form of stored records: one {@code name=value} line per field, unknown names ignored on
 * reading, so that a later version can add fields.
 */
public final class Fields {
    private final Map<String, String> values = new LinkedHashMap<>();

    public Fields put(String name, Object value) {
        values.put(name, value.toString());
        return this;
    }

    public Fields putUnsigned(String name, long value) {
        return put(name, Long.toUnsignedString(value));
    }

    public Fields putList(String name, List<String> list) {
        put(name + ".n", list.size());
        for (int i = 0; i < list.size(); i++) {
            put(name + "." + i, list.get(i));
        }
        return this;
    }

    /** Reads back {@link #text}. */
    public static Fields parse(String text) {
        Fields fields = new Fields();
        for (String line : text.split("\n")) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                fields.values.put(
                        unescape(line.substring(0, equals)), unescape(line.substring(equals + 1)));
            }
        }
        return fields;
    }

    public boolean has(String name) {
        return values.containsKey(name);
    }

    /**
     * A field's value.
     *
     * @throws IllegalStateException when there is none
     */
    public String get(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalStateException("stored record lacks the field " + name);
        }
        return value;
    }

    public String get(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    public long unsigned(String name) {
        return Long.parseUnsignedLong(get(name));
    }

    public boolean flag(String name) {
        return Boolean.parseBoolean(get(name));
    }

    public List<String> list(String name) {
        return list(name, text -> text);
    }

    public <T> List<T> list(String name, Function<String, T> map) {
        int n = Integer.parseInt(get(name + ".n", "0"));
        List<T> list = new ArrayList<>(n);
        for (int i = 0; i < n; i++) {
            list.add(map.apply(get(name + "." + i)));
        }
        return list;
    }

    public String text() {
        StringBuilder out = new StringBuilder();
        values.forEach((name, value) -> {
            escape(name, out);
            out.append('=');
            escape(value, out);
            out.append('\n');
        });
        return out.toString();
    }

    private static void escape(String text, StringBuilder out) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\\' -> out.append("\\\\");
                case '=' -> out.append("\\e");
                default -> out.append(c);
            }
        }
    }

    private static String unescape(String text) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && i + 1 < text.length()) {
                char kind = text.charAt(++i);
                out.append(kind == 'n' ? '\n' : kind == 'e' ? '=' : kind);
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }
}
