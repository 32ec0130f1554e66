package io.millrace.codec;

import java.time.Clock;

/**
 * What an encoder knows of the world.
 *
 * @param clock gives the time of encoding
 * @param clusterId name of the cluster, for formats that write it
 * @param namespace the changefeed's namespace, for formats that write it
 */
public record EncoderContext(Clock clock, String clusterId, String namespace) {
    /** The names that a cluster and a namespace have when nobody chose others. */
    public static EncoderContext of(Clock clock) {
        return new EncoderContext(clock, "default", "default");
    }
}
