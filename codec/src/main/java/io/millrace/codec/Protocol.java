package io.millrace.codec;

import io.millrace.core.spi.SinkSpec;
import java.util.Set;

/** A wire format that a queue sink can be asked for, and what of its options is its own. */
public interface Protocol {
    /** The names that users may write, in lower case; the first is the usual one. */
    Set<String> names();

    /**
     * Checks the format's own options without connecting.
     *
     * @throws io.millrace.core.error.MillraceException a USER error that names the option
     */
    void validate(SinkSpec spec);

    /**
     * Tries what the format itself connects to, such as a schema registry. Blocks, but not for
     * long.
     *
     * @throws io.millrace.core.error.MillraceException when a job with this spec could not run
     */
    default void testOpen(SinkSpec spec) {}

    /**
     * The zone in which the encoder reads TIMESTAMP texts: that of the job, where messages show the
     * text, or UTC, where they hold instants, of which a text would not tell the hour that comes
     * twice.
     *
     * @param jobZone IANA name or offset
     */
    default String timestampZone(String jobZone) {
        return jobZone;
    }

    /** An encoder with the options of a valid spec. Connects to what the format needs. */
    RowEncoder encoder(SinkSpec spec, EncoderContext context);

    /**
     * Whether every table needs a topic of its own, so that topic expressions must hold both {@code
     * {schema}} and {@code {table}}.
     */
    default boolean needsTopicPerTable() {
        return false;
    }
}
