package io.millrace.bench;

import java.io.File;
import java.util.List;
import java.util.Set;

/** Our Kafka path, watched from outside like every other one. */
final class KafkaSubject implements Subject {
    private static final long TIMEOUT_SECONDS = 300;

    /** Formats with exactly one message for a row: the topic's end tells when all are there. */
    private static final Set<String> ROW_BY_ROW = Set.of("canal-json", "debezium", "avro");

    private final String bootstrap;
    private final String protocol;
    private final String parameters;

    /**
     * @param parameters of the sink URI, joined by {@code &}; may be empty
     */
    KafkaSubject(String bootstrap, String protocol, String parameters) {
        this.bootstrap = bootstrap;
        this.protocol = protocol;
        this.parameters = parameters.isEmpty() ? "" : "&" + parameters;
    }

    @Override
    public String name() {
        return protocol.equals("canal-json") ? "millrace-kafka" : "millrace-kafka-" + protocol;
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        String topic = "millrace-" + System.nanoTime();
        File log = bench.scratchFile("millrace-kafka");
        try (TopicProbe probe = new TopicProbe(bootstrap)) {
            probe.create(topic);
            List<String> arguments =
                    List.of(
                            "kafka://"
                                    + bootstrap
                                    + "/"
                                    + topic
                                    + "?protocol="
                                    + protocol
                                    + parameters,
                            bench.upstreamUri(),
                            Long.toString(bench.startTso()),
                            Long.toString(bench.rows()),
                            "1");
            try (ChildProcess child =
                    ChildProcess.java(
                            MillraceChild.class, List.of("-Xmx1g"), arguments, log, log)) {
                long[] times =
                        ROW_BY_ROW.contains(protocol) && !parameters.contains("exactly-once")
                                ? probe.await(topic, bench.rows(), child, log, TIMEOUT_SECONDS)
                                : probe.awaitQuiet(topic, child, log, TIMEOUT_SECONDS);
                return TopicProbe.figures(bench, child, times);
            } finally {
                probe.delete(topic);
            }
        }
    }
}
