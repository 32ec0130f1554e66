package io.millrace.bench;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Our Kafka path, watched from outside like every other one. */
final class KafkaSubject implements Subject {
    private static final long TIMEOUT_SECONDS = 300;

    /** Formats with exactly one message for a row: the topic's end tells when all are there. */
    private static final Set<String> ROW_BY_ROW = Set.of("canal-json", "debezium", "avro");

    private final String bootstrap;
    private final String protocol;
    private final String parameters;
    private final boolean aot;
    private @Nullable Path cache;

    /**
     * @param parameters of the sink URI, joined by {@code &}; may be empty
     * @param aot whether the process starts with a JDK AOT cache; a run of its own, which does not
     *     count, records it
     */
    KafkaSubject(String bootstrap, String protocol, String parameters, boolean aot) {
        this.bootstrap = bootstrap;
        this.protocol = protocol;
        this.parameters = parameters.isEmpty() ? "" : "&" + parameters;
        this.aot = aot;
    }

    @Override
    public String name() {
        return (protocol.equals("canal-json") ? "millrace-kafka" : "millrace-kafka-" + protocol)
                + (aot ? "-aot" : "");
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        if (!aot) {
            return run(bench, List.of());
        }
        if (cache == null) {
            cache = bench.scratch().resolve(name() + System.nanoTime() + ".cache");
            run(bench, List.of(AotCache.record(cache)));
            Bench.awaitRest(bench.upstream());
        }
        return run(bench, AotCache.use(cache));
    }

    private Figures run(Bench bench, List<String> aotOptions) throws Exception {
        String topic = "millrace-" + System.nanoTime();
        File log = bench.scratchFile("millrace-kafka");
        List<String> jvmOptions = new ArrayList<>(ServerJvm.options(aotOptions));
        jvmOptions.add("-Xmx1g");
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
            ChildProcess child =
                    ChildProcess.java(MillraceChild.class, jvmOptions, arguments, log, log);
            try {
                long[] times =
                        ROW_BY_ROW.contains(protocol) && !parameters.contains("exactly-once")
                                ? probe.await(topic, bench.rows(), child, log, TIMEOUT_SECONDS)
                                : probe.awaitQuiet(topic, child, log, TIMEOUT_SECONDS);
                return TopicProbe.figures(bench, child, times);
            } finally {
                // One that records writes its cache at its end.
                child.close(AotCache.TRAINING_SECONDS);
                probe.delete(topic);
            }
        }
    }
}
