package io.millrace.testkit.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.sim.Simulation.CrashPlan;
import io.millrace.testkit.sim.Simulation.Options;
import io.millrace.testkit.sim.Simulation.Summary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Many seeds: {@code -Dmillrace.sim.seeds=N}. One seed again, with its trace: {@code
 * -Dmillrace.sim.seed=S}.
 */
class SimulationTest {
    private static final long DEFAULT_SEEDS = 300;

    /** A defect must show within so many seeds. */
    private static final int MUTATION_SEEDS = 200;

    @Test
    void everySeedHolds() {
        Long one = Long.getLong("millrace.sim.seed");
        if (one != null) {
            Simulation.run(one, new Options(Mutation.NONE, true, 0, CrashPlan.BY_SEED));
            return;
        }
        long seeds = Long.getLong("millrace.sim.seeds", DEFAULT_SEEDS);
        long begin = System.nanoTime();
        long lives = 0;
        for (long seed = 1; seed <= seeds; seed++) {
            try {
                lives += Simulation.run(seed, Options.DEFAULT).lives();
            } catch (Violation first) {
                // The same story again, told in full.
                Simulation.run(seed, new Options(Mutation.NONE, true, 0, CrashPlan.BY_SEED));
                throw first;
            }
        }
        System.out.printf(
                "simulation: %d seeds, %d lives, %.1f s%n",
                seeds, lives, (System.nanoTime() - begin) / 1e9);
    }

    @Test
    void smallCasesSurviveACrashAtEveryPointAndStep() {
        for (long seed = 1; seed <= 12; seed++) {
            int size = 5;
            Summary whole = Simulation.run(seed, small(size, 0, 0));
            assertThat(whole.lives()).isEqualTo(1);
            for (int point = 1; point <= whole.commitPoints(); point++) {
                Simulation.run(seed, small(size, point, 0));
            }
            for (int step = 1; step <= whole.steps(); step++) {
                Simulation.run(seed, small(size, 0, step));
            }
        }
    }

    private static Options small(int size, int point, int step) {
        return new Options(Mutation.NONE, false, size, new CrashPlan(false, point, step));
    }

    @Test
    void sameSeedIsTheSameStory() {
        for (long seed = 1; seed <= 20; seed++) {
            assertThat(Simulation.run(seed, Options.DEFAULT))
                    .isEqualTo(Simulation.run(seed, Options.DEFAULT));
        }
    }

    @ParameterizedTest
    @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void defectsAreSeen(Mutation mutation) {
        int seen = 0;
        for (long seed = 1; seed <= MUTATION_SEEDS; seed++) {
            try {
                Simulation.run(seed, Options.with(mutation));
            } catch (Violation expected) {
                seen++;
            }
        }
        System.out.printf(
                "simulation: %s seen in %d of %d seeds%n", mutation, seen, MUTATION_SEEDS);
        assertThat(seen).isPositive();
    }
}
