package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/**
 * Applies the differences of a partial JSON update (MySQL {@code sql/json_diff.h}) to the document
 * before it. Rare, so it works on a tree of objects; scalars stay in their binary form.
 *
 * <p>The result is text behind {@link JsonText#TEXT_MARKER}, which {@link JsonText#append} passes
 * through.
 */
final class JsonDiffs {
    private static final int REPLACE = 0;
    private static final int INSERT = 1;
    private static final int REMOVE = 2;

    private JsonDiffs() {}

    private sealed interface Node permits Members, Elements, Scalar {}

    /** Keys in the server's order: by length, then by bytes. */
    private record Members(TreeMap<byte[], Node> byKey) implements Node {
        Members() {
            this(
                    new TreeMap<>((x, y) ->
                            x.length != y.length
                                    ? Integer.compare(x.length, y.length)
                                    : Arrays.compareUnsigned(x, y)));
        }
    }

    private record Elements(List<Node> items) implements Node {}

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Scalar(int type, byte[] data) implements Node {}

    private sealed interface Leg {
        @SuppressWarnings("ArrayRecordComponent") // never compared
        record Key(byte[] name) implements Leg {}

        record Index(int index) implements Leg {}
    }

    /**
     * Appends the document after the update, as text behind its marker.
     *
     * @throws IndexOutOfBoundsException when document or differences are malformed or do not fit
     */
    static void apply(
            byte[] before,
            int beforeAt,
            int beforeLength,
            byte[] diffs,
            int diffsAt,
            int diffsLength,
            ByteSink out) {
        Node root =
                beforeLength == 0
                        ? new Scalar(JsonText.LITERAL, new byte[] {0})
                        : parse(before[beforeAt], before, beforeAt + 1, beforeAt + beforeLength, 0);
        int at = diffsAt;
        int end = diffsAt + diffsLength;
        while (at < end) {
            int operation = diffs[at++];
            long pathLength = lenenc(diffs, at, end);
            at += lenencBytes(diffs[at]);
            JsonText.need(at, (int) Math.min(pathLength, Integer.MAX_VALUE), end);
            List<Leg> path = parsePath(diffs, at, (int) pathLength);
            at += (int) pathLength;
            if (operation == REMOVE) {
                remove(root, path);
                continue;
            }
            long valueLength = lenenc(diffs, at, end);
            at += lenencBytes(diffs[at]);
            JsonText.need(at, (int) Math.min(valueLength, Integer.MAX_VALUE), end);
            JsonText.need(at, 1, end);
            Node value = parse(diffs[at], diffs, at + 1, at + (int) valueLength, 0);
            at += (int) valueLength;
            switch (operation) {
                case REPLACE -> root = replace(root, path, value);
                case INSERT -> insert(root, path, value);
                default -> throw new IndexOutOfBoundsException("JSON diff " + operation);
            }
        }
        out.put(JsonText.TEXT_MARKER);
        print(root, out);
    }

    private static Node replace(Node root, List<Leg> path, Node value) {
        if (path.isEmpty()) {
            return value;
        }
        Node parent = find(root, path.subList(0, path.size() - 1));
        switch (path.getLast()) {
            case Leg.Key(byte[] name) when parent instanceof Members members ->
                    members.byKey.put(existing(members, name), value);
            case Leg.Index(int index) when parent instanceof Elements elements ->
                    elements.items.set(index, value);
            // A scalar counts as an array of itself.
            case Leg.Index(int index) when index == 0 ->
                    root = replace(root, path.subList(0, path.size() - 1), value);
            default -> throw missing(path);
        }
        return root;
    }

    private static void insert(Node root, List<Leg> path, Node value) {
        if (path.isEmpty()) {
            throw missing(path);
        }
        Node parent = find(root, path.subList(0, path.size() - 1));
        switch (path.getLast()) {
            case Leg.Key(byte[] name) when parent instanceof Members members ->
                    members.byKey.put(name, value);
            case Leg.Index(int index) when parent instanceof Elements elements ->
                    elements.items.add(Math.min(index, elements.items.size()), value);
            default -> throw missing(path);
        }
    }

