package io.millrace.storage.redo;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.spi.ObjectStore;
import io.millrace.storage.store.Stores;
import java.net.URI;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RedoStorageTest {
    private final RedoStorage storage = new RedoStorage(new Stores());

    @ParameterizedTest
    @ValueSource(strings = {"noop:///", "NOOP://x", "blackhole:///", "blackhole2://x/y"})
    void nothingIsKept(String uri) throws Exception {
        URI place = URI.create(uri);
        storage.validate(place);
        storage.probe(place);
        try (ObjectStore store = storage.open(place)) {
            store.put("redo/a.log", new byte[1]);
            assertThat(store.exists("redo/a.log")).isFalse();
            assertThat(store.list("")).isEmpty();
        }
    }
}
