package io.millrace.codec.avro;

/** Names that Avro accepts, made of those that SQL accepts. */
final class AvroNames {
    private AvroNames() {}

    /**
     * Every character outside {@code [A-Za-z0-9_]} becomes an underscore; a leading digit gets one
     * before it.
     */
    static String sanitise(String name) {
        StringBuilder out = new StringBuilder(name.length() + 1);
        for (int i = 0; i < name.length(); ) {
            int c = name.codePointAt(i);
            boolean digit = c >= '0' && c <= '9';
            if (i == 0 && digit) {
                out.append('_');
            }
            out.append(digit || isLetter(c) ? (char) c : '_');
            i += Character.charCount(c);
        }
        return out.isEmpty() ? "_" : out.toString();
    }

    private static boolean isLetter(int c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_';
    }

    /** The record's namespace: that of the changefeed, a point, and the schema. */
    static String namespace(String changefeedNamespace, String schema) {
        return sanitise(changefeedNamespace) + "." + sanitise(schema);
    }

    /** The registry's subject of a topic's keys or values. */
    static String subject(String topic, boolean key) {
        return topic.replace('.', '_') + (key ? "-key" : "-value");
    }
}