    private static void remove(Node root, List<Leg> path) {
        if (path.isEmpty()) {
            throw missing(path);
        }
        Node parent = find(root, path.subList(0, path.size() - 1));
        switch (path.getLast()) {
            case Leg.Key(byte[] name) when parent instanceof Members members ->
                    members.byKey.remove(existing(members, name));
            case Leg.Index(int index) when parent instanceof Elements elements ->
                    elements.items.remove(index);
            default -> throw missing(path);
        }
    }

    private static byte[] existing(Members members, byte[] name) {
        if (!members.byKey.containsKey(name)) {
            throw new IndexOutOfBoundsException(
                    "JSON has no key " + new String(name, StandardCharsets.UTF_8));
        }
        return name;
    }

    private static Node find(Node root, List<Leg> path) {
        Node node = root;
        for (Leg leg : path) {
            node = child(node, leg, path);
        }
        return node;
    }

    private static Node child(Node node, Leg leg, List<Leg> path) {
        return switch (leg) {
            case Leg.Key(byte[] name) when node instanceof Members members -> {
                Node child = members.byKey.get(name);
                if (child == null) {
                    throw missing(path);
                }
                yield child;
            }
            case Leg.Index(int index) when node instanceof Elements elements ->
                    elements.items.get(index);
            // A scalar counts as an array of itself.
            case Leg.Index(int index) when index == 0 -> node;
            default -> throw missing(path);
        };
    }

    private static IndexOutOfBoundsException missing(List<Leg> path) {
        return new IndexOutOfBoundsException("JSON diff at a path that is not there: " + path);
    }

    /** {@code $.key."quoted key"[3]}, as Json_path::to_string writes it. */
    private static List<Leg> parsePath(byte[] b, int at, int length) {
        String path = new String(b, at, length, StandardCharsets.UTF_8);
        if (!path.startsWith("$")) {
            throw new IndexOutOfBoundsException("JSON path " + path);
        }
        List<Leg> legs = new ArrayList<>();
        int i = 1;
        while (i < path.length()) {
            char c = path.charAt(i++);
            if (c == '[') {
                int close = path.indexOf(']', i);
                if (close < 0) {
                    throw new IndexOutOfBoundsException("JSON path " + path);
                }
                try {
                    legs.add(new Leg.Index(Integer.parseUnsignedInt(path.substring(i, close))));
                } catch (NumberFormatException e) {
                    throw new IndexOutOfBoundsException("JSON path " + path);
                }
                i = close + 1;
            } else if (c == '.') {
                StringBuilder key = new StringBuilder();
                if (i < path.length() && path.charAt(i) == '"') {
                    i = unquote(path, i + 1, key);
                } else {
                    while (i < path.length() && path.charAt(i) != '.' && path.charAt(i) != '[') {
                        key.append(path.charAt(i++));
                    }
                }
                legs.add(new Leg.Key(key.toString().getBytes(StandardCharsets.UTF_8)));
            } else {
                throw new IndexOutOfBoundsException("JSON path " + path);
            }
        }
        return legs;
    }

    private static int unquote(String path, int i, StringBuilder key) {
        while (i < path.length()) {
            char c = path.charAt(i++);
            if (c == '"') {
                return i;
            }
            if (c != '\\' || i == path.length()) {
                key.append(c);
                continue;
            }
            char escape = path.charAt(i++);
            switch (escape) {
                case 'b' -> key.append('\b');
                case 'f' -> key.append('\f');
                case 'n' -> key.append('\n');
                case 'r' -> key.append('\r');
                case 't' -> key.append('\t');
                case 'u' -> {
                    try {
                        key.append((char) Integer.parseInt(path.substring(i, i + 4), 16));
                    } catch (NumberFormatException e) {
                        throw new IndexOutOfBoundsException("JSON path " + path);
                    }
                    i += 4;
                }
                default -> key.append(escape);
            }
        }
        throw new IndexOutOfBoundsException("JSON path " + path);
    }

    private static Node parse(int type, byte[] b, int at, int end, int depth) {
        return switch (type) {
            case JsonText.SMALL_OBJECT -> container(b, at, end, false, true, depth);
            case JsonText.LARGE_OBJECT -> container(b, at, end, true, true, depth);
            case JsonText.SMALL_ARRAY -> container(b, at, end, false, false, depth);
            case JsonText.LARGE_ARRAY -> container(b, at, end, true, false, depth);
            default -> {
                JsonText.need(at, 0, end);
                yield new Scalar(
                        type, Arrays.copyOfRange(b, at, at + scalarBytes(type, b, at, end)));
            }
        };
    }

