package io.millrace.testkit.sim;

import io.millrace.core.engine.Intake;
import io.millrace.core.engine.JobRunner.Plan;
import io.millrace.core.engine.MemoryBudget;
import io.millrace.core.engine.Pipeline;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * One seed's story: an upstream history, a downstream, and a chain of lives of the process. Each
 * life ends by a crash, a failure or an orderly stop, except the last, which has no faults and must
 * bring everything downstream.
 */
public final class Simulation {
    /** More steps in one life mean that it is stuck. */
    private static final int STEP_LIMIT = 200_000;

    private static final TableFilter FILTER =
            TableFilters.parse(List.of("*.*", "!" + History.UNWANTED + ".*"), true);

    /** What to do apart from what the seed says. */
    public record Options(Mutation mutation, boolean tracing, int size, CrashPlan crashes) {
        /** Everything by the seed. */
        public static final Options DEFAULT =
                new Options(Mutation.NONE, false, 0, CrashPlan.BY_SEED);

        /** With a defect. */
        public static Options with(Mutation mutation) {
            return new Options(mutation, false, 0, CrashPlan.BY_SEED);
        }
    }

    /**
     * When the first life ends; the second is the last then.
     *
     * @param bySeed as the seed says, and more lives
     * @param point at this commit point, 0 for never
     * @param step before this step, 0 for never
     */
    public record CrashPlan(boolean bySeed, int point, int step) {
        public static final CrashPlan BY_SEED = new CrashPlan(true, 0, 0);
    }

    /**
     * What a run was like.
     *
     * @param commitPoints places of the first life at which it could crash
     * @param steps of the first life
     */
    public record Summary(int commitPoints, int steps, int lives) {}

    private final long seed;
    private final Options options;
    private final SplittableRandom random;
    private final History history;
    private final World world;
    private final SimStore store;
    private final Target target;
    private final boolean sql;
    private final boolean wholeTransactions;
    private final boolean sendsUnmatched;
    private final long startTso = Tso.of(History.EPOCH_MS, 0);
    private final long targetTso;
    private final long quota;
    private int partitions;
    private int firstPoints;
    private int firstSteps;

    private Simulation(long seed, Options options) {
        this.seed = seed;
        this.options = options;
        this.random = new SplittableRandom(seed);
        int size = options.size() > 0 ? options.size() : 4 + random.nextInt(50);
        this.history = new History(random.split(), size);
        this.world = new World(random.split(), history, options.tracing());
        this.store = new SimStore(world);
        this.sql = random.nextInt(3) > 0;
        this.wholeTransactions = sql && random.nextInt(3) == 0;
        this.partitions = 1 + random.nextInt(4);
        this.target =
                sql ? new SqlTarget(world, wholeTransactions) : new LogTarget(world, partitions);
        this.sendsUnmatched = random.nextInt(3) == 0;
        this.quota = random.nextInt(2) == 0 ? 1 << 20 : 500 + random.nextInt(3000);
        this.targetTso = random.nextInt(5) == 0 ? someTso() : 0;
    }

    private long someTso() {
        History.Transaction any =
                history.transactions.get(random.nextInt(history.transactions.size()));
        return Tso.of(any.commitMs + random.nextInt(300), random.nextInt(3));
    }

    /**
     * Runs one seed.
     *
     * @throws Violation naming the seed
     */
    public static Summary run(long seed, Options options) {
        Simulation simulation = new Simulation(seed, options);
        try {
            return simulation.run();
        } catch (Violation | RuntimeException e) {
            Violation named =
                    new Violation(
                            "seed "
                                    + seed
                                    + " (replay with -Dmillrace.sim.seed="
                                    + seed
                                    + "): "
                                    + e.getMessage()
                                    + simulation.traceText());
            named.initCause(e);
            throw named;
        }
    }

    private String traceText() {
        return world.tracing ? "\n" + String.join("\n", world.trace) : "";
    }

    private Summary run() {
        boolean bySeed = options.crashes().bySeed();
        int lives = bySeed ? 1 + random.nextInt(6) : 2;
        for (int life = 1; ; life++) {
            boolean last = life >= lives;
            world.commitPoints = 0;
            world.steps = 0;
            if (bySeed) {
                planEnd(last);
            } else if (life == 1) {
                world.crashAtPoint = options.crashes().point();
                world.crashAtStep = options.crashes().step();
            }
            boolean done;
            try {
                done = live(last || (!bySeed && life == 1));
            } catch (Crash crash) {
                done = false;
            }
            if (life == 1) {
                firstPoints = world.commitPoints;
                firstSteps = world.steps;
            }
            world.loseProcess();
            if (done) {
                return new Summary(firstPoints, firstSteps, life);
            }
            if (last) {
                throw new Violation("the last life did not reach its end");
            }
        }
    }

    private void planEnd(boolean last) {
        world.faultOneIn = 0;
        if (!last) {
            switch (random.nextInt(3)) {
                case 0 -> world.crashAtPoint = 1 + random.nextInt(60);
                case 1 -> world.crashAtStep = 1 + random.nextInt(600);
                default -> world.faultOneIn = 5 + random.nextInt(100);
            }
        }
    }

