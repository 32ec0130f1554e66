package io.millrace.codec;

import io.millrace.codec.avro.AvroProtocol;
import io.millrace.codec.canal.CanalProtocol;
import io.millrace.codec.canaljson.CanalJsonProtocol;
import io.millrace.codec.debezium.DebeziumProtocol;
import io.millrace.codec.maxwell.MaxwellProtocol;
import io.millrace.codec.openprotocol.OpenProtocol;
import io.millrace.codec.simple.SimpleProtocol;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The wire formats there are, by name. */
public final class Protocols {
    private static final List<Protocol> ALL =
            List.of(
                    new OpenProtocol(),
                    new CanalJsonProtocol(),
                    new CanalProtocol(),
                    new AvroProtocol(),
                    new MaxwellProtocol(),
                    new DebeziumProtocol(),
                    new SimpleProtocol());

    /** Formats that are no messages. */
    private static final List<String> OF_FILES = List.of("csv", "parquet");

    private static final Map<String, Protocol> BY_NAME = new LinkedHashMap<>();

    static {
        for (Protocol protocol : ALL) {
            protocol.names().forEach(name -> BY_NAME.put(name, protocol));
        }
    }

    private Protocols() {}

    /** The usual names of all formats. */
    public static List<String> names() {
        return ALL.stream().map(protocol -> protocol.names().iterator().next()).toList();
    }

    /**
     * The format that a spec's option {@code protocol} names, whatever its case.
     *
     * @throws MillraceException SINK_UNKNOWN_PROTOCOL when it is missing or nobody knows it
     */
    public static Protocol of(SinkSpec spec) {
        String name = spec.option("protocol").orElse("").trim();
        Protocol protocol = BY_NAME.get(name.toLowerCase(Locale.ROOT));
        if (protocol == null) {
            throw new MillraceException(
                    ErrorCode.SINK_UNKNOWN_PROTOCOL,
                    "unknown '"
                            + name
                            + "' message protocol for sink; available: "
                            + String.join(", ", names())
                            + (OF_FILES.contains(name.toLowerCase(Locale.ROOT))
                                    ? "; " + name + " is for storage sinks alone"
                                    : ""));
        }
        return protocol;
    }
}
