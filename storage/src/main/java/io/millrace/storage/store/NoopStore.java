package io.millrace.storage.store;

import io.millrace.core.spi.ObjectStore;
import java.io.FileNotFoundException;
import java.util.List;

/** Forgets what is written; for measuring what comes before it. */
final class NoopStore implements ObjectStore {
    @Override
    public void put(String name, byte[] content, int offset, int length) {
        Names.checked(name);
    }

    @Override
    public byte[] get(String name) throws FileNotFoundException {
        throw new FileNotFoundException("noop:// keeps nothing: " + name);
    }

    @Override
    public boolean exists(String name) {
        return false;
    }

    @Override
    public void delete(String name) {}

    @Override
    public List<Entry> list(String prefix) {
        return List.of();
    }

    @Override
    public String location() {
        return "noop://";
    }
}
