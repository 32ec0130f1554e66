package io.millrace.codec.openprotocol;

import io.millrace.codec.EncoderContext;
import io.millrace.codec.Protocol;
import io.millrace.codec.RowEncoder;
import io.millrace.core.spi.SinkSpec;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** {@code protocol=open-protocol}, or {@code default}. */
public final class OpenProtocol implements Protocol {
    private static final Set<String> NAMES =
            Collections.unmodifiableSet(new LinkedHashSet<>(List.of("open-protocol", "default")));

    @Override
    public Set<String> names() {
        return NAMES;
    }

    @Override
    public void validate(SinkSpec spec) {
        OpenProtocolConfig.of(spec);
    }

    @Override
    public RowEncoder encoder(SinkSpec spec, EncoderContext context) {
        return new OpenProtocolEncoder(OpenProtocolConfig.of(spec));
    }
}
