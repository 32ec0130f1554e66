package io.millrace.storage.reader;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * The JSON objects of a file, each with a terminator behind it. An object ends where its braces do,
 * so that the terminator may be any text, also one that values contain. Holds one object at a time.
 */
final class JsonLines implements Iterator<byte[]> {
    private static final int FIRST_BYTES = 1 << 16;

    private final InputStream in;
    private final byte[] terminator;
    private byte[] window = new byte[FIRST_BYTES];

    /** Where the next object begins in the window, and where what was read ends. */
    private int at;

    private int end;
    private int number;

    JsonLines(InputStream in, String terminator) {
        this.in = in;
        this.terminator = terminator.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public boolean hasNext() {
        return has(1);
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
        int length = length();
        int whole = length + terminator.length;
        if (!has(whole)
                || !Arrays.equals(
                        window, at + length, at + whole, terminator, 0, terminator.length)) {
            throw new IllegalArgumentException(
                    "line "
                            + number
                            + " of a json file goes on behind its message, or has another"
                            + " terminator");
        }
        byte[] object = Arrays.copyOfRange(window, at, at + length);
        at += whole;
        return object;
    }

    private int length() {
        int depth = 0;
        boolean text = false;
        for (int i = 0; has(i + 1); i++) {
            byte b = window[at + i];
            if (i == 0 && b != '{') {
                break;
            }
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
        throw new IllegalArgumentException(
                "line " + number + " of a json file is no whole message");
    }

    /** Whether so many bytes follow; they are in the window then. */
    private boolean has(int count) {
        while (end - at < count) {
            if (at > 0) {
                System.arraycopy(window, at, window, 0, end - at);
                end -= at;
                at = 0;
            }
            if (end == window.length) {
                window = Arrays.copyOf(window, Math.multiplyExact(end, 2));
            }
            try {
                int more = in.read(window, end, window.length - end);
                if (more < 0) {
                    return false;
                }
                end += more;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return true;
    }
}
