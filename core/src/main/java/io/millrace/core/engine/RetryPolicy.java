package io.millrace.core.engine;

import io.millrace.core.error.MillraceException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * When a job that failed is started again. One instance per job, kept across its runs; belongs to
 * one thread; does nothing by itself. The owner calls:
 *
 * <ol>
 *   <li>{@link #onError} when a run failed: the answer is when to try again, or that it is over;
 *   <li>{@link #onRestart} when that time has come: the answer is whether to start, or that the
 *       episode has lasted too long;
 *   <li>{@link #onCheckpoint} for every checkpoint of the new run: true when it ends the episode;
 *   <li>{@link #isStuck} now and then while the new run goes on: true when it has stood still for
 *       too long;
 *   <li>{@link #reset} when a user resumes the job.
 * </ol>
 *
 * The first error of an episode is retried at once; the waits that follow are counted from restart
 * to restart and double from twice {@link Settings#initial}. An episode ends when a checkpoint
 * passes the one noted at the last restart.
 */
public final class RetryPolicy {
    /**
     * Knobs.
     *
     * @param initial first interval; the first retry does not wait for it
     * @param factor growth per retry, at least 1
     * @param cap longest interval before jitter
     * @param jitter share of the interval, 0 to below 1, by which it varies to both sides
     * @param stuck an episode older than this when a retry is due ends the job, and so does a run
     *     in an episode that stands still for that long
     */
    public record Settings(
            Duration initial, double factor, Duration cap, double jitter, Duration stuck) {
        /** 10 s, doubling up to 10 min, ± 10 %, given up after 30 min. */
        public static final Settings DEFAULTS =
                new Settings(
                        Duration.ofSeconds(10),
                        2,
                        Duration.ofMinutes(10),
                        0.1,
                        Duration.ofMinutes(30));

        public Settings {
            if (initial.isNegative() || initial.isZero() || cap.compareTo(initial) < 0) {
                throw new IllegalArgumentException(
                        "retry intervals must satisfy 0 < initial <= cap");
            }
            if (factor < 1 || jitter < 0 || jitter >= 1) {
                throw new IllegalArgumentException("retry factor < 1 or jitter outside [0, 1)");
            }
        }
    }

    /** What to do after an error. */
    public sealed interface Decision {
        /** Start again at this time; not before now. */
        record RetryAt(Instant time) implements Decision {}

        /** The error does not pass by itself: the job has failed. */
        record Fail() implements Decision {}
    }

    /** No look at the run has been taken yet. */
    private static final long UNSEEN = -1;

    /**
     * An episode of trouble: from its first error until a checkpoint shows progress.
     *
     * @param moved when something was last seen to go on; the begin before that
     * @param steps what was seen then, of the run since the last restart
     */
    private record Episode(
            Instant begin,
            @Nullable Instant lastRestart,
            Duration interval,
            long noted,
            Instant moved,
            long steps) {}

    private final Settings settings;
    private final Clock clock;
    private final RandomGenerator random;
    private @Nullable Episode episode;

    public RetryPolicy(Settings settings, Clock clock, RandomGenerator random) {
        this.settings = settings;
        this.clock = clock;
        this.random = random;
    }

    /** A run failed. */
    public Decision onError(MillraceException error) {
        if (!error.code().isTransient()) {
            return new Decision.Fail();
        }
        Instant now = clock.instant();
        Episode current = episode;
        if (current == null) {
            episode = new Episode(now, null, settings.initial(), Long.MAX_VALUE, now, UNSEEN);
            return new Decision.RetryAt(now);
        }
        Instant last = current.lastRestart();
        if (last == null) {
            return new Decision.RetryAt(now);
        }
        Instant due = last.plus(jittered(current.interval()));
        return new Decision.RetryAt(due.isBefore(now) ? now : due);
    }

    /**
     * A run goes on, but gets nothing delivered: an episode begins, unless one has.
     *
     * @param checkpointTso as last saved; a later one ends the episode
     */
    public void onWarning(long checkpointTso) {
        if (episode == null) {
            Instant now = clock.instant();
            episode = new Episode(now, now, settings.initial(), checkpointTso, now, UNSEEN);
        }
    }

    /**
     * A retry is due.
     *
     * @param checkpointTso resolved TSO that the run starts from
     * @return true: start now (the restart is noted). False: the episode is older than {@link
     *     Settings#stuck}, the job has failed
     */
    public boolean onRestart(long checkpointTso) {
        Episode current = episode;
        if (current == null) {
            return true;
        }
        Instant now = clock.instant();
        if (Duration.between(current.begin(), now).compareTo(settings.stuck()) > 0) {
            return false;
        }
        Duration next = scaled(current.interval(), settings.factor());
        episode =
                new Episode(
                        current.begin(),
                        now,
                        next.compareTo(settings.cap()) > 0 ? settings.cap() : next,
                        checkpointTso,
                        current.moved(),
                        UNSEEN);
        return true;
    }

    /**
     * A run of an episode goes on. Neither a checkpoint nor an error may come of it for ever, when
     * the target hangs.
     *
     * @param steps what the run has done so far, not negative: another number means it went on
     * @return whether nothing has gone on for {@link Settings#stuck}: the job has failed
     */
    public boolean isStuck(long steps) {
        Episode current = episode;
        if (current == null || current.lastRestart() == null) {
            return false;
        }
        Instant now = clock.instant();
        Instant moved = current.moved();
        if (steps != current.steps()) {
            // A run begins with nothing done.
            moved = current.steps() == UNSEEN && steps == 0 ? moved : now;
            episode =
                    new Episode(
                            current.begin(),
                            current.lastRestart(),
                            current.interval(),
                            current.noted(),
                            moved,
                            steps);
        }
        return Duration.between(moved, now).compareTo(settings.stuck()) > 0;
    }

    /** When the present episode began. */
    public Optional<Instant> episodeBegin() {
        return Optional.ofNullable(episode).map(Episode::begin);
    }

    /** A checkpoint was saved; true when it ended an episode: the job is healthy again. */
    public boolean onCheckpoint(long checkpointTso) {
        Episode current = episode;
        if (current == null
                || current.lastRestart() == null
                || Long.compareUnsigned(checkpointTso, current.noted()) <= 0) {
            return false;
        }
        episode = null;
        return true;
    }

    /** Whether errors are being retried at the moment. */
    public boolean inEpisode() {
        return episode != null;
    }

    /** Forgets everything, as when a user resumes the job. */
    public void reset() {
        episode = null;
    }

    private Duration jittered(Duration interval) {
        return scaled(interval, 1 + settings.jitter() * (2 * random.nextDouble() - 1));
    }

    private static Duration scaled(Duration duration, double by) {
        return Duration.ofNanos(Math.round(duration.toNanos() * by));
    }
}
