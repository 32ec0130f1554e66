package io.millrace.storage.redo;

import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.ObjectStores;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/** Files in memory. */
final class MapStore implements ObjectStore, ObjectStores {
    final ConcurrentSkipListMap<String, byte[]> files = new ConcurrentSkipListMap<>();
    volatile boolean broken;

    /** What writing a file throws. */
    volatile @Nullable RuntimeException refusal;

    /** How long writing a file takes. */
    volatile long putMillis;

    @Override
    public void put(String name, byte[] content, int offset, int length) throws IOException {
        if (broken) {
            throw new IOException("no space left");
        }
        RuntimeException thrown = refusal;
        if (thrown != null) {
            throw thrown;
        }
        if (putMillis > 0) {
            try {
                Thread.sleep(putMillis);
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
        files.put(name, Arrays.copyOfRange(content, offset, offset + length));
    }

    @Override
    public byte[] get(String name) throws IOException {
        byte[] content = files.get(name);
        if (content == null) {
            throw new FileNotFoundException(name);
        }
        return content;
    }

    @Override
    public boolean exists(String name) {
        return files.containsKey(name);
    }

    @Override
    public void delete(String name) {
        files.remove(name);
    }

    @Override
    public List<Entry> list(String prefix) {
        List<Entry> out = new ArrayList<>();
        files.forEach((name, content) -> out.add(new Entry(name, content.length, 0)));
        return out;
    }

    @Override
    public String location() {
        return "memory";
    }

    @Override
    public Set<String> schemes() {
        return Set.of("file");
    }

    @Override
    public ObjectStore open(URI uri) {
        return this;
    }
}
