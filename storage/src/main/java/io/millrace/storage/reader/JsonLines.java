package io.millrace.storage.reader;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * The JSON objects of a file, each with a terminator behind it. An object ends where its braces do,
 * so that the terminator may be any text, also one that values contain.
 */
final class JsonLines implements Iterator<byte[]> {
    private final byte[] content;
    private final byte[] terminator;
    private int at;
    private int number;

    JsonLines(byte[] content, String terminator) {
        this.content = content;
        this.terminator = terminator.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public boolean hasNext() {
        return at < content.length;
    }

    /**
     * The next object.
     *
     * @throws IllegalArgumentException when there is none, or something else than the terminator
     *     behind it; names the line
     */
    @Override
    public byte[] next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        number++;
        int from = at;
        int end = end(from);
        int after = end + terminator.length;
        if (after > content.length
                || !Arrays.equals(content, end, after, terminator, 0, terminator.length)) {
            throw new IllegalArgumentException(
                    "line "
                            + number
                            + " of a json file goes on behind its message, or has another"
                            + " terminator");
        }
        at = after;
        return Arrays.copyOfRange(content, from, end);
    }

    private int end(int from) {
        if (content[from] == '{') {
            int depth = 0;
            boolean text = false;
            for (int i = from; i < content.length; i++) {
                byte b = content[i];
                if (text) {
                    if (b == '\\') {
                        i++;
                    } else if (b == '"') {
                        text = false;
                    }
                } else if (b == '"') {
                    text = true;
                } else if (b == '{') {
                    depth++;
                } else if (b == '}' && --depth == 0) {
                    return i + 1;
                }
            }
        }
        throw new IllegalArgumentException(
                "line " + number + " of a json file is no whole message");
    }
}
