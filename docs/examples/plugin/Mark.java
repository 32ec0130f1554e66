package example;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.transforms.Transformation;

/** A transformation: puts a header with a text on each record. */
public final class Mark<R extends ConnectRecord<R>> implements Transformation<R> {
    private static final ConfigDef CONFIG =
            new ConfigDef()
                    .define("text", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "The header");

    private String text = "";

    @Override
    public void configure(Map<String, ?> settings) {
        text = String.valueOf(CONFIG.parse(settings).get("text"));
    }

    @Override
    public R apply(R record) {
        // A connector may use the same headers for several records.
        return record.newRecord(
                record.topic(),
                record.kafkaPartition(),
                record.keySchema(),
                record.key(),
                record.valueSchema(),
                record.value(),
                record.timestamp(),
                record.headers().duplicate().addString("mark", text));
    }

    @Override
    public ConfigDef config() {
        return CONFIG;
    }

    @Override
    public void close() {}
}
