package io.millrace.core.spi;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * Files by name below one root: a folder, or a bucket's prefix. Names have {@code /} between their
 * parts and cannot leave the root. Safe for use by several threads; calls block.
 *
 * <p>Methods throw MillraceException where the reason is known: SINK_ACCESS_DENIED,
 * STORAGE_INVALID_CONFIG (no such bucket), SINK_CONNECTION and SINK_TRANSIENT (a retry may help).
 */
public interface ObjectStore extends AutoCloseable {
    /**
     * Writes a whole file. Readers see all of it or the one before, never a part, and it is durable
     * when the call returns.
     */
    void put(String name, byte[] content, int offset, int length) throws IOException;

    default void put(String name, byte[] content) throws IOException {
        put(name, content, 0, content.length);
    }

    /**
     * A whole file.
     *
     * @throws java.io.FileNotFoundException when there is none
     */
    byte[] get(String name) throws IOException;

    /**
     * A file as a stream, for those that are too large for the memory; here from {@link #get}. What
     * goes wrong while it is read is an IOException.
     *
     * @throws java.io.FileNotFoundException when there is none
     */
    default InputStream open(String name) throws IOException {
        return new ByteArrayInputStream(get(name));
    }

    /** Whether there is such a file. */
    boolean exists(String name) throws IOException;

    /** Removes a file; fine when there is none. */
    void delete(String name) throws IOException;

    /**
     * Names of the files that begin with a prefix, in the order of their bytes, as they are now.
     */
    List<Entry> list(String prefix) throws IOException;

    /** The root, as users write it, without secrets. */
    String location();

    /**
     * A file.
     *
     * @param name below the root
     * @param size in bytes
     * @param modifiedMs time of writing, Unix milliseconds
     */
    record Entry(String name, long size, long modifiedMs) {}

    @Override
    default void close() {}
}
