package io.millrace.codec.debezium;

import io.millrace.codec.EncoderContext;
import io.millrace.codec.Protocol;
import io.millrace.codec.RowEncoder;
import io.millrace.core.spi.SinkSpec;
import java.time.Clock;
import java.util.Set;

/** {@code protocol=debezium}. */
public final class DebeziumProtocol implements Protocol {
    @Override
    public Set<String> names() {
        return Set.of("debezium");
    }

    @Override
    public void validate(SinkSpec spec) {
        DebeziumConfig.of(spec, EncoderContext.of(Clock.systemUTC()));
    }

    /** ZonedTimestamp is an instant. */
    @Override
    public String timestampZone(String jobZone) {
        return "UTC";
    }

    @Override
    public RowEncoder encoder(SinkSpec spec, EncoderContext context) {
        return new DebeziumEncoder(DebeziumConfig.of(spec, context), context.clock());
    }
}
