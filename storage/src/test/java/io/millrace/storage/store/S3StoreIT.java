package io.millrace.storage.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.servers.S3Server;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The S3 store against a server that speaks the protocol. */
@SuppressWarnings("NullAway.Init") // started before all tests
final class S3StoreIT extends ObjectStoreContract {
    private static final AtomicInteger PREFIXES = new AtomicInteger();
    private static S3Server server;

    @BeforeAll
    static void start() {
        server = S3Server.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Override
    ObjectStore empty() {
        return new Stores()
                .open(SinkSpec.parseUri(server.uri("p/" + PREFIXES.incrementAndGet() + "/")), 4);
    }

    @Test
    void largeObjectsGoInParts() throws Exception {
        byte[] content = new byte[20 << 20];
        new Random(2).nextBytes(content);
        try (ObjectStore store = empty()) {
            store.put("large", content, 1, content.length - 1);
            byte[] back = store.get("large");
            assertThat(back).hasSize(content.length - 1);
            assertThat(java.util.Arrays.equals(back, 0, back.length, content, 1, content.length))
                    .isTrue();
        }
    }

    @Test
    void aMissingBucketIsTheUsersFault() {
        ObjectStore store =
                new Stores()
                        .open(SinkSpec.parseUri(server.uri("x").replace("//millrace/", "//no/")));
        assertThatThrownBy(() -> store.put("a", new byte[1]))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.STORAGE_INVALID_CONFIG);
                            assertThat(e.text()).contains("s3://no/x/", "no such bucket");
                            assertThat(e.text()).doesNotContain("hidden");
                        });
    }
}
