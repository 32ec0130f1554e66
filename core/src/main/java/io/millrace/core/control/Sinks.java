package io.millrace.core.control;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The sink factories of a server, by URI scheme. Immutable. */
public final class Sinks {
    private final Map<String, SinkFactory> byScheme = new TreeMap<>();

    public Sinks(List<SinkFactory> factories) {
        for (SinkFactory factory : factories) {
            for (String scheme : factory.schemes()) {
                byScheme.put(scheme, factory);
            }
        }
    }

    /**
     * The factory for a sink.
     *
     * @throws MillraceException SINK_URI_INVALID when no sink has the scheme
     */
    public SinkFactory of(SinkSpec spec) {
        SinkFactory factory = byScheme.get(spec.scheme());
        if (factory == null) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid 'the sink scheme ("
                            + spec.scheme()
                            + ") is not supported; supported are "
                            + String.join(", ", byScheme.keySet())
                            + "'");
        }
        return factory;
    }
}
