package io.millrace.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.control.MetaStore;
import io.millrace.core.control.MetaStore.Change;
import io.millrace.core.control.MetaStore.Commit;
import io.millrace.core.control.MetaStore.Entry;
import io.millrace.core.control.MetaStore.Guard.Absent;
import io.millrace.core.control.MetaStore.Guard.Unchanged;
import io.millrace.core.control.MetaStore.Op.Delete;
import io.millrace.core.control.MetaStore.Op.DeletePrefix;
import io.millrace.core.control.MetaStore.Op.Put;
import io.millrace.core.control.MetaStore.Range;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every {@link MetaStore} does. Subclasses open an empty store for each test. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
public abstract class MetaStoreContract {
    private static final long WAIT_SECONDS = 10;

    private MetaStore store;

    /** An empty store, or one in which all keys of earlier tests are gone. */
    protected abstract MetaStore openEmpty() throws Exception;

    /** A second handle on the durable content of {@code closed}. */
    protected abstract MetaStore reopen() throws Exception;

    @BeforeEach
    void openStore() throws Exception {
        store = openEmpty();
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    @Test
    void readsBackWhatWasPut() {
        Commit commit = store.commit(List.of(), List.of(new Put("/a/1", "grüße\n\"=\u0001")));
        assertThat(commit.applied()).isTrue();
        assertThat(store.get("/a/1"))
                .contains(
                        new Entry(
                                "/a/1",
                                "grüße\n\"=\u0001",
                                commit.revision(),
                                commit.revision(),
                                0));
        assertThat(store.get("/a/2")).isEmpty();
    }

    @Test
    void revisionsGrowByTransactionAndKeepTheCreation() {
        long first = put("/k", "1").revision();
        long second = put("/k", "2").revision();
        assertThat(second).isGreaterThan(first);
        Entry entry = store.get("/k").orElseThrow();
        assertThat(entry.createRevision()).isEqualTo(first);
        assertThat(entry.modRevision()).isEqualTo(second);
        store.commit(List.of(), List.of(new Delete("/k")));
        long third = put("/k", "3").revision();
        assertThat(store.get("/k").orElseThrow().createRevision()).isEqualTo(third);
    }

    @Test
    void allWritesOfATransactionShareOneRevision() {
        Commit commit =
                store.commit(List.of(), List.of(new Put("/t/a", "1"), new Put("/t/b", "2")));
        assertThat(store.range("/t/").entries())
                .extracting(Entry::modRevision)
                .containsExactly(commit.revision(), commit.revision());
    }

    @Test
    void absentGuardHoldsOnlyForAMissingKey() {
        assertThat(store.commit(List.of(new Absent("/g")), List.of(new Put("/g", "1"))).applied())
                .isTrue();
        Commit again = store.commit(List.of(new Absent("/g")), List.of(new Put("/g", "2")));
        assertThat(again.applied()).isFalse();
        assertThat(store.get("/g").orElseThrow().value()).isEqualTo("1");
    }

    @Test
    void unchangedGuardRefusesAnOldRevisionAMissingKeyAndARecreatedOne() {
        long first = put("/g", "1").revision();
        long second = put("/g", "2").revision();
        assertThat(guarded(first).applied()).isFalse();
        assertThat(guarded(second).applied()).isTrue();
        store.commit(List.of(), List.of(new Delete("/g")));
        assertThat(guarded(second).applied()).isFalse();
        put("/g", "1");
        assertThat(guarded(second).applied()).isFalse();
    }

    private Commit guarded(long revision) {
        return store.commit(
                List.of(new Unchanged("/g", revision)), List.of(new Put("/other", "x")));
    }

    @Test
    void aFailedGuardWritesNothingAtAll() {
        put("/x/keep", "old");
        Commit commit =
                store.commit(
                        List.of(new Absent("/x/new"), new Absent("/x/keep")),
                        List.of(
                                new Put("/x/new", "1"),
                                new DeletePrefix("/x/keep"),
                                new Delete("/x/keep")));
        assertThat(commit.applied()).isFalse();
        assertThat(store.range("/x/").entries())
                .extracting(Entry::key, Entry::value)
                .containsExactly(org.assertj.core.groups.Tuple.tuple("/x/keep", "old"));
    }

    @Test
    void rangesAreSortedAndBoundedByThePrefix() {
        put("/p/b", "2");
        put("/p/a", "1");
        put("/p", "no");
        put("/p0", "no");
        put("/p/%", "wild");
        put("/p/_", "card");
        put("/q/a", "no");
        assertThat(store.range("/p/").entries())
                .extracting(Entry::key)
                .containsExactly("/p/%", "/p/_", "/p/a", "/p/b");
        assertThat(store.range("/p/_").entries()).extracting(Entry::key).containsExactly("/p/_");
        assertThat(store.range("/none/").entries()).isEmpty();
    }

    @Test
    void deletesAPrefix() {
        put("/d/a", "1");
        put("/d/b/c", "2");
        put("/dd", "3");
        store.commit(List.of(), List.of(new DeletePrefix("/d/")));
        assertThat(store.range("/d").entries()).extracting(Entry::key).containsExactly("/dd");
    }

    @Test
    void concurrentGuardedIncrementsLoseNothing() throws Exception {
        put("/n", "0");
        int threads = 4;
        int perThread = 25;
        AtomicInteger conflicts = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(threads);
        for (int t = 0; t < threads; t++) {
            Thread.ofVirtual()
                    .start(() -> {
                        for (int i = 0; i < perThread; ) {
                            Entry now = store.get("/n").orElseThrow();
                            String next = Integer.toString(Integer.parseInt(now.value()) + 1);
                            if (store.commit(
                                            List.of(new Unchanged("/n", now.modRevision())),
                                            List.of(new Put("/n", next)))
                                    .applied()) {
                                i++;
                            } else {
                                conflicts.incrementAndGet();
                            }
                        }
                        done.countDown();
                    });
        }
        assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(store.get("/n").orElseThrow().value())
                .isEqualTo(Integer.toString(threads * perThread));
    }

    @Test
    void watchReportsChangesInOrderFromTheGivenRevision() throws Exception {
        put("/w/before", "0");
        Range now = store.range("/w/");
        put("/w/a", "1");
        Recorder seen = new Recorder();
        try (MetaStore.Watch watch = store.watch("/w/", now.revision() + 1, seen)) {
            assertThat(watch).isNotNull();
            put("/elsewhere", "x");
            long both =
                    store.commit(List.of(), List.of(new Put("/w/b", "2"), new Delete("/w/before")))
                            .revision();
            List<Change> first = seen.next();
            assertThat(first).extracting(Change::key).containsExactly("/w/a");
            List<Change> second = seen.next();
            assertThat(second)
                    .containsExactlyInAnyOrder(
                            new Change("/w/b", Optional.of("2"), both),
                            new Change("/w/before", Optional.empty(), both));
        }
    }

    @Test
    void aClosedWatchIsSilent() throws Exception {
        Recorder seen = new Recorder();
        store.watch("/w/", store.range("/w/").revision() + 1, seen).close();
        put("/w/a", "1");
        Thread.sleep(200);
        assertThat(seen.batches).isEmpty();
    }

    @Test
    void keysOfALeaseVanishWhenItIsNotKeptAlive() throws Exception {
        long lease = store.grantLease(Duration.ofSeconds(1));
        Recorder seen = new Recorder();
        try (MetaStore.Watch watch = store.watch("/l/", store.range("/l/").revision() + 1, seen)) {
            assertThat(watch).isNotNull();
            assertThat(store.commit(List.of(), List.of(new Put("/l/node", "me", lease))).applied())
                    .isTrue();
            assertThat(store.get("/l/node").orElseThrow().lease()).isEqualTo(lease);
            assertThat(seen.next()).extracting(Change::value).containsExactly(Optional.of("me"));
            assertThat(seen.next()).extracting(Change::value).containsExactly(Optional.empty());
        }
        assertThat(store.get("/l/node")).isEmpty();
        assertThat(store.keepAlive(lease)).isFalse();
    }

    @Test
    void aLeaseThatIsKeptAliveStays() throws Exception {
        long lease = store.grantLease(Duration.ofSeconds(2));
        store.commit(List.of(), List.of(new Put("/l/node", "me", lease)));
        for (int i = 0; i < 6; i++) {
            Thread.sleep(500);
            assertThat(store.keepAlive(lease)).isTrue();
        }
        assertThat(store.get("/l/node")).isPresent();
        store.revokeLease(lease);
        assertThat(store.get("/l/node")).isEmpty();
    }

    @Test
    void contentAndRevisionsSurviveReopening() throws Exception {
        long before = put("/r", "1").revision();
        store.close();
        store = reopen();
        assertThat(store.get("/r").orElseThrow().modRevision()).isEqualTo(before);
        assertThat(put("/r", "2").revision()).isGreaterThan(before);
    }

    private Commit put(String key, String value) {
        return store.commit(List.of(), List.of(new Put(key, value)));
    }

    private static final class Recorder implements MetaStore.Watcher {
        final BlockingQueue<List<Change>> batches = new LinkedBlockingQueue<>();

        @Override
        public void onChanges(List<Change> changes) {
            batches.add(new ArrayList<>(changes));
        }

        @Override
        public void onCompacted() {
            throw new AssertionError("compacted");
        }

        List<Change> next() throws InterruptedException {
            List<Change> batch = batches.poll(WAIT_SECONDS, TimeUnit.SECONDS);
            if (batch == null) {
                throw new AssertionError("no change within " + WAIT_SECONDS + " s");
            }
            return batch;
        }
    }
}
