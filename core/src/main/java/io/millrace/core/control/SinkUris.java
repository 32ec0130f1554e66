package io.millrace.core.control;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.net.URI;
import java.net.URISyntaxException;

/**
 * Parses sink and upstream URIs as leniently as the tools whose users write them: characters that
 * RFC 3986 wants encoded but everybody writes raw ({@code topic={schema}}) are encoded first.
 */
public final class SinkUris {
    private static final String ENCODE = "{}|\\^<>\"` ";

    private SinkUris() {}

    /**
     * @throws MillraceException SINK_URI_INVALID; the message does not repeat the URI, which may
     *     hold a password
     */
    public static URI parse(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < ' ' || text.charAt(i) == 0x7f) {
                throw new MillraceException(
                        ErrorCode.SINK_URI_INVALID,
                        "sink uri invalid 'control character at index " + i + "'");
            }
        }
        try {
            return new URI(encodeRaw(text));
        } catch (URISyntaxException e) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid '" + e.getReason() + " at index " + e.getIndex() + "'");
        }
    }

    private static String encodeRaw(String text) {
        // Scheme-only URIs such as blackhole:// have no authority; java.net.URI wants something.
        String whole =
                text.endsWith("://") ? text + "/" : text.replaceFirst("^([^:/?#]+://)\\?", "$1/?");
        StringBuilder out = new StringBuilder(whole.length());
        for (int i = 0; i < whole.length(); i++) {
            char c = whole.charAt(i);
            if (ENCODE.indexOf(c) >= 0) {
                out.append(String.format("%%%02X", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }
}
