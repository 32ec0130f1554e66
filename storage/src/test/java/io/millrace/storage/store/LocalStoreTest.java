package io.millrace.storage.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class LocalStoreTest extends ObjectStoreContract {
    @TempDir Path folder;

    @Override
    ObjectStore empty() {
        return new Stores().open(URI.create("file://" + folder + "/not/there/yet?protocol=csv"));
    }

    @Test
    void draftsAreNotSeenAndNotLeftBehind() throws Exception {
        try (ObjectStore store = empty()) {
            store.put("a/b", new byte[10]);
            Path inside = folder.resolve("not/there/yet/a");
            Files.write(inside.resolve(".b.1234.draft"), new byte[3]);
            assertThat(store.list("").stream().map(ObjectStore.Entry::name)).containsExactly("a/b");
            store.put("a/b", new byte[11]);
            try (var files = Files.list(inside)) {
                assertThat(files.map(file -> file.getFileName().toString()))
                        .containsExactlyInAnyOrder("b", ".b.1234.draft");
            }
        }
    }

    @Test
    void saysWhatIsInTheWay() throws Exception {
        Files.writeString(folder.resolve("file"), "x", UTF_8);
        ObjectStore store = new Stores().open(URI.create("local://" + folder + "/file"));
        assertThatThrownBy(() -> store.put("a", new byte[1]))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.SINK_TRANSIENT);
                            assertThat(e.text()).contains("cannot write a in file://" + folder);
                        });
    }
}
