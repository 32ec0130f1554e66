package io.millrace.connect.host.runtime;

import io.millrace.connect.host.ConnectSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Settings of the worker in Kafka Connect's words: our defaults under what the user gave. */
public final class WorkerProperties {
    static final String EXTENSIONS = "rest.extension.classes";

    private WorkerProperties() {}

    /** All of a worker's settings. */
    public static Map<String, String> of(ConnectSettings settings, String bootstrapServers) {
        Map<String, String> p = new LinkedHashMap<>();
        p.put("bootstrap.servers", bootstrapServers);
        p.put("group.id", settings.groupId());
        p.put("config.storage.topic", settings.groupId() + "-configs");
        p.put("offset.storage.topic", settings.groupId() + "-offsets");
        p.put("status.storage.topic", settings.groupId() + "-status");
        switch (settings.kafka()) {
            case ConnectSettings.Embedded embedded -> {
                p.put("config.storage.replication.factor", "1");
                p.put("offset.storage.replication.factor", "1");
                p.put("status.storage.replication.factor", "1");
                p.put("offset.storage.partitions", "1");
                p.put("status.storage.partitions", "1");
                // After a crash the dead worker blocks the group until its session has run out.
                p.put("session.timeout.ms", "3000");
                p.put("heartbeat.interval.ms", "500");
            }
            case ConnectSettings.External external -> {
                // As many copies as the brokers make of a topic by default.
                p.put("config.storage.replication.factor", "-1");
                p.put("offset.storage.replication.factor", "-1");
                p.put("status.storage.replication.factor", "-1");
            }
        }
        p.put("key.converter", "org.apache.kafka.connect.json.JsonConverter");
        p.put("value.converter", "org.apache.kafka.connect.json.JsonConverter");
        p.put("key.converter.schemas.enable", "false");
        p.put("value.converter.schemas.enable", "false");
        p.put("offset.flush.interval.ms", "5000");
        // The tasks of a lost worker move at once instead of after 5 minutes.
        p.put("scheduled.rebalance.max.delay.ms", "0");
        // Reading manifests takes half a second, looking into every class took 12.
        p.put("plugin.discovery", "service_load");
        String plugins = pluginPath(settings.pluginPath());
        if (!plugins.isEmpty()) {
            // An empty one would be the current directory.
            p.put("plugin.path", plugins);
        }
        // The producer's own defaults (16 KiB, 5 ms) cost half of the throughput.
        p.put("producer.batch.size", "262144");
        p.put("producer.linger.ms", "20");
        p.put("listeners", settings.url(0));
        settings.advertised()
                .ifPresent(address -> {
                    int colon = address.lastIndexOf(':');
                    p.put("rest.advertised.host.name", address.substring(0, colon));
                    p.put("rest.advertised.port", address.substring(colon + 1));
                });
        p.putAll(settings.worker());
        p.merge(EXTENSIONS, RestRepairs.class.getName(), (given, ours) -> ours + "," + given);
        return p;
    }

    /** The topics in which the worker keeps its own things. */
    public static Set<String> ownTopics(Map<String, String> properties) {
        return Stream.of("config.storage.topic", "offset.storage.topic", "status.storage.topic")
                .map(properties::get)
                .filter(Objects::nonNull)
                .collect(Collectors.toUnmodifiableSet());
    }

    private static String pluginPath(List<Path> folders) {
        return folders.stream()
                .filter(Files::isDirectory)
                .map(folder -> folder.toAbsolutePath().toString())
                .collect(Collectors.joining(","));
    }
}
