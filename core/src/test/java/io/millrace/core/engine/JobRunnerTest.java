package io.millrace.core.engine;

import static io.millrace.core.engine.Fixtures.ORDERS;
import static io.millrace.core.engine.Fixtures.at;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.core.engine.Fixtures.Batches;
import io.millrace.core.engine.Fixtures.MemoryStore;
import io.millrace.core.engine.SyntheticUpstream.Feed;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.spi.SinkFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class JobRunnerTest {
    private final Batches batches = new Batches();
    private final MemoryStore store = new MemoryStore();
    private final BlockingQueue<String> ends = new LinkedBlockingQueue<>();

    private JobRunner runner(Feed feed, SinkFactory sinks, String uri, long targetTso) {
        return new JobRunner(
                Fixtures.plan(feed, sinks, uri, TableFilter.all(), targetTso, store),
                listener(ends));
    }

    private static JobRunner.Listener listener(BlockingQueue<String> ends) {
        return new JobRunner.Listener() {
            @Override
            public void checkpoint(Checkpoint checkpoint) {}

            @Override
            public void finished() {
                ends.add("finished");
            }

            @Override
            public void failed(MillraceException error) {
                ends.add("failed " + error.code() + " " + error.text());
            }
        };
    }

    private JobRunner blackhole(Feed feed, long targetTso) {
        return runner(feed, new BlackholeSinkFactory(), "blackhole://", targetTso);
    }

    private void nothingIsHeld(JobRunner runner) {
        assertThat(batches.open).hasValue(0);
        assertThat(runner.progress().bufferedBytes()).isZero();
    }

    @Test
    void runsToItsTarget() throws InterruptedException {
        JobRunner runner =
                blackhole(
                        out -> {
                            for (int i = 1; i <= 10_000; i++) {
                                out.emit(batches.last(100 + i, i));
                            }
                        },
                        10_000);
        runner.start();
        assertThat(ends.poll(20, TimeUnit.SECONDS)).isEqualTo("finished");
        assertThat(store.checkpoint).contains(new Checkpoint(at(9_900), 10_000));
        assertThat(runner.progress().rows()).isEqualTo(9_900);
        assertThat(runner.progress().tableIds()).containsExactly(SyntheticUpstream.FOLLOWED);
        assertThat(runner.progress().checkpointTso()).isEqualTo(10_000);
        runner.stop();
        nothingIsHeld(runner);
        assertThat(ends).isEmpty();
    }

    @Test
    void stopSavesTheCheckpointAndIsNoEnd() throws InterruptedException {
        JobRunner runner = blackhole(out -> out.emit(batches.last(101, 1)), 0);
        runner.start();
        while (runner.progress().rows() == 0) {
            Thread.sleep(1);
        }
        runner.stop();
        assertThat(store.checkpoint).contains(new Checkpoint(at(1), 101));
        assertThat(store.running).isFalse();
        nothingIsHeld(runner);
        assertThat(ends).isEmpty();
        runner.close();
    }

    @Test
    void captureErrorFailsTheRunOnce() throws InterruptedException {
        JobRunner runner =
                blackhole(
                        out -> {
                            out.emit(batches.last(101, 1));
                            throw new MillraceException(
                                    ErrorCode.UPSTREAM_CONNECTION, "connection lost");
                        },
                        0);
        runner.start();
        assertThat(ends.poll(20, TimeUnit.SECONDS))
                .isEqualTo("failed UPSTREAM_CONNECTION connection lost");
        runner.stop();
        nothingIsHeld(runner);
        assertThat(ends).isEmpty();
    }

    @Test
    void defectInTheCaptureIsInternal() throws InterruptedException {
        JobRunner runner =
                blackhole(
                        out -> {
                            throw new IllegalStateException("oops");
                        },
                        0);
        runner.start();
        assertThat(ends.poll(20, TimeUnit.SECONDS)).startsWith("failed INTERNAL").contains("oops");
    }

    @Test
    void sinkThatDoesNotOpenFailsTheRun() throws InterruptedException {
        JobRunner runner = runner(out -> {}, new BlackholeSinkFactory(), "other://", 0);
        runner.start();
        assertThat(ends.poll(20, TimeUnit.SECONDS)).startsWith("failed SINK_URI_INVALID");
        runner.stop();
    }

    @Test
    void sinkErrorReleasesABlockedCapture() throws InterruptedException {
        TestSinks sinks = new TestSinks(new ArrayList<>());
        JobRunner runner =
                runner(
                        out -> {
                            for (int i = 1; ; i++) {
                                out.emit(
                                        new Fixtures.Batch(
                                                ORDERS,
                                                100 + i,
                                                i,
                                                true,
                                                new byte[0],
                                                16 << 20,
                                                batches.open));
                            }
                        },
                        sinks,
                        "hand://",
                        0);
        runner.start();
        while (runner.progress().rows() < 4) {
            Thread.sleep(1);
        }
        sinks.opened().acks.fail(new MillraceException(ErrorCode.SINK_DATA, "duplicate key"));
        assertThat(ends.poll(20, TimeUnit.SECONDS)).isEqualTo("failed SINK_DATA duplicate key");
        runner.stop();
        nothingIsHeld(runner);
    }

    /** 2 GiB of one transaction through a JVM with a heap of 256 MiB. */
    @Test
    void hugeTransactionFlowsThroughASmallHeap() throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx256m",
                                "-XX:+UseSerialGC",
                                "-ea",
                                "-cp",
                                System.getProperty("java.class.path"),
                                HugeTransaction.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String output =
                new String(
                        process.getInputStream().readAllBytes(),
                        java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).contains("rows=32768 resolved=1000");
    }

    /** The program of the forked JVM: 32768 batches of 64 KiB that really exist. */
    static final class HugeTransaction {
        private HugeTransaction() {}

        public static void main(String[] args) throws InterruptedException {
            BlockingQueue<String> ends = new LinkedBlockingQueue<>();
            MemoryStore store = new MemoryStore();
            Batches batches = new Batches();
            int count = 32_768;
            int size = 64 << 10;
            Feed feed =
                    out -> {
                        for (int i = 1; i <= count; i++) {
                            out.emit(
                                    new Fixtures.Batch(
                                            ORDERS,
                                            900,
                                            i,
                                            i == count,
                                            new byte[size],
                                            size,
                                            batches.open));
                        }
                        out.emit(new io.millrace.core.model.ResolvedMark(1000, at(count), false));
                    };
            JobRunner runner =
                    new JobRunner(
                            Fixtures.plan(
                                    feed,
                                    new BlackholeSinkFactory(),
                                    "blackhole://",
                                    TableFilter.all(),
                                    1000,
                                    store),
                            listener(ends));
            runner.start();
            String end = ends.poll(60, TimeUnit.SECONDS);
            System.out.println(
                    end
                            + " rows="
                            + runner.progress().rows()
                            + " resolved="
                            + store.checkpoint.map(Checkpoint::resolvedTso).orElse(0L));
            System.exit("finished".equals(end) && batches.open.get() == 0 ? 0 : 1);
        }
    }
}
