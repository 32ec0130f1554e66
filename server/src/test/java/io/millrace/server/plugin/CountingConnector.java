package io.millrace.server.plugin;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/**
 * Writes 0, 1, 2… to the topic {@code count}, and goes on after the last one that was acknowledged.
 * With {@code end=halt} it ends the process as Kafka's own code does when it is broken, with {@code
 * end=hang} it never ends its stop.
 */
public final class CountingConnector extends SourceConnector {
    public static final String TOPIC = "count";
    private static final String END = "end";
    private static final int MILLIS_APART = 2;

    private Map<String, String> settings = Map.of();

    /** Makes a folder for {@code plugin.path} with this plug-in in it. */
    public static void installInto(Path folder) throws IOException {
        Files.createDirectories(folder);
        try (OutputStream file = Files.newOutputStream(folder.resolve("counting.jar"));
                JarOutputStream jar = new JarOutputStream(file)) {
            for (Class<?> each : List.of(CountingConnector.class, Counting.class)) {
                String name = each.getName().replace('.', '/') + ".class";
                jar.putNextEntry(new JarEntry(name));
                try (var in = each.getClassLoader().getResourceAsStream(name)) {
                    Objects.requireNonNull(in).transferTo(jar);
                }
            }
            jar.putNextEntry(
                    new JarEntry(
                            "META-INF/services/org.apache.kafka.connect.source.SourceConnector"));
            jar.write(CountingConnector.class.getName().getBytes(StandardCharsets.UTF_8));
        }
    }

    @Override
    public void start(Map<String, String> props) {
        settings = props;
    }

    @Override
    public Class<? extends Task> taskClass() {
        return Counting.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        return List.of(settings);
    }

    @Override
    public void stop() {
        if ("hang".equals(settings.get(END))) {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef();
    }

    @Override
    public String version() {
        return "1";
    }

    /** The only task. */
    public static final class Counting extends SourceTask {
        private static final Map<String, Object> PLACE = Map.of("counter", "0");
        private long next;

        @Override
        public void start(Map<String, String> props) {
            Map<String, Object> last = context.offsetStorageReader().offset(PLACE);
            next = last != null && last.get("at") instanceof Number at ? at.longValue() + 1 : 0;
            if ("halt".equals(props.get(END))) {
                Exit.halt(7, "asked for");
            }
        }

        @Override
        public List<SourceRecord> poll() throws InterruptedException {
            Thread.sleep(MILLIS_APART);
            long now = next++;
            return List.of(
                    new SourceRecord(PLACE, Map.of("at", now), TOPIC, 0, Schema.INT64_SCHEMA, now));
        }

        @Override
        public void stop() {}

        @Override
        public String version() {
            return "1";
        }
    }
}
