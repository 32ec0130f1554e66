package io.millrace.connect.host.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.connect.host.Activity;
import io.millrace.connect.host.runtime.ProgressRule.Look;
import io.millrace.connect.host.runtime.ProgressRule.Source;
import io.millrace.connect.host.runtime.ProgressRule.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProgressRuleTest {
    private static final Source STREAMING = new Source(true, 10, 40, false, 0, 0);
    private static final Source CUT_OFF = new Source(false, 10, 40, false, 0, 0);

    private final ProgressRule rule = new ProgressRule(Duration.ofSeconds(30));
    private long written;
    private long waiting;

    private Verdict see(long second, Source source) {
        return see(second, true, Optional.of(source));
    }

    private Verdict see(long second, boolean reports, Optional<Source> source) {
        return rule.observe(
                new Look(
                        1_000_000 + second * 1000,
                        "RUNNING",
                        List.of("RUNNING"),
                        true,
                        written,
                        waiting,
                        reports,
                        source));
    }

    private Verdict told(String state, boolean local, String... tasks) {
        return rule.observe(
                new Look(0, state, List.of(tasks), local, 0, 0, true, Optional.of(STREAMING)));
    }

    @Test
    void whatConnectSaysComesFirst() {
        assertThat(told("PAUSED", true, "PAUSED").activity()).isEqualTo(Activity.PAUSED);
        assertThat(told("PAUSED", true, "FAILED").activity()).isEqualTo(Activity.PAUSED);
        assertThat(told("STOPPED", true).activity()).isEqualTo(Activity.STOPPED);
        assertThat(told("FAILED", true, "RUNNING").activity()).isEqualTo(Activity.FAILED);
        assertThat(told("RUNNING", true, "RUNNING", "FAILED").activity())
                .isEqualTo(Activity.FAILED);
        assertThat(told("RUNNING", true, "UNASSIGNED", "FAILED").activity())
                .isEqualTo(Activity.FAILED);
        assertThat(told("UNASSIGNED", true).activity()).isEqualTo(Activity.UNASSIGNED);
        assertThat(told("UNASSIGNED", true, "UNASSIGNED").activity())
                .isEqualTo(Activity.UNASSIGNED);
        assertThat(told("UNASSIGNED", true, "RUNNING").activity())
                .as("an old note of a worker that lost it")
                .isEqualTo(Activity.IDLE);
        assertThat(told("RUNNING", true, "UNASSIGNED").activity()).isEqualTo(Activity.UNASSIGNED);
        assertThat(told("RUNNING", true, "RESTARTING").activity()).isEqualTo(Activity.RESTARTING);
        assertThat(told("RUNNING", false, "RUNNING")).isEqualTo(Verdict.of(Activity.RUNNING));
    }

    @Test
    void recordsWrittenAreMovementUntilTheWindowHasPassed() {
        written = 500;
        assertThat(see(0, STREAMING).activity())
                .as("records of a past that nobody saw")
                .isEqualTo(Activity.IDLE);
        written = 600;
        Verdict moving = see(1, STREAMING);
        assertThat(moving.activity()).isEqualTo(Activity.MOVING);
        assertThat(moving.recordsPerSecond()).hasValue(100);
        assertThat(moving.lagMs()).hasValue(40);
        assertThat(see(11, STREAMING).activity()).isEqualTo(Activity.MOVING);
        Verdict idle = see(12, STREAMING);
        assertThat(idle.activity()).isEqualTo(Activity.IDLE);
        assertThat(idle.recordsPerSecond()).hasValue(0);
        assertThat(idle.lagMs()).as("nothing is missing").hasValue(0);
    }

    @Test
    void aTaskThatCountsFromZeroAgainMovesOnlyWhenItWrites() {
        written = 500;
        see(0, STREAMING);
        written = 0;
        Verdict again = see(1, STREAMING);
        assertThat(again.activity()).isEqualTo(Activity.IDLE);
        assertThat(again.recordsPerSecond()).isEmpty();
        written = 7;
        assertThat(see(2, STREAMING).recordsPerSecond()).hasValue(7);
    }

    @Test
    void withoutAConnectionItIsStalledAndTheLagGrows() {
        see(0, STREAMING);
        assertThat(see(1, CUT_OFF).activity()).isEqualTo(Activity.IDLE);
        assertThat(see(29, CUT_OFF).activity()).isEqualTo(Activity.IDLE);
        Verdict stalled = see(30, CUT_OFF);
        assertThat(stalled.activity()).isEqualTo(Activity.STALLED);
        assertThat(stalled.detail()).isEqualTo("no connection to the database for 30 s");
        assertThat(stalled.lagMs()).hasValue(30_040);
        assertThat(see(45, CUT_OFF).lagMs()).hasValue(45_040);
        assertThat(see(46, STREAMING).activity()).isEqualTo(Activity.IDLE);
    }

    @Test
    void recordsThatNobodyTakesAreAStall() {
        see(0, STREAMING);
        waiting = 12;
        assertThat(see(3600, STREAMING).activity())
                .as("the quiet hour before does not count")
                .isEqualTo(Activity.IDLE);
        assertThat(see(3628, STREAMING).activity()).isEqualTo(Activity.IDLE);
        written = 1;
        assertThat(see(3629, STREAMING).activity()).isEqualTo(Activity.MOVING);
        assertThat(see(3658, STREAMING).activity()).isEqualTo(Activity.IDLE);
        Verdict stalled = see(3659, STREAMING);
        assertThat(stalled.activity()).isEqualTo(Activity.STALLED);
        assertThat(stalled.detail())
                .isEqualTo("12 records wait for being written, none was for 30 s");
    }

    @Test
    void aSnapshotNeedsNoConnectionForChangesButRows() {
        assertThat(see(0, new Source(false, 0, -1, true, 0, 3)).activity())
                .isEqualTo(Activity.SNAPSHOT);
        Verdict later = see(40, new Source(false, 0, -1, true, 900, 2));
        assertThat(later.activity()).isEqualTo(Activity.SNAPSHOT);
        assertThat(later.detail()).isEqualTo("900 rows read, 2 tables to do");
        assertThat(see(69, new Source(false, 0, -1, true, 900, 2)).activity())
                .isEqualTo(Activity.SNAPSHOT);
        Verdict stalled = see(70, new Source(false, 0, -1, true, 900, 2));
        assertThat(stalled.activity()).isEqualTo(Activity.STALLED);
        assertThat(stalled.detail()).isEqualTo("the snapshot has read no row for 30 s");
        assertThat(see(71, new Source(false, 0, -1, false, 900, 0)).activity())
                .as("between the snapshot and the first connection")
                .isEqualTo(Activity.STARTING);
    }

    @Test
    void aConnectorThatShouldTellWhatItDoesAndDoesNotIsStalledInTheEnd() {
        assertThat(see(0, true, Optional.empty()).activity()).isEqualTo(Activity.STARTING);
        assertThat(see(29, true, Optional.empty()).activity()).isEqualTo(Activity.STARTING);
        assertThat(see(30, true, Optional.empty()).activity()).isEqualTo(Activity.STALLED);
    }

    @Test
    void aConnectorThatWritesIsNotStalledForNotTelling() {
        see(0, true, Optional.empty());
        written = 5;
        assertThat(see(40, true, Optional.empty()).activity()).isEqualTo(Activity.MOVING);
        assertThat(see(50, true, Optional.empty()).activity()).isEqualTo(Activity.MOVING);
        assertThat(see(51, true, Optional.empty()).activity()).isEqualTo(Activity.STALLED);
    }

    private Verdict withoutTasks(long second, boolean reports) {
        return rule.observe(
                new Look(
                        1_000_000 + second * 1000,
                        "RUNNING",
                        List.of(),
                        true,
                        written,
                        0,
                        reports,
                        Optional.empty()));
    }

    @Test
    void runningWithoutATaskIsAStartThatMayNeverEnd() {
        for (boolean reports : new boolean[] {true, false}) {
            told("STOPPED", true);
            assertThat(withoutTasks(0, reports).activity()).isEqualTo(Activity.STARTING);
            assertThat(withoutTasks(29, reports).activity()).isEqualTo(Activity.STARTING);
            Verdict stalled = withoutTasks(30, reports);
            assertThat(stalled.activity()).isEqualTo(Activity.STALLED);
            assertThat(stalled.detail()).isEqualTo("it has had no task for 30 s");
        }
    }

    @Test
    void theFirstTaskIsGivenItsTimeAndItsRecordsCount() {
        withoutTasks(0, true);
        assertThat(see(100, true, Optional.empty()).activity()).isEqualTo(Activity.STARTING);
        assertThat(see(129, CUT_OFF).activity()).isEqualTo(Activity.STARTING);
        assertThat(see(130, CUT_OFF).activity()).isEqualTo(Activity.STALLED);
        told("STOPPED", true);
        withoutTasks(200, true);
        written = 3;
        assertThat(see(201, STREAMING).activity())
                .as("written before the first look at the task")
                .isEqualTo(Activity.MOVING);
        assertThat(withoutTasks(300, true).activity()).isEqualTo(Activity.STALLED);
    }

    @Test
    void whatIsMissingIsNotKnownWithoutAConnectionNorWhileRecordsWait() {
        assertThat(see(0, STREAMING).lagMs()).hasValue(0);
        assertThat(see(1, CUT_OFF).lagMs()).isEmpty();
        waiting = 2;
        assertThat(see(2, STREAMING).activity()).isEqualTo(Activity.IDLE);
        assertThat(see(3, STREAMING).lagMs()).isEmpty();
        waiting = 0;
        assertThat(see(4, STREAMING).lagMs()).hasValue(0);
    }

    @Test
    void ofOthersOnlyRecordsTell() {
        assertThat(see(0, false, Optional.empty()).activity()).isEqualTo(Activity.IDLE);
        written = 5;
        Verdict moving = see(1, false, Optional.empty());
        assertThat(moving.activity()).isEqualTo(Activity.MOVING);
        assertThat(moving.lagMs()).isEmpty();
        assertThat(see(3600, false, Optional.empty()).activity()).isEqualTo(Activity.IDLE);
    }

    @Test
    void aStartAfterAPauseIsGivenItsTimeAgain() {
        see(0, CUT_OFF);
        told("PAUSED", true, "PAUSED");
        assertThat(see(100, CUT_OFF).activity()).isEqualTo(Activity.STARTING);
        assertThat(see(130, CUT_OFF).activity()).isEqualTo(Activity.STALLED);
    }
}
