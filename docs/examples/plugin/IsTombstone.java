package example;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/** A predicate: true for records without a value. */
public final class IsTombstone<R extends ConnectRecord<R>> implements Predicate<R> {
    @Override
    public void configure(Map<String, ?> settings) {}

    @Override
    public boolean test(R record) {
        return record.value() == null;
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef();
    }

    @Override
    public void close() {}
}
