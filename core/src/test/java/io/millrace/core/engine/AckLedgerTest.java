package io.millrace.core.engine;

import static io.millrace.core.engine.Fixtures.ORDERS;
import static io.millrace.core.engine.Fixtures.at;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.engine.Fixtures.Batches;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class AckLedgerTest {
    private final Batches batches = new Batches();
    private final AckLedger ledger = new AckLedger(Optional.empty(), 5);

    private long append(long tso, long offset, boolean last) {
        return ledger.append(batches.of(ORDERS, tso, offset, last));
    }

    private static Optional<Checkpoint> checkpoint(long offset, long tso) {
        return Optional.of(new Checkpoint(at(offset), tso));
    }

    @Test
    void nothingIsCommittableAtFirst() {
        assertThat(ledger.advance()).isZero();
        assertThat(ledger.checkpoint()).isEmpty();
        assertThat(ledger.resolvedTso()).isEqualTo(5);
    }

    @Test
    void goesOnFromACheckpoint() {
        AckLedger resumed = new AckLedger(checkpoint(40, 30), 5);
        assertThat(resumed.checkpoint()).isEqualTo(checkpoint(40, 30));
        assertThat(resumed.resolvedTso()).isEqualTo(30);
    }

    @Test
    void seqIsDense() {
        assertThat(append(10, 1, true)).isEqualTo(0);
        ledger.pass(at(2), 11, true);
        assertThat(append(12, 3, true)).isEqualTo(1);
    }

    @Test
    void commitsOnlyTheAckedPrefix() {
        long a = append(10, 1, true);
        long b = append(11, 2, true);
        long c = append(12, 3, true);
        ledger.ack(b);
        assertThat(ledger.advance()).isZero();
        assertThat(ledger.checkpoint()).isEmpty();
        ledger.ack(a);
        assertThat(ledger.advance()).isEqualTo(2);
        assertThat(ledger.checkpoint()).isEqualTo(checkpoint(2, 11));
        assertThat(ledger.inFlight()).isEqualTo(1);
        ledger.ack(c);
        assertThat(ledger.advance()).isEqualTo(1);
        assertThat(ledger.checkpoint()).isEqualTo(checkpoint(3, 12));
        assertThat(ledger.inFlight()).isZero();
    }

    @Test
    void resolvedMovesOnlyWhereATransactionEnds() {
        long a = append(10, 1, false);
        long b = append(10, 2, true);
        long c = append(11, 3, false);
        ledger.ack(a);
        ledger.advance();
        assertThat(ledger.checkpoint()).isEqualTo(checkpoint(1, 5));
        ledger.ack(c);
        ledger.ack(b);
        ledger.advance();
        assertThat(ledger.checkpoint()).isEqualTo(checkpoint(3, 10));
    }

    @Test
    void whatNeedsNoDeliveryCountsOnceAllBeforeItIsAcked() {
        ledger.pass(at(1), 8, true);
        assertThat(ledger.checkpoint()).isEqualTo(checkpoint(1, 8));
        long a = append(10, 2, true);
        ledger.pass(at(3), 11, true);
        ledger.pass(at(4), 12, false);
        assertThat(ledger.checkpoint()).isEqualTo(checkpoint(1, 8));
        ledger.ack(a);
        ledger.advance();
        assertThat(ledger.checkpoint()).isEqualTo(checkpoint(4, 11));
    }

    @Test
    void skippedEndOfATransactionResolvesIt() {
        long a = append(10, 1, false);
        ledger.pass(at(2), 10, true);
        ledger.ack(a);
        ledger.advance();
        assertThat(ledger.checkpoint()).isEqualTo(checkpoint(2, 10));
    }

    @Test
    void secondAckIsADefectOfTheSink() {
        long a = append(10, 1, true);
        ledger.ack(a);
        assertThat(ledger.failure()).isEmpty();
        ledger.ack(a);
        assertThat(ledger.failure().orElseThrow().code()).isEqualTo(ErrorCode.INTERNAL);
    }

    @Test
    void ackOfWhatWasNeverOfferedIsADefect() {
        ledger.ack(0);
        assertThat(ledger.failure()).isPresent();
        assertThat(append(10, 1, true)).isZero();
        assertThat(ledger.advance()).isZero();
    }

    @Test
    void staleAckCannotHitALaterEntryOfTheSameSlot() {
        AckLedger small = new AckLedger(Optional.empty(), 0, 2);
        for (int i = 0; i < 2; i++) {
            small.ack(small.append(batches.last(10 + i, i)));
        }
        small.advance();
        small.append(batches.last(12, 2));
        small.ack(0);
        assertThat(small.advance()).isZero();
        assertThat(small.failure()).isPresent();
    }

    @Test
    void onlyTheFirstFailureCounts() {
        ledger.fail(new MillraceException(ErrorCode.SINK_DATA, "first"));
        ledger.fail(new MillraceException(ErrorCode.SINK_CONNECTION, "second"));
        assertThat(ledger.failure().orElseThrow()).hasMessage("first");
    }

    @Test
    void windowIsBounded() {
        AckLedger small = new AckLedger(Optional.empty(), 0, 2);
        small.append(batches.last(10, 1));
        long b = small.append(batches.last(11, 2));
        assertThat(small.hasRoom()).isFalse();
        assertThatThrownBy(() -> small.append(batches.last(12, 3)))
                .isInstanceOf(IllegalStateException.class);
        small.ack(b);
        small.advance();
        assertThat(small.hasRoom()).as("the oldest still blocks").isFalse();
        small.ack(0);
        small.advance();
        assertThat(small.hasRoom()).isTrue();
    }

    @Test
    void resolvingBeyondTheLastEventNeedsAllAcks() {
        append(10, 1, true);
        assertThatThrownBy(() -> ledger.resolveAllUpTo(20))
                .isInstanceOf(IllegalStateException.class);
        ledger.ack(0);
        ledger.advance();
        ledger.resolveAllUpTo(20);
        assertThat(ledger.checkpoint()).isEqualTo(checkpoint(1, 20));
    }

    @Test
    @Timeout(60)
    void acksFromManyThreadsInAnyOrderAddUp() throws InterruptedException {
        int rounds = 60;
        int perRound = 1000;
        Random random = new Random(7);
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            long expected = 0;
            for (int round = 0; round < rounds; round++) {
                List<Long> seqs = new ArrayList<>();
                for (int i = 0; i < perRound; i++) {
                    expected++;
                    seqs.add(append(10 + expected, expected, true));
                }
                Collections.shuffle(seqs, random);
                for (int part = 0; part < 4; part++) {
                    List<Long> mine = seqs.subList(part * perRound / 4, (part + 1) * perRound / 4);
                    threads.execute(() -> mine.forEach(ledger::ack));
                }
                while (ledger.inFlight() > 0) {
                    ledger.advance();
                }
                assertThat(ledger.checkpoint()).isEqualTo(checkpoint(expected, 10 + expected));
            }
            threads.shutdown();
            assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(ledger.failure()).isEmpty();
    }
}
