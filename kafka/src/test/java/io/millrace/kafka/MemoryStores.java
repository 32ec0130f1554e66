package io.millrace.kafka;

import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.ObjectStores;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;

/** Files in memory, the same for all URIs; a URI with the host {@code broken} cannot be used. */
final class MemoryStores implements ObjectStores {
    private final NavigableMap<String, byte[]> files = new ConcurrentSkipListMap<>();

    /** Texts of the files by name. */
    Map<String, String> texts() {
        Map<String, String> texts = new java.util.TreeMap<>();
        files.forEach((name, bytes) -> texts.put(name, new String(bytes, StandardCharsets.UTF_8)));
        return texts;
    }

    @Override
    public Set<String> schemes() {
        return Set.of("memory");
    }

    @Override
    public ObjectStore open(URI uri) {
        boolean broken = "broken".equals(uri.getHost());
        return new ObjectStore() {
            private void use() throws IOException {
                if (broken) {
                    throw new IOException("the store is broken");
                }
            }

            @Override
            public void put(String name, byte[] content, int offset, int length)
                    throws IOException {
                use();
                files.put(name, Arrays.copyOfRange(content, offset, offset + length));
            }

            @Override
            public byte[] get(String name) throws IOException {
                use();
                byte[] found = files.get(name);
                if (found == null) {
                    throw new FileNotFoundException(name);
                }
                return found;
            }

            @Override
            public boolean exists(String name) throws IOException {
                use();
                return files.containsKey(name);
            }

            @Override
            public void delete(String name) {
                files.remove(name);
            }

            @Override
            public List<Entry> list(String prefix) {
                return files.entrySet().stream()
                        .filter(file -> file.getKey().startsWith(prefix))
                        .map(file -> new Entry(file.getKey(), file.getValue().length, 0))
                        .toList();
            }

            @Override
            public String location() {
                return uri.toString();
            }
        };
    }
}
