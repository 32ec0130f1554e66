package io.millrace.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.engine.Fixtures.Batches;
import io.millrace.core.model.RowBatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class IntakeTest {
    private final Batches batches = new Batches();

    private static RowBatch poll(Intake intake) {
        return (RowBatch) java.util.Objects.requireNonNull(intake.poll());
    }

    @Test
    void batchesCountUntilTheirLastReferenceIsDropped() {
        Intake intake = new Intake(new MemoryBudget(250));
        assertThat(intake.tryEmit(batches.last(1, 1))).isTrue();
        assertThat(intake.tryEmit(batches.last(2, 2))).isTrue();
        RowBatch third = batches.last(3, 3);
        assertThat(intake.tryEmit(third)).isFalse();
        RowBatch first = poll(intake);
        first.retain();
        first.release();
        assertThat(intake.tryEmit(third)).as("one reference is left").isFalse();
        first.release();
        assertThat(intake.tryEmit(third)).isTrue();
        assertThat(intake.budget().used()).isEqualTo(200);
    }

    @Test
    void batchLargerThanTheQuotaPassesAlone() {
        Intake intake = new Intake(new MemoryBudget(10));
        assertThat(intake.tryEmit(batches.last(1, 1))).isTrue();
        assertThat(intake.tryEmit(batches.last(2, 2))).isFalse();
        poll(intake).release();
        assertThat(intake.tryEmit(batches.last(2, 2))).isTrue();
    }

    @Test
    void fullRingTakesNoMemory() {
        Intake intake = new Intake(new Ring<>(1), new MemoryBudget(1000), new Parker());
        assertThat(intake.tryEmit(batches.last(1, 1))).isTrue();
        assertThat(intake.tryEmit(batches.last(2, 2))).isFalse();
        assertThat(intake.budget().used()).isEqualTo(100);
    }

    @Test
    void emitWaitsForRoom() throws InterruptedException {
        Intake intake = new Intake(new MemoryBudget(100));
        intake.emit(batches.last(1, 1));
        AtomicBoolean passed = new AtomicBoolean();
        Thread producer =
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                intake.emit(batches.last(2, 2));
                                passed.set(true);
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        });
        Thread.sleep(30);
        assertThat(passed).isFalse();
        poll(intake).release();
        producer.join();
        assertThat(passed).isTrue();
    }

    @Test
    void closingUnblocksAndReleases() throws InterruptedException {
        Intake intake = new Intake(new MemoryBudget(100));
        intake.emit(batches.last(1, 1));
        AtomicBoolean gaveUp = new AtomicBoolean();
        Thread producer =
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                intake.emit(batches.last(2, 2));
                            } catch (InterruptedException e) {
                                gaveUp.set(true);
                            }
                        });
        Thread.sleep(20);
        intake.close();
        producer.join();
        assertThat(gaveUp).isTrue();
        intake.discard();
        assertThat(batches.open).hasValue(0);
        assertThat(intake.budget().used()).isZero();
        assertThatThrownBy(() -> intake.emit(batches.last(3, 3)))
                .isInstanceOf(InterruptedException.class);
        assertThat(batches.open).hasValue(0);
    }
}
