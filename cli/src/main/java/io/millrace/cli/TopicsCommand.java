package io.millrace.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.ChangefeedCommand.Format;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code millrace topics}: what a Kafka holds. */
@Command(
        name = "topics",
        mixinStandardHelpOptions = true,
        description = {
            "Lists the topics of a Kafka.",
            "RECORDS is the difference of the end and the begin of all partitions; of compacted"
                    + " topics and of topics with transactions fewer records can be read. SIZE is"
                    + " that of one copy; - when the Kafka does not tell."
        })
final class TopicsCommand implements Callable<Integer> {
    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    @ParentCommand
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private Main main;

    @Mixin private final KafkaAddress kafka = new KafkaAddress();

    @Option(
            names = {"-a", "--all"},
            description = "Kafka's own topics as well.")
    private boolean all;

    @Option(
            names = {"-o", "--output"},
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}",
            defaultValue = "table")
    private Format format = Format.table;

    @Option(
            names = "--delete",
            paramLabel = "TOPIC",
            description = "Delete this topic with all its records instead; asks first.")
    private @Nullable String delete;

    @Option(names = "--no-confirm", description = "Delete without asking.")
    private boolean noConfirm;

    @Override
    public Integer call() {
        try (KafkaTopics topics = new KafkaTopics(kafka)) {
            if (delete != null) {
                return delete(topics, delete);
            }
            print(topics.list(all));
            return 0;
        }
    }

    private int delete(KafkaTopics topics, String topic) {
        PrintWriter out = spec.commandLine().getOut();
        KafkaTopics.Topic found = topics.get(topic);
        boolean agreed =
                noConfirm
                        || new Prompt(main.surroundings().in(), out)
                                .agrees(
                                        "Delete topic "
                                                + topic
                                                + " with "
                                                + found.records()
                                                + " records at "
                                                + kafka.servers()
                                                + "? [y/N]");
        if (!agreed) {
            out.println("Nothing was deleted.");
            return 1;
        }
        topics.delete(topic);
        out.println("Topic " + topic + " is deleted.");
        return 0;
    }

    private void print(List<KafkaTopics.Topic> topics) {
        PrintWriter out = spec.commandLine().getOut();
        if (format == Format.json) {
            ArrayNode array = JsonNodeFactory.instance.arrayNode();
            for (KafkaTopics.Topic topic : topics) {
                ObjectNode node = array.addObject();
                node.put("topic", topic.name());
                node.put("partitions", topic.partitions());
                node.put("replicas", topic.replicas());
                node.put("records", topic.records());
                topic.bytes().ifPresent(bytes -> node.put("bytes", bytes));
                node.put("internal", topic.internal());
            }
            out.println(JsonText.pretty(array));
            out.flush();
            return;
        }
        TextTable table = new TextTable("TOPIC", "PARTITIONS", "REPLICAS", "RECORDS", "SIZE");
        for (KafkaTopics.Topic topic : topics) {
            table.add(
                    topic.name(),
                    Integer.toString(topic.partitions()),
                    Integer.toString(topic.replicas()),
                    Long.toString(topic.records()),
                    topic.bytes().isPresent() ? size(topic.bytes().getAsLong()) : "-");
        }
        out.print(table);
        out.flush();
        if (topics.isEmpty()) {
            spec.commandLine().getErr().println("There are no topics at " + kafka.servers() + ".");
        }
    }

    static String size(long bytes) {
        String[] units = {"KiB", "MiB", "GiB", "TiB"};
        if (bytes < 1024) {
            return bytes + " B";
        }
        double value = bytes / 1024.0;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
    }
}
