package io.millrace.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.codec.canal.CanalDecoder;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.core.model.TableName;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Alibaba's Canal as a server that sends to Kafka, the newest one that is whole on Maven Central
 * (1.1.4, of 2019) with a newer reader of binary logs, larger buffers and batches than its
 * defaults.
 *
 * <p>The jars come without the configuration of a distribution, so that it gets one of ours: an
 * instance in memory that starts at the position of the first row. Its messages hold several rows;
 * what arrived is read and counted afterwards.
 */
final class CanalPeer implements Subject {
    private static final String VERSION = "1.1.4";

    /**
     * Of its reader of binary logs. That of 1.1.4 fails on what MySQL 8.0.23 and later write into
     * TABLE_MAP events of invisible columns ("unknow type : 12"); that of 1.1.6 is the first that
     * does not, and the last with the methods that 1.1.4 calls.
     */
    private static final String READER_VERSION = "1.1.6";

    private static final long TIMEOUT_SECONDS = 300;

    /** Canal's name of its only instance. */
    private static final String DESTINATION = "bench";

    private static final TableName TABLE = new TableName("bench", "t");

    /** A batch of binary log becomes one message of several times its size, unless it is flat. */
    private static final int MAX_MESSAGE_BYTES = 16 << 20;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final String bootstrap;
    private final boolean flat;

    /**
     * @param flat JSON, a message for each event of the binary log; otherwise protobuf, a message
     *     for each batch
     */
    CanalPeer(String bootstrap, boolean flat) {
        this.bootstrap = bootstrap;
        this.flat = flat;
    }

    @Override
    public String name() {
        return flat ? "canal" : "canal-protobuf";
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        String topic = "canal-" + System.nanoTime();
        File log = bench.scratchFile("canal");
        try (TopicProbe probe = new TopicProbe(bootstrap)) {
            probe.create(topic, Map.of("max.message.bytes", Integer.toString(MAX_MESSAGE_BYTES)));
            try (ChildProcess child = start(bench, topic, log)) {
                return TopicProbe.figures(
                        bench,
                        child,
                        probe.awaitRows(
                                topic,
                                bench.rows(),
                                flat ? CanalPeer::flatRows : CanalPeer::protobufRows,
                                child,
                                log,
                                TIMEOUT_SECONDS));
            } finally {
                probe.delete(topic);
            }
        }
    }

    private static long flatRows(byte[] value) throws IOException {
        JsonNode message = JSON.readTree(value);
        return message.path("database").asText().equals(TABLE.schema())
                        && message.path("table").asText().equals(TABLE.table())
                ? message.path("data").size()
                : 0;
    }

    private static long protobufRows(byte[] value) {
        return new CanalDecoder()
                .decode(null, value).stream()
                        .filter(event ->
                                event instanceof DecodedEvent.Row row && row.table().equals(TABLE))
                        .count();
    }