    /** One life of the process; true when the whole story is over. */
    private boolean live(boolean toTheEnd) {
        Intake intake = new Intake(new MemoryBudget(quota));
        Pipeline pipeline;
        try {
            pipeline =
                    new Pipeline(
                            plan(),
                            intake,
                            world::nanos,
                            options.mutation().ledgers(random),
                            checkpoint -> {});
        } catch (MillraceException e) {
            mustBeTransient(e);
            return false;
        }
        SimCapture capture = new SimCapture(world, pipeline.captureRequest(), sendsUnmatched);
        int stopAt = toTheEnd ? 0 : 50 + random.nextInt(2000);
        boolean failed = false;
        try {
            cycle(intake, pipeline, capture, stopAt);
        } catch (MillraceException e) {
            mustBeTransient(e);
            world.trace(() -> "run failed: " + e.text());
            failed = true;
        }
        capture.close();
        if (failed) {
            try {
                pipeline.saveProgress();
            } catch (MillraceException e) {
                mustBeTransient(e);
            }
        }
        pipeline.close();
        world.checker.released(pipeline.progress(Set.of()).bufferedBytes());
        if (failed) {
            return false;
        }
        return checkEnd(pipeline, capture);
    }

    private boolean checkEnd(Pipeline pipeline, SimCapture capture) {
        if (pipeline.state() == Pipeline.State.FINISHED) {
            world.checker.finishedAt(targetTso);
            if (store.checkpoint().isPresent()
                    && store.checkpoint().get().resolvedTso() != targetTso) {
                throw new Violation(
                        "finished at " + store.checkpoint().get() + ", not at " + targetTso);
            }
            return true;
        }
        if (!world.checker.allDurable() || !isSavedToTheEnd()) {
            return false;
        }
        if (store.wasRunning()) {
            throw new Violation("an orderly stop left the job marked as running");
        }
        target.checkFinalState(history);
        return true;
    }

    private boolean isSavedToTheEnd() {
        return store.checkpoint().isPresent()
                && ((SimPosition) store.checkpoint().get().position()).transaction()
                        == history.transactions.size();
    }

    private void cycle(Intake intake, Pipeline pipeline, SimCapture capture, int stopAt) {
        int idle = 0;
        while (pipeline.state() == Pipeline.State.RUNNING
                || pipeline.state() == Pipeline.State.STOPPING) {
            world.step();
            if (world.steps > STEP_LIMIT) {
                throw new Violation("stuck: no end after " + STEP_LIMIT + " steps");
            }
            boolean complete =
                    targetTso == 0
                            && capture.isAtEnd()
                            && world.checker.allDurable()
                            && isSavedToTheEnd();
            if (complete || world.steps == stopAt) {
                world.trace(() -> "stop requested");
                pipeline.requestStop();
            }
            int work =
                    switch (world.random.nextInt(8)) {
                        case 0, 1, 2 -> capture(intake, capture);
                        case 3, 4, 5 -> pipeline.doWork();
                        default -> world.pass(world.random.nextLong(3_000_000));
                    };
            idle = work > 0 ? 0 : idle + 1;
            if (idle > 12) {
                idle = 0;
                long untilVisible =
                        Math.min(100, Math.max(1, capture.nextVisibleMs() - world.nowMs()))
                                * 1_000_000;
                world.pass(Math.min(untilVisible, world.untilNext()));
            }
        }
    }

    private int capture(Intake intake, SimCapture capture) {
        int count = 1 + world.random.nextInt(3);
        for (int i = 0; i < count; i++) {
            Optional<ChangeEvent> next = capture.peek();
            if (next.isEmpty() || !intake.tryEmit(next.get())) {
                return i;
            }
            capture.taken();
            if (world.faultOneIn > 0 && world.random.nextInt(world.faultOneIn * 4) == 0) {
                throw new MillraceException(
                        io.millrace.core.error.ErrorCode.UPSTREAM_CONNECTION,
                        "simulated fault of the upstream");
            }
        }
        return count;
    }

    private void mustBeTransient(MillraceException e) {
        if (!e.code().isTransient()) {
            throw new Violation("run failed with " + e.code() + ": " + e.text());
        }
    }

    private Plan plan() {
        return new Plan(
                "default/sim-" + seed,
                new HistoryUpstream(),
                new ModelSinkFactory(),
                SinkSpec.of("sim://target"),
                FILTER,
                startTso,
                targetTso,
                quota,
                store,
                "127.0.0.1:0",
                "UTC");
    }

    private final class ModelSinkFactory implements SinkFactory {
        @Override
        public Set<String> schemes() {
            return Set.of("sim");
        }

        @Override
        public void validate(SinkSpec spec) {}

        @Override
        public void testOpen(SinkSpec spec) {}

        @Override
        public Sink open(SinkSpec spec, SinkContext context) {
            if (wholeTransactions) {
                partitions = 1;
            } else if (sql && world.random.nextInt(3) == 0) {
                partitions = 1 + world.random.nextInt(4);
            }
            ModelSink.Style style =
                    new ModelSink.Style(
                            partitions,
                            wholeTransactions,
                            1 + world.random.nextLong(40_000_000),
                            3 + world.random.nextInt(60),
                            1 + world.random.nextInt(12));
            ModelSink sink = new ModelSink(world, target, style, context, targetTso);
            return options.mutation().wrap(sink, context.acks(), random);
        }
    }

    /** The simulation steps its capture itself; nothing else is asked of this upstream. */
    private static final class HistoryUpstream implements Upstream {
        @Override
        public long clusterId() {
            return 1;
        }

        @Override
        public long currentTso() {
            throw new IllegalStateException("not asked in a simulation");
        }

        @Override
        public long oldestTso() {
            throw new IllegalStateException("not asked in a simulation");
        }

        @Override
        public List<TableSchema> tables(TableFilter filter) {
            throw new IllegalStateException("not asked in a simulation");
        }

        @Override
        public Capture openCapture(CaptureRequest request) {
            throw new IllegalStateException("not asked in a simulation");
        }

        @Override
        public SourcePosition decodePosition(String encoded) {
            throw new IllegalStateException("not asked in a simulation");
        }

        @Override
        public void check() {}

        @Override
        public void close() {}
    }
}
