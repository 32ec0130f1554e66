package io.millrace.cli;

import java.io.PrintWriter;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code millrace consume}: prints the records of a topic. */
@Command(
        name = "consume",
        mixinStandardHelpOptions = true,
        description = {
            "Prints the records of a topic: one line each with partition@offset, time, headers, key"
                    + " and value, separated by tabs.",
            "Without a start it waits for new records, until Ctrl-C. With --from-beginning or"
                    + " --from-offset it prints what is there now, and ends, unless --follow is"
                    + " given. Of several partitions each is in order; no consumer group is used,"
                    + " nothing is committed."
        })
final class ConsumeCommand implements Callable<Integer> {
    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    @Mixin private final KafkaAddress kafka = new KafkaAddress();

    @Parameters(paramLabel = "TOPIC", description = "Name of the topic.")
    private String topic = "";

    @Option(names = "--from-beginning", description = "Start at the first record.")
    private boolean fromBeginning;

    @Option(
            names = "--from-offset",
            paramLabel = "N",
            description =
                    "Start at this offset; -N starts with the last N records of each partition.")
    private @Nullable Long fromOffset;

    @Option(
            names = {"-p", "--partition"},
            paramLabel = "N",
            description = "Only this partition. Default: all")
    private @Nullable Integer partition;

    @Option(
            names = {"-n", "--max"},
            paramLabel = "N",
            description = "End after N records.")
    private @Nullable Long max;

    @Option(
            names = {"-f", "--follow"},
            description = "Go on waiting at the end.")
    private boolean follow;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description =
                    "${COMPLETION-CANDIDATES}: a line of text or a JSON object per record. What is"
                            + " not UTF-8 is shown in Base64: as base64:… in text, as key_base64 and"
                            + " value_base64 in JSON. Default: ${DEFAULT-VALUE}",
            defaultValue = "text")
    private RecordText.Format format = RecordText.Format.text;

    @Override
    public Integer call() {
        if (fromBeginning && fromOffset != null) {
            throw usage("--from-beginning and --from-offset exclude each other");
        }
        if (max != null && max < 1) {
            throw usage("--max must be at least 1");
        }
        if (partition != null && partition < 0) {
            throw usage("--partition must not be negative");
        }
        Optional<Long> start = fromBeginning ? Optional.of(0L) : Optional.ofNullable(fromOffset);
        PrintWriter out = spec.commandLine().getOut();
        try (KafkaRecords records = new KafkaRecords(kafka)) {
            records.read(
                    new KafkaRecords.Wanted(
                            topic,
                            partition == null ? OptionalInt.empty() : OptionalInt.of(partition),
                            start.isPresent() ? OptionalLong.of(start.get()) : OptionalLong.empty(),
                            max == null ? Long.MAX_VALUE : max,
                            follow || start.isEmpty()),
                    record -> {
                        out.print(RecordText.line(format, record));
                        out.print('\n');
                        // Whoever read our output may be gone: head, for instance.
                        return !out.checkError();
                    });
        }
        return 0;
    }

    private CommandLine.ParameterException usage(String message) {
        return new CommandLine.ParameterException(spec.commandLine(), message);
    }
}
