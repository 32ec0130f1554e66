package io.millrace.core.engine;

import static io.millrace.core.engine.Fixtures.ORDERS;
import static io.millrace.core.engine.Fixtures.at;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.engine.Fixtures.Batches;
import io.millrace.core.engine.Fixtures.HandSink;
import io.millrace.core.engine.Fixtures.MemoryStore;
import io.millrace.core.engine.JobStore.DdlIntent;
import io.millrace.core.engine.SyntheticUpstream.Feed;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.EventFilters;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.ResolvedMark;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SchemaChange.Change;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PipelineTest {
    private final Batches batches = new Batches();
    private final MemoryStore store = new MemoryStore();
    private final Intake intake = new Intake(new MemoryBudget(1 << 20));
    private final TestSinks sinks = new TestSinks(store.writes);
    private long now;
    private final Feed feed = out -> {};

    private final JobMetrics metrics = new JobMetrics();

    private Pipeline open(long targetTso) {
        return open(
                Fixtures.plan(
                        feed,
                        sinks,
                        "hand://x",
                        TableFilters.parse(List.of("shop.*", "!shop.old*"), true),
                        targetTso,
                        store));
    }

    private Pipeline open(JobRunner.Plan plan) {
        return new Pipeline(plan, intake, () -> now, AckLedger::new, checkpoint -> {});
    }

    /** A job that counts its rows by table, or not. */
    private Pipeline counting(boolean byTable) {
        SinkSpec spec = SinkSpec.of("hand://x");
        return open(
                new JobRunner.Plan(
                        "default/test",
                        new SyntheticUpstream(feed),
                        sinks,
                        new SinkSpec(
                                spec.uri(),
                                byTable ? Map.of("enable-table-monitor", "true") : Map.of(),
                                List.of(),
                                true,
                                false,
                                "UTC"),
                        TableFilters.parse(List.of("shop.*"), true),
                        EventFilters.NONE,
                        5,
                        0,
                        1 << 20,
                        store,
                        "127.0.0.1:1",
                        "UTC",
                        metrics));
    }

    private HandSink sink() {
        return sinks.opened();
    }

    private static SchemaChange ddl(long tso, long offset, Change... parts) {
        return new SchemaChange(tso, at(offset), "ddl", "shop", List.of(parts));
    }

    private static Change change(
            DdlKind kind,
            String name,
            @Nullable String newName,
            @Nullable TableSchema before,
            @Nullable TableSchema after) {
        return new Change(
                kind,
                new TableName("shop", name),
                Optional.ofNullable(newName).map(n -> new TableName("shop", n)),
                Optional.ofNullable(before),
                Optional.ofNullable(after),
                "ddl");
    }

    private static Change alter() {
        return change(DdlKind.ADD_COLUMN, "orders", null, ORDERS, ORDERS);
    }

    @Test
    void theSinkSaysInWhichZoneTimestampsAreShown() {
        Pipeline pipeline = open(0);
        assertThat(pipeline.captureRequest().timeZone()).isEqualTo("+05:30");
        pipeline.close();
    }

    @Test
    void theSinkMayAskWhichTablesAreReplicated() {
        Pipeline pipeline = open(0);
        assertThat(sinks.context().tables().get())
                .as("neither excluded nor without a key")
                .containsExactly(ORDERS.name());
        pipeline.close();
    }

    @Test
    void ddlWaitsIsRecordedAppliedAndRecordedAgain() {
        Pipeline pipeline = open(0);
        intake.tryEmit(batches.last(10, 1));
        intake.tryEmit(ddl(11, 2, alter()));
        intake.tryEmit(batches.last(12, 3));
        pipeline.doWork();
        pipeline.doWork();
        assertThat(store.writes).containsExactly("rows 0@10");
        assertThat(pipeline.progress(Set.of()).ddlUnderWay()).isFalse();
        sink().acks.ack(0);
        pipeline.doWork();
        assertThat(pipeline.progress(Set.of()).ddlUnderWay()).isTrue();
        assertThat(store.writes)
                .containsExactly(
                        "rows 0@10",
                        "checkpoint 1/10",
                        "resolved 10",
                        "intent 11",
                        "ddl 1@11 parts 1");
        store.writes.clear();
        pipeline.doWork();
        assertThat(store.writes).as("rows wait for the DDL").isEmpty();
        sink().acks.ack(1);
        pipeline.doWork();
        assertThat(store.writes).startsWith("resolved 11", "checkpoint 2/11", "rows 2@12");
        assertThat(store.intent).isEmpty();
        assertThat(pipeline.progress(Set.of()).ddlUnderWay()).isFalse();
        pipeline.close();
    }

    @Test
    void ddlWithAnIntentLeftBehindIsReplayed() {
        store.intent = Optional.of(new DdlIntent(11, "ddl"));
        Pipeline pipeline = open(0);
        intake.tryEmit(ddl(11, 2, alter()));
        pipeline.doWork();
        assertThat(store.writes).containsExactly("ddl 0@11 parts 1 replayed");
        pipeline.close();
    }

    @Test
    void onlyPartsThatPassAreDelivered() {
        Pipeline pipeline = open(0);
        TableSchema keyless = Fixtures.table(3, "shop", "log", false);
        intake.tryEmit(
                ddl(
                        11,
                        1,
                        change(DdlKind.DROP_TABLE, "old_orders", null, ORDERS, null),
                        change(DdlKind.DROP_TABLE, "orders", null, ORDERS, null),
                        change(DdlKind.CREATE_TABLE, "log", null, null, keyless)));
        intake.tryEmit(ddl(12, 2, change(DdlKind.CREATE_TABLE, "log", null, null, keyless)));
        pipeline.doWork();
        assertThat(store.writes).containsExactly("intent 11", "ddl 0@11 parts 1");
        sink().acks.ack(0);
        pipeline.doWork();
        pipeline.doWork();
        assertThat(store.checkpoint).contains(new Checkpoint(at(1), 11));
        now += CheckpointWriter.INTERVAL_NANOS;
        pipeline.doWork();
        assertThat(store.checkpoint).contains(new Checkpoint(at(2), 12));
        pipeline.close();
    }

    @Test
    void renameIntoTheFilterFails() {
        Pipeline pipeline = open(0);
        intake.tryEmit(ddl(11, 1, change(DdlKind.RENAME_TABLE, "old_x", "orders", ORDERS, ORDERS)));
        assertThatThrownBy(pipeline::doWork)
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.RENAME_INTO_FILTER));
        pipeline.close();
    }

    @Test
    void renameOutOfTheFilterIsDelivered() {
        Pipeline pipeline = open(0);
        intake.tryEmit(
                ddl(11, 1, change(DdlKind.RENAME_TABLE, "orders", "old_orders", ORDERS, ORDERS)));
        pipeline.doWork();
        assertThat(store.writes).contains("ddl 0@11 parts 1");
        pipeline.close();
    }

    @Test
    void losingTheLastKeyFails() {
        Pipeline pipeline = open(0);
        TableSchema keyless = ORDERS.with(2, ORDERS.name(), ORDERS.columns(), List.of());
        intake.tryEmit(
                ddl(11, 1, change(DdlKind.DROP_PRIMARY_KEY, "orders", null, ORDERS, keyless)));
        assertThatThrownBy(pipeline::doWork)
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.TABLE_INELIGIBLE))
                .hasMessageContaining("force-replicate=true");
        pipeline.close();
    }

    @Test
    void skippedRowsMoveThePositionAndEndTheTransaction() {
        Pipeline pipeline = open(0);
        intake.tryEmit(batches.of(ORDERS, 10, 1, false));
        intake.tryEmit(batches.of(Fixtures.table(3, "shop", "log", false), 10, 2, true));
        intake.tryEmit(batches.of(Fixtures.table(4, "bank", "t", true), 11, 3, true));
        pipeline.doWork();
        assertThat(store.writes).containsExactly("rows 0@10", "ended 10");
        assertThat(batches.open).hasValue(1);
        sink().acks.ack(0);
        pipeline.doWork();
        assertThat(store.checkpoint).contains(new Checkpoint(at(3), 11));
        pipeline.close();
    }

    @Test
    void clockMarkIsDurableBeforeAnyoneHearsOfItOrRowsPass() {
        Pipeline pipeline = open(0);
        intake.tryEmit(batches.last(10, 1));
        pipeline.doWork();
        intake.tryEmit(new ResolvedMark(20, at(2), true));
        intake.tryEmit(batches.last(21, 3));
        pipeline.doWork();
        assertThat(store.writes).containsExactly("rows 0@10");
        sink().acks.ack(0);
        pipeline.doWork();
        assertThat(store.writes)
                .containsExactly("rows 0@10", "checkpoint 2/20", "resolved 20", "rows 1@21");
        pipeline.close();
    }

    @Test
    void refusedBatchIsOfferedAgainUnderTheSameSeq() {
        Pipeline pipeline = open(0);
        sink().full = true;
        intake.tryEmit(batches.last(10, 1));
        pipeline.doWork();
        pipeline.doWork();
        sink().full = false;
        pipeline.doWork();
        assertThat(store.writes).containsExactly("rows 0@10");
        pipeline.close();
    }

    @Test
    void checkpointsAreSavedOnlyNowAndThen() {
        Pipeline pipeline = open(0);
        for (int i = 0; i < 5; i++) {
            intake.tryEmit(batches.last(10 + i, i));
            pipeline.doWork();
            sink().acks.ack(i);
            pipeline.doWork();
        }
        assertThat(store.writes.stream().filter(w -> w.startsWith("checkpoint"))).hasSize(1);
        now += CheckpointWriter.INTERVAL_NANOS;
        pipeline.doWork();
        assertThat(store.checkpoint).contains(new Checkpoint(at(4), 14));
        pipeline.close();
    }

    @Test
    void targetEndsTheRunWithTheTargetAsCheckpoint() {
        Pipeline pipeline = open(15);
        intake.tryEmit(batches.last(10, 1));
        intake.tryEmit(batches.last(16, 2));
        pipeline.doWork();
        pipeline.doWork();
        assertThat(pipeline.state()).isEqualTo(Pipeline.State.RUNNING);
        sink().acks.ack(0);
        pipeline.doWork();
        assertThat(pipeline.state()).isEqualTo(Pipeline.State.FINISHED);
        assertThat(store.checkpoint).contains(new Checkpoint(at(1), 15));
        assertThat(store.running).isFalse();
        pipeline.close();
        assertThat(batches.open).hasValue(0);
    }

    @Test
    void failureReleasesEverythingAndKeepsWhatIsAcked() {
        Pipeline pipeline = open(0);
        for (int i = 0; i < 4; i++) {
            intake.tryEmit(batches.last(10 + i, i));
        }
        pipeline.doWork();
        sink().full = true;
        intake.tryEmit(batches.last(20, 9));
        intake.tryEmit(batches.last(21, 10));
        pipeline.doWork();
        sink().acks.ack(0);
        sink().batches.remove(0).release();
        sink().acks.fail(new MillraceException(ErrorCode.SINK_DATA, "duplicate key"));
        assertThatThrownBy(pipeline::doWork).hasMessage("duplicate key");
        pipeline.saveProgress();
        pipeline.close();
        assertThat(store.checkpoint).contains(new Checkpoint(at(0), 10));
        assertThat(batches.open).hasValue(0);
        assertThat(pipeline.progress(Set.of()).bufferedBytes()).isZero();
        assertThat(store.running).as("rows may be downstream beyond the checkpoint").isTrue();
    }

    @Test
    void storeFailureEndsTheRun() {
        Pipeline pipeline = open(0);
        store.failure =
                Optional.of(new MillraceException(ErrorCode.METASTORE_UNAVAILABLE, "disk full"));
        intake.tryEmit(new ResolvedMark(20, at(2), false));
        pipeline.doWork();
        assertThatThrownBy(pipeline::doWork).hasMessage("disk full");
        pipeline.close();
    }

    @Test
    void stopDrainsSavesAndMarks() {
        Pipeline pipeline = open(0);
        intake.tryEmit(batches.last(10, 1));
        pipeline.doWork();
        intake.tryEmit(batches.last(11, 2));
        pipeline.requestStop();
        pipeline.doWork();
        assertThat(pipeline.state()).isEqualTo(Pipeline.State.STOPPING);
        sink().acks.ack(0);
        pipeline.doWork();
        assertThat(pipeline.state()).isEqualTo(Pipeline.State.STOPPED);
        assertThat(store.checkpoint).contains(new Checkpoint(at(1), 10));
        assertThat(store.running).isFalse();
        pipeline.close();
        assertThat(batches.open).hasValue(0);
    }

    @Test
    void stopDoesNotWaitForEver() {
        Pipeline pipeline = open(0);
        intake.tryEmit(batches.last(10, 1));
        pipeline.doWork();
        pipeline.requestStop();
        pipeline.doWork();
        now += Pipeline.DRAIN_QUIET_NANOS;
        pipeline.doWork();
        assertThat(pipeline.state()).isEqualTo(Pipeline.State.STOPPED);
        assertThat(store.running).as("the end was not clean").isTrue();
        pipeline.close();
    }

    @Test
    void stopDoesNotWaitForASinkThatIsHeldUp() {
        Pipeline pipeline = open(0);
        intake.tryEmit(batches.last(10, 1));
        pipeline.doWork();
        sink().heldUp = true;
        pipeline.requestStop();
        pipeline.doWork();
        assertThat(pipeline.state()).isEqualTo(Pipeline.State.STOPPED);
        assertThat(store.running).as("the end was not clean").isTrue();
        pipeline.close();
    }

    @Test
    void troubleIsThereUntilTheSinkGoesOn() {
        Pipeline pipeline = open(0);
        assertThat(pipeline.trouble()).isEmpty();
        MillraceException why = new MillraceException(ErrorCode.SINK_CONNECTION, "no answer");
        sink().acks.troubled(why);
        assertThat(pipeline.trouble()).containsSame(why);
        pipeline.doWork();
        assertThat(pipeline.state()).isEqualTo(Pipeline.State.RUNNING);
        sink().acks.goingOn();
        assertThat(pipeline.trouble()).isEmpty();
        pipeline.close();
    }

    @Test
    void rowsAreCountedByTableWhenAsked() {
        for (boolean asked : new boolean[] {false, true}) {
            Pipeline pipeline = counting(asked);
            RowBatch batch = batches.last(10, asked ? 2 : 1);
            TableName table = batch.schema().name();
            int rows = batch.rowCount();
            intake.tryEmit(batch);
            pipeline.doWork();
            if (asked) {
                JobMetrics.TableCounts counts = Objects.requireNonNull(metrics.tables().get(table));
                assertThat(counts.rows()).isEqualTo(rows);
                assertThat(counts.commitTso()).isEqualTo(10);
            } else {
                assertThat(metrics.tables()).isEmpty();
            }
            sink().close();
        }
    }

    @Test
    void theSinkIsToldTheTablesOnceAndBeforeAnythingElse() {
        Pipeline pipeline = open(0);
        TableSchema keyless =
                new TableSchema(
                        9, 1, new TableName("shop", "keyless"), ORDERS.columns(), List.of());
        intake.tryEmit(batches.last(10, 1));
        pipeline.tell(List.of(ORDERS, keyless));
        pipeline.doWork();
        pipeline.doWork();
        assertThat(store.writes).containsExactly("tables [" + ORDERS.name() + "]", "rows 0@10");
        pipeline.close();
    }
}
