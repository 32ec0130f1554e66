package io.millrace.testkit.sim;

import io.millrace.core.engine.AckLedger;
import io.millrace.core.engine.Pipeline.LedgerFactory;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.RowBatch;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.ForwardingSink;
import io.millrace.core.spi.Sink;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Defects put in on purpose, to show that the checks see them. */
public enum Mutation {
    NONE,
    /** The ledger takes some events for acked that are not: the checkpoint advances early. */
    EARLY_CHECKPOINT,
    /** The ledger never hears of one ack. */
    DROPPED_ACK,
    /** A batch is acked but never handed to the sink. */
    DROPPED_ROWS,
    /** Two batches that follow each other change places. */
    REORDERED_ROWS;

    /** One event in so many is hit. */
    private static final int ONE_IN = 20;

    LedgerFactory ledgers(SplittableRandom random) {
        return switch (this) {
            case EARLY_CHECKPOINT -> (start, startTso) -> new EarlyLedger(start, startTso, random);
            case DROPPED_ACK -> (start, startTso) -> new ForgetfulLedger(start, startTso, random);
            default -> AckLedger::new;
        };
    }

    Sink wrap(Sink sink, Acks acks, SplittableRandom random) {
        return switch (this) {
            case NONE, EARLY_CHECKPOINT, DROPPED_ACK -> sink;
            case DROPPED_ROWS -> new DroppingSink(sink, acks, random);
            case REORDERED_ROWS -> new ReorderingSink(sink, random);
        };
    }

    private static final class EarlyLedger extends AckLedger {
        private final SplittableRandom random;

        EarlyLedger(Optional<Checkpoint> start, long startTso, SplittableRandom random) {
            super(start, startTso);
            this.random = random;
        }

        @Override
        protected boolean acked(long seq) {
            return super.acked(seq) || random.nextInt(ONE_IN) == 0;
        }
    }

    private static final class ForgetfulLedger extends AckLedger {
        private final SplittableRandom random;
        private long lost = -1;

        ForgetfulLedger(Optional<Checkpoint> start, long startTso, SplittableRandom random) {
            super(start, startTso);
            this.random = random;
        }

        @Override
        protected boolean acked(long seq) {
            if (!super.acked(seq)) {
                return false;
            }
            if (lost < 0 && random.nextInt(ONE_IN) == 0) {
                lost = seq;
            }
            return seq != lost;
        }
    }

    private static final class DroppingSink extends ForwardingSink {
        private final Acks acks;
        private final SplittableRandom random;

        DroppingSink(Sink sink, Acks acks, SplittableRandom random) {
            super(sink);
            this.acks = acks;
            this.random = random;
        }

        @Override
        public boolean offer(long seq, RowBatch batch) {
            if (random.nextInt(ONE_IN) == 0) {
                batch.release();
                acks.ack(seq);
                return true;
            }
            return target.offer(seq, batch);
        }
    }

    private static final class ReorderingSink extends ForwardingSink {
        private final SplittableRandom random;
        private @Nullable RowBatch kept;
        private long keptSeq;

        ReorderingSink(Sink sink, SplittableRandom random) {
            super(sink);
            this.random = random;
        }

        @Override
        public boolean offer(long seq, RowBatch batch) {
            if (kept == null && random.nextInt(ONE_IN) == 0) {
                kept = batch;
                keptSeq = seq;
                return true;
            }
            return target.offer(seq, batch) && handOnKept();
        }

        private boolean handOnKept() {
            if (kept != null && target.offer(keptSeq, kept)) {
                kept = null;
            }
            return true;
        }

        @Override
        public int doWork(long nowNanos) {
            if (kept != null && random.nextInt(4) == 0) {
                handOnKept();
            }
            return target.doWork(nowNanos);
        }

        @Override
        public void close() {
            if (kept != null) {
                kept.release();
                kept = null;
            }
            target.close();
        }
    }
}
