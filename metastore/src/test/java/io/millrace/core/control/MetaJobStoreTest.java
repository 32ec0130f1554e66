package io.millrace.core.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.control.MetaStore.Op;
import io.millrace.core.control.Records.StateRecord;
import io.millrace.core.engine.JobStore.DdlIntent;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.core.spi.SchemaHistory.Entry;
import io.millrace.metastore.SqliteMetaStore;
import io.millrace.testkit.rows.TestPosition;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job's durable memory on the real store, and the fence around it. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class MetaJobStoreTest {
    private static final JobId ID = new JobId("default", "a");
    private static final long UPSTREAM = 7;

    @TempDir Path dir;

    private SqliteMetaStore store;

    @BeforeEach
    void open() {
        store = SqliteMetaStore.open(dir);
        store.commit(
                List.of(),
                List.of(
                        new Op.Put(
                                Records.stateKey(ID),
                                Records.encode(
                                        new StateRecord(
                                                JobState.NORMAL,
                                                Optional.empty(),
                                                1,
                                                java.time.Instant.EPOCH)))));
    }

    @AfterEach
    void close() {
        store.close();
    }

    private MetaJobStore claim() {
        return MetaJobStore.claim(store, ID, UPSTREAM, TestPosition::decode);
    }

    @Test
    void keepsCheckpointIntentAndRunningMark() {
        MetaJobStore run = claim();
        assertThat(run.checkpoint()).isEmpty();
        assertThat(run.wasRunning()).isFalse();
        run.markRunning();
        run.saveIntent(new DdlIntent(20, "ALTER TABLE t\nADD c INT"));
        Checkpoint first = new Checkpoint(new TestPosition(19, 3), 19);
        run.saveCheckpoint(first);
        MetaJobStore next = claim();
        assertThat(next.epoch()).isEqualTo(run.epoch() + 1);
        assertThat(next.wasRunning()).isTrue();
        assertThat(next.checkpoint()).contains(first);
        assertThat(next.intent()).contains(new DdlIntent(20, "ALTER TABLE t\nADD c INT"));
        next.saveCheckpoint(new Checkpoint(new TestPosition(20, 0), 20));
        assertThat(next.intent()).isEmpty();
        next.markStopped();
        assertThat(next.wasRunning()).isFalse();
    }

    @Test
    void aReplacedRunCanWriteNothingMore() {
        MetaJobStore old = claim();
        old.saveCheckpoint(new Checkpoint(new TestPosition(5, 0), 5));
        MetaJobStore current = claim();
        List<Runnable> writes =
                List.of(
                        () -> old.saveCheckpoint(new Checkpoint(new TestPosition(9, 0), 9)),
                        () -> old.saveIntent(new DdlIntent(9, "x")),
                        old::markRunning,
                        old::markStopped,
                        () -> old.schemaHistory().append(List.of(new Entry(1, "x"))),
                        () -> old.schemaHistory().compact(1, List.of()));
        for (Runnable write : writes) {
            assertThatThrownBy(write::run)
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.FENCED));
        }
        assertThat(current.checkpoint().orElseThrow().resolvedTso()).isEqualTo(5);
        assertThat(current.schemaHistory().load()).isEmpty();
    }

    @Test
    void aRemovedJobCanNeitherBeWrittenNorClaimed() {
        MetaJobStore run = claim();
        store.commit(
                List.of(),
                List.of(
                        new Op.DeletePrefix(Records.jobPrefix(ID)),
                        new Op.DeletePrefix(Records.runPrefix(ID))));
        assertThatThrownBy(run::markStopped).hasMessageContaining("refused");
        assertThatThrownBy(this::claim).hasMessageContaining("was removed");
        assertThat(store.range(Records.runPrefix(ID)).entries()).isEmpty();
    }

    @Test
    void schemaHistoryKeepsItsOrderOverRestartsAndCompaction() {
        SchemaHistory history = claim().schemaHistory();
        history.append(List.of(new Entry(1, "a"), new Entry(2, "b=\\n")));
        history = claim().schemaHistory();
        history.append(List.of(new Entry(3, "c"), new Entry(4, "d")));
        assertThat(history.load())
                .extracting(Entry::document)
                .containsExactly("a", "b=\\n", "c", "d");
        history.compact(3, List.of(new Entry(3, "snapshot")));
        history.append(List.of(new Entry(5, "e")));
        assertThat(claim().schemaHistory().load())
                .extracting(Entry::document)
                .containsExactly("snapshot", "d", "e");
    }

    @Test
    void tableIdsAreUniqueAcrossJobsAndRestartsOfAnUpstream() {
        Set<Long> ids = new HashSet<>();
        SchemaHistory first = claim().schemaHistory();
        SchemaHistory second = claim().schemaHistory();
        for (int i = 0; i < 200; i++) {
            assertThat(ids.add(first.newTableId())).isTrue();
            assertThat(ids.add(second.newTableId())).isTrue();
        }
        assertThat(ids).doesNotContain(0L).allMatch(id -> id > 0);
    }
}
