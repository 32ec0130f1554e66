package io.millrace.storage.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.spi.ObjectStore;
import java.io.FileNotFoundException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What every store does, whatever it stands on. */
abstract class ObjectStoreContract {
    /** A store with nothing in it, of its own. */
    abstract ObjectStore empty();

    private static List<String> names(ObjectStore store, String prefix) throws Exception {
        return store.list(prefix).stream().map(ObjectStore.Entry::name).toList();
    }

    @Test
    void givesBackWhatWasPut() throws Exception {
        try (ObjectStore store = empty()) {
            byte[] content = new byte[100_000];
            new Random(1).nextBytes(content);
            store.put("a/b/c.bin", content, 10, 90_000);
            assertThat(store.get("a/b/c.bin")).isEqualTo(Arrays.copyOfRange(content, 10, 90_010));
            store.put("a/b/c.bin", "short".getBytes(UTF_8));
            assertThat(store.get("a/b/c.bin")).isEqualTo("short".getBytes(UTF_8));
            store.put("empty", new byte[0]);
            assertThat(store.get("empty")).isEmpty();
        }
    }

    @Test
    void tellsWhatIsThere() throws Exception {
        long before = System.currentTimeMillis();
        try (ObjectStore store = empty()) {
            assertThat(store.exists("x/1")).isFalse();
            assertThatThrownBy(() -> store.get("x/1"))
                    .isInstanceOf(FileNotFoundException.class)
                    .hasMessageContaining("x/1");
            store.delete("x/1");
            store.put("x/2", new byte[3]);
            store.put("x/1", new byte[5]);
            store.put("x/10/deep er/日本", new byte[1]);
            store.put("xy", new byte[1]);
            assertThat(store.exists("x/1")).isTrue();
            assertThat(store.exists("x")).isFalse();
            assertThat(names(store, "x/")).containsExactly("x/1", "x/10/deep er/日本", "x/2");
            assertThat(names(store, "x/1")).containsExactly("x/1", "x/10/deep er/日本");
            assertThat(names(store, "")).hasSize(4);
            assertThat(names(store, "none/")).isEmpty();
            ObjectStore.Entry entry = store.list("x/2").getFirst();
            assertThat(entry.size()).isEqualTo(3);
            assertThat(entry.modifiedMs()).isBetween(before - 5000, before + 60_000);
            store.delete("x/1");
            assertThat(store.exists("x/1")).isFalse();
            assertThat(names(store, "x/1")).containsExactly("x/10/deep er/日本");
        }
    }

    @Test
    void namesCannotLeaveTheRoot() throws Exception {
        try (ObjectStore store = empty()) {
            for (String name : List.of("", "/a", "a//b", "../a", "a/../../b", "a/.", "a\0b")) {
                assertThatThrownBy(() -> store.put(name, new byte[1]))
                        .as(name)
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }
}