    private ChildProcess start(Bench bench, String topic, File log) throws IOException {
        Path folder = Files.createTempDirectory(bench.scratch(), "canal");
        Path instance = Files.writeString(folder.resolve("instance.xml"), instance(bench, topic));
        Path logging =
                Files.writeString(
                        folder.resolve("logback.xml"),
                        """
                        <configuration>
                          <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
                            <encoder><pattern>%d %-5level %logger{20} %msg%n</pattern></encoder>
                          </appender>
                          <root level="WARN"><appender-ref ref="out"/></root>
                        </configuration>
                        """);
        Path server = Files.write(folder.resolve("canal.properties"), server(instance));
        return ChildProcess.start(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx1g",
                        "-Dcanal.conf=" + server,
                        "-Dlogback.configurationFile=" + logging,
                        "-cp",
                        classPath(),
                        "com.alibaba.otter.canal.deployer.CanalLauncher"),
                Map.of(),
                log,
                log);
    }

    private List<String> server(Path instance) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("canal.ip", "127.0.0.1");
        settings.put("canal.register.ip", "127.0.0.1");
        settings.put("canal.serverMode", "kafka");
        settings.put("canal.withoutNetty", "true");
        settings.put("canal.auto.scan", "false");
        settings.put("canal.destinations", DESTINATION);
        settings.put("canal.instance.global.mode", "spring");
        settings.put("canal.instance.global.lazy", "false");
        settings.put("canal.instance.global.spring.xml", instance.toUri().toString());
        settings.put("canal.mq.servers", bootstrap);
        settings.put("canal.mq.acks", "all");
        settings.put("canal.mq.retries", "3");
        settings.put("canal.mq.flatMessage", Boolean.toString(flat));
        settings.put("canal.mq.batchSize", "262144");
        settings.put("canal.mq.lingerMs", "20");
        settings.put("canal.mq.bufferMemory", "67108864");
        settings.put("canal.mq.maxRequestSize", Integer.toString(MAX_MESSAGE_BYTES));
        // Kilobytes of binary log that are taken at once: 50 by default.
        settings.put("canal.mq.canalBatchSize", "512");
        return TopicProbe.lines(settings);
    }

    /**
     * The beans of an instance: reads {@code bench.t} from the first row on, keeps positions and
     * events in memory, 64 MB of them (16 by default).
     */
    private static String instance(Bench bench, String topic) {
        return """
        <beans xmlns="http://www.springframework.org/schema/beans"
            xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
            xsi:schemaLocation="http://www.springframework.org/schema/beans
                http://www.springframework.org/schema/beans/spring-beans-3.2.xsd">
          <bean id="alarms" class="com.alibaba.otter.canal.common.alarm.LogAlarmHandler"/>
          <bean id="store" class="com.alibaba.otter.canal.store.memory.MemoryEventStoreWithBuffer">
            <property name="bufferSize" value="65536"/>
            <property name="bufferMemUnit" value="1024"/>
            <property name="batchMode" value="MEMSIZE"/>
            <property name="raw" value="false"/>
          </bean>
          <bean id="sink" class="com.alibaba.otter.canal.sink.entry.EntryEventSink">
            <property name="eventStore" ref="store"/>
            <property name="filterTransactionEntry" value="true"/>
          </bean>
          <bean id="parser" class="com.alibaba.otter.canal.parse.inbound.mysql.MysqlEventParser">
            <property name="destination" value="%s"/>
            <property name="slaveId" value="%d"/>
            <property name="eventSink" ref="sink"/>
            <property name="alarmHandler" ref="alarms"/>
            <property name="detectingEnable" value="false"/>
            <property name="haController">
              <bean class="com.alibaba.otter.canal.parse.ha.HeartBeatHAController"/>
            </property>
            <property name="eventFilter">
              <bean class="com.alibaba.otter.canal.filter.aviater.AviaterRegexFilter">
                <constructor-arg index="0" value="bench\\.t"/>
              </bean>
            </property>
            <property name="logPositionManager">
              <bean class="com.alibaba.otter.canal.parse.index.MemoryLogPositionManager"/>
            </property>
            <property name="masterInfo">
              <bean class="com.alibaba.otter.canal.parse.support.AuthenticationInfo">
                <property name="address">
                  <bean class="java.net.InetSocketAddress">
                    <constructor-arg index="0" type="java.lang.String" value="127.0.0.1"/>
                    <constructor-arg index="1" type="int" value="%d"/>
                  </bean>
                </property>
                <property name="username" value="%s"/>
                <property name="password" value="%s"/>
              </bean>
            </property>
            <property name="masterPosition">
              <bean class="com.alibaba.otter.canal.protocol.position.EntryPosition">
                <property name="journalName" value="%s"/>
                <property name="position" value="%d"/>
              </bean>
            </property>
          </bean>
          <bean id="instance" class="com.alibaba.otter.canal.instance.spring.CanalInstanceWithSpring">
            <property name="destination" value="%s"/>
            <property name="eventParser" ref="parser"/>
            <property name="eventSink" ref="sink"/>
            <property name="eventStore" ref="store"/>
            <property name="metaManager">
              <bean class="com.alibaba.otter.canal.meta.MemoryMetaManager"/>
            </property>
            <property name="alarmHandler" ref="alarms"/>
            <property name="mqConfig">
              <bean class="com.alibaba.otter.canal.instance.core.CanalMQConfig">
                <property name="topic" value="%s"/>
                <property name="partition" value="0"/>
              </bean>
            </property>
          </bean>
        </beans>
        """
                .formatted(
                        DESTINATION,
                        77020,
                        bench.upstream().port(),
                        Bench.USER,
                        Bench.PASSWORD,
                        bench.file(),
                        bench.offset(),
                        DESTINATION,
                        topic);
    }

    private static String classPath() {
        return PeerJars.classPath(
                "canal-" + VERSION + "-dbsync-" + READER_VERSION,
                // The metrics server would listen on all addresses.
                dependency("canal.deployer", VERSION, "com.alibaba.otter", "canal.prometheus")
                        // The rest stays as the server was built with.
                        + dependency("canal.parse.dbsync", READER_VERSION, "*", "*"));
    }

    private static String dependency(
            String artifact, String version, String excludedGroup, String excludedArtifact) {
        return "<dependency><groupId>com.alibaba.otter</groupId><artifactId>"
                + artifact
                + "</artifactId><version>"
                + version
                + "</version><exclusions><exclusion><groupId>"
                + excludedGroup
                + "</groupId><artifactId>"
                + excludedArtifact
                + "</artifactId></exclusion></exclusions></dependency>";
    }
}
