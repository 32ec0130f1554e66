package io.millrace.server;

import io.millrace.core.control.Secrets;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import io.millrace.mysql.sink.MySqlSinkFactory;
import io.millrace.storage.redo.RedoApply;
import io.millrace.storage.store.Stores;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What can be done with a redo log when the upstream is lost. Needs no running server. */
@Command(
        name = "millrace redo",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Versions.class,
        description = "Brings a target to a consistent state from a redo log.",
        subcommands = {RedoMain.Apply.class, RedoMain.Meta.class},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed", "2:wrong command line"})
public final class RedoMain {
    private static final double LARGEST_HEAP_SHARE = 0.5;

    private RedoMain() {}

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs one command in this process; returns its exit code. */
    public static int run(String... args) {
        CommandLine line = new CommandLine(new RedoMain());
        line.setExecutionExceptionHandler((e, command, parsed) -> {
            String text = e instanceof MillraceException known ? known.text() : e.toString();
            command.getErr().println("millrace redo: " + Secrets.maskText(text));
            return 1;
        });
        if (args.length == 0) {
            line.usage(line.getErr());
            return 2;
        }
        return line.execute(args);
    }

    /** What both commands need. */
    private abstract static class OnLog implements Callable<Integer> {
        @Option(
                names = "--storage",
                required = true,
                paramLabel = "URI",
                description =
                        "Where the redo log lies: the changefeed's consistent.storage, such as"
                                + " file:///backup/redo or s3://bucket/redo?region=...")
        private String storage = "";

        @Option(
                names = "--changefeed",
                paramLabel = "[NAMESPACE/]ID",
                description = "Whose log, when several changefeeds share the storage.")
        private @Nullable String changefeed;

        @Option(
                names = "--log-level",
                paramLabel = "LEVEL",
                description = "debug, info, warn or error. Default: ${DEFAULT-VALUE}")
        private String logLevel = "warn";

        RedoApply log() {
            Level level = Level.getLevel(logLevel.toUpperCase(java.util.Locale.ROOT));
            if (level == null) {
                throw new MillraceException(
                        ErrorCode.INVALID_PARAMETER, "unknown log level " + logLevel);
            }
            Configurator.setRootLevel(level);
            return new RedoApply(new Stores(), SinkSpec.parseUri(storage));
        }

        @Nullable String job() {
            return changefeed == null || changefeed.contains("/")
                    ? changefeed
                    : "default/" + changefeed;
        }
    }

    /** {@code redo meta}. */
    @Command(
            name = "meta",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = "Prints how far a redo log is.")
    static final class Meta extends OnLog {
        @Override
        public Integer call() {
            RedoApply.State state = log().state(job());
            System.out.println(
                    "checkpoint-ts:"
                            + Long.toUnsignedString(state.checkpointTso())
                            + ", resolved-ts:"
                            + Long.toUnsignedString(state.resolvedTso()));
            return 0;
        }
    }

    /** {@code redo apply}. */
    @Command(
            name = "apply",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = {
                "Brings a target to the state at the log's resolved-ts.",
                "Stop the changefeed first. May be repeated, also after it was broken off."
            })
    static final class Apply extends OnLog {
        @Option(
                names = "--enable-profiling",
                arity = "0..1",
                hidden = true,
                description = "TiCDC's, taken for its scripts; has no effect.")
        private boolean profiling;

        @Option(
                names = "--tmp-dir",
                required = true,
                paramLabel = "DIR",
                description = "For sorted copies of the log's files, which are removed at the end.")
        private Path tmpDir = Path.of("");

        @Option(
                names = "--sink-uri",
                required = true,
                paramLabel = "URI",
                description = "The changefeed's target, mysql://user:pass@host:port")
        private String sinkUri = "";

        @Option(
                names = "--memory-limit",
                paramLabel = "GIB",
                description =
                        "Memory for rows between the log and the target; at most half of the heap."
                                + " Default: ${DEFAULT-VALUE}")
        private double memoryLimit = 10;

        @Override
        public Integer call() throws InterruptedException {
            SinkFactory sinks = new MySqlSinkFactory(Clock.systemUTC());
            SinkSpec sink = SinkSpec.of(sinkUri);
            if (!sinks.schemes().contains(sink.scheme())) {
                throw new MillraceException(
                        ErrorCode.SINK_URI_INVALID,
                        "a redo log is applied to a database: --sink-uri must begin with one of "
                                + String.join(", ", sinks.schemes().stream().sorted().toList()));
            }
            if (!(memoryLimit > 0)) {
                throw new MillraceException(
                        ErrorCode.INVALID_PARAMETER, "--memory-limit must be positive");
            }
            if (profiling) {
                System.err.println("millrace redo: --enable-profiling has no effect");
            }
            long heapShare = (long) (Runtime.getRuntime().maxMemory() * LARGEST_HEAP_SHARE);
            long memory = Math.min((long) (memoryLimit * (1L << 30)), heapShare);
            RedoApply.State state = log().apply(job(), tmpDir, sinks, sinkUri, memory);
            System.out.println(
                    "Apply redo log successfully; the target is at resolved-ts "
                            + Long.toUnsignedString(state.resolvedTso()));
            return 0;
        }
    }
}
