package io.millrace.metastore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.control.MetaStore;
import io.millrace.core.control.MetaStore.Op.Put;
import io.millrace.core.error.MillraceException;
import io.millrace.testkit.contract.MetaStoreContract;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The embedded store keeps the contract, and refuses what it must not touch. */
final class SqliteMetaStoreTest extends MetaStoreContract {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Override
    protected MetaStore openEmpty() {
        return SqliteMetaStore.open(dir);
    }

    @Override
    protected MetaStore reopen() {
        return SqliteMetaStore.open(dir);
    }

    @Test
    void refusesADirectoryInUse() {
        assertThatThrownBy(() -> SqliteMetaStore.open(dir))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining(
                        "in use by another Millrace process (pid "
                                + ProcessHandle.current().pid()
                                + ")");
    }

    @Test
    void refusesAFileOfALaterLayout(@TempDir Path other) throws SQLException {
        SqliteMetaStore.open(other).close();
        try (Connection connection =
                DriverManager.getConnection("jdbc:sqlite:" + other.resolve("millrace.db"))) {
            connection.createStatement().execute("PRAGMA user_version=99");
        }
        assertThatThrownBy(() -> SqliteMetaStore.open(other))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("layout version 99");
        // The refusal let go of the lock: only the version stands in the way.
        assertThatThrownBy(() -> SqliteMetaStore.open(other)).hasMessageContaining("99");
    }

    @Test
    void keysOnLeasesOfADeadProcessAreGone(@TempDir Path other) {
        try (SqliteMetaStore store = SqliteMetaStore.open(other)) {
            long lease = store.grantLease(java.time.Duration.ofHours(1));
            store.commit(List.of(), List.of(new Put("/node/a", "x", lease), new Put("/keep", "y")));
        }
        try (SqliteMetaStore store = SqliteMetaStore.open(other)) {
            assertThat(store.get("/node/a")).isEmpty();
            assertThat(store.get("/keep")).isPresent();
        }
    }

    @Test
    void aWatchFromARevisionThatIsNoLongerHeldSaysSo(@TempDir Path other) throws Exception {
        try (SqliteMetaStore store = SqliteMetaStore.open(other)) {
            for (int i = 0; i < 3; i++) {
                store.commit(List.of(), List.of(new Put("/k", "v" + i)));
            }
        }
        try (SqliteMetaStore store = SqliteMetaStore.open(other)) {
            CountDownLatch compacted = new CountDownLatch(1);
            MetaStore.Watcher watcher =
                    new MetaStore.Watcher() {
                        @Override
                        public void onChanges(List<MetaStore.Change> changes) {}

                        @Override
                        public void onCompacted() {
                            compacted.countDown();
                        }
                    };
            try (MetaStore.Watch watch = store.watch("/", 1, watcher)) {
                assertThat(watch).isNotNull();
                assertThat(compacted.await(5, TimeUnit.SECONDS)).isTrue();
            }
        }
    }
}
