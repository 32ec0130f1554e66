package io.millrace.bench;

import java.io.File;
import java.util.List;

/** Our Kafka path, watched from outside like every other one. */
final class KafkaSubject implements Subject {
    private static final long TIMEOUT_SECONDS = 300;

    private final String bootstrap;

    KafkaSubject(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    @Override
    public String name() {
        return "millrace-kafka";
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        String topic = "millrace-" + System.nanoTime();
        File log = bench.scratchFile("millrace-kafka");
        try (TopicProbe probe = new TopicProbe(bootstrap)) {
            probe.create(topic);
            List<String> arguments =
                    List.of(
                            "kafka://" + bootstrap + "/" + topic + "?protocol=canal-json",
                            bench.upstreamUri(),
                            Long.toString(bench.startTso()),
                            Long.toString(bench.rows()),
                            "1");
            try (ChildProcess child =
                    ChildProcess.java(
                            MillraceChild.class, List.of("-Xmx1g"), arguments, log, log)) {
                long[] times = probe.await(topic, bench.rows(), child, log, TIMEOUT_SECONDS);
                return TopicProbe.figures(bench, child, times);
            } finally {
                probe.delete(topic);
            }
        }
    }
}