    private static int scalarBytes(int type, byte[] b, int at, int end) {
        int bytes =
                switch (type) {
                    case JsonText.LITERAL -> 1;
                    case JsonText.INT16, JsonText.UINT16 -> 2;
                    case JsonText.INT32, JsonText.UINT32 -> 4;
                    case JsonText.INT64, JsonText.UINT64, JsonText.DOUBLE -> 8;
                    case JsonText.STRING ->
                            Math.addExact(
                                    JsonText.varLength(b, at, end),
                                    JsonText.varLengthBytes(b, at, end));
                    case JsonText.OPAQUE ->
                            Math.addExact(
                                    JsonText.varLength(b, at + 1, end),
                                    1 + JsonText.varLengthBytes(b, at + 1, end));
                    default -> throw new IndexOutOfBoundsException("JSON type " + type);
                };
        JsonText.need(at, bytes, end);
        return bytes;
    }

    private static Node container(
            byte[] b, int start, int end, boolean large, boolean object, int depth) {
        if (depth > JsonText.MAX_DEPTH) {
            throw new IndexOutOfBoundsException("JSON nested too deeply");
        }
        int unit = large ? 4 : 2;
        JsonText.need(start, 2 * unit, end);
        int count = JsonText.size(b, start, unit);
        int bytes = JsonText.size(b, start + unit, unit);
        JsonText.need(start, bytes, end);
        int limit = start + bytes;
        int keyEntry = unit + 2;
        int valueEntry = unit + 1;
        int keys = start + 2 * unit;
        if (count < 0 || (long) count * ((object ? keyEntry : 0) + valueEntry) > limit - keys) {
            throw new IndexOutOfBoundsException("JSON entries");
        }
        int values = object ? keys + count * keyEntry : keys;
        Members members = new Members();
        List<Node> items = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int entry = values + i * valueEntry;
            int type = b[entry];
            Node child;
            if (JsonText.isInlined(type, large)) {
                child = parse(type, b, entry + 1, entry + 1 + unit, depth + 1);
            } else {
                int offset = JsonText.size(b, entry + 1, unit);
                JsonText.need(start, offset, limit);
                child = parse(type, b, start + offset, limit, depth + 1);
            }
            if (object) {
                int keyAt = start + JsonText.size(b, keys + i * keyEntry, unit);
                int keyLength = WireBytes.u16(b, keys + i * keyEntry + unit);
                JsonText.need(keyAt, keyLength, limit);
                members.byKey.put(Arrays.copyOfRange(b, keyAt, keyAt + keyLength), child);
            } else {
                items.add(child);
            }
        }
        return object ? members : new Elements(items);
    }

    private static void print(Node node, ByteSink out) {
        switch (node) {
            case Members members -> {
                out.put('{');
                boolean first = true;
                for (var member : members.byKey.entrySet()) {
                    if (!first) {
                        out.putUtf8(", ");
                    }
                    first = false;
                    JsonText.quote(member.getKey(), 0, member.getKey().length, out);
                    out.putUtf8(": ");
                    print(member.getValue(), out);
                }
                out.put('}');
            }
            case Elements elements -> {
                out.put('[');
                for (int i = 0; i < elements.items.size(); i++) {
                    if (i > 0) {
                        out.putUtf8(", ");
                    }
                    print(elements.items.get(i), out);
                }
                out.put(']');
            }
            case Scalar scalar ->
                    JsonText.value(scalar.type, scalar.data, 0, scalar.data.length, 0, out);
        }
    }

    /** The protocol's length-encoded integer. */
    static long lenenc(byte[] b, int at, int end) {
        JsonText.need(at, 1, end);
        int bytes = lenencBytes(b[at]);
        JsonText.need(at, bytes, end);
        return bytes == 1 ? b[at] & 0xFF : WireBytes.uN(b, at + 1, bytes - 1);
    }

    static int lenencBytes(byte first) {
        return switch (first & 0xFF) {
            case 252 -> 3;
            case 253 -> 4;
            case 254 -> 9;
            default -> 1;
        };
    }
}
