package io.millrace.codec.decode;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the messages of one wire format back; for tools and tests, not for speed. */
public interface MessageDecoder {
    /**
     * The events of one message, in order.
     *
     * @throws io.millrace.core.error.MillraceException INVALID_PARAMETER when the bytes are no
     *     message of the format
     */
    List<DecodedEvent> decode(byte @Nullable [] key, byte @Nullable [] value);
}
