package io.millrace.mysql.capture;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.nio.charset.StandardCharsets;

/**
 * The FORMAT_DESCRIPTION event: 2 bytes binlog version, 50 bytes server version, 4 bytes creation
 * time, 1 byte header length, one byte of post-header length per event type; since MySQL 5.6.1 and
 * MariaDB 5.3 then 1 byte checksum algorithm (0 none, 1 CRC32) and always 4 bytes of checksum,
 * whatever the algorithm.
 *
 * @param serverVersion such as {@code 8.0.33} or {@code 11.4.5-MariaDB-log}
 * @param mariaDb whether a MariaDB server wrote the file
 * @param serverStart whether the file is the first one after a start of the server: only there is a
 *     creation time, and not when a dump begins further back in the file
 */
record FormatDescription(String serverVersion, boolean mariaDb, boolean serverStart) {
    private static final int VERSION_OFFSET = EventTypes.HEADER_LENGTH + 2;
    private static final int VERSION_LENGTH = 50;

    static FormatDescription parse(byte[] event, int bodyStart) {
        int version = WireBytes.u16(event, bodyStart);
        if (version != 4) {
            throw new MillraceException(
                    ErrorCode.UNSUPPORTED_EVENT,
                    "The binlog has format version "
                            + version
                            + "; version 4 (MySQL 5.0 and"
                            + " newer) is needed.");
        }
        String server = versionText(event, bodyStart - EventTypes.HEADER_LENGTH);
        return new FormatDescription(
                server,
                server.toLowerCase(java.util.Locale.ROOT).contains("mariadb"),
                WireBytes.i32(event, bodyStart + 2 + VERSION_LENGTH) != 0);
    }

    /** Whether the event ends with algorithm and checksum. */
    static boolean hasTrailer(byte[] event, int start) {
        String version = versionText(event, start);
        String[] parts = version.split("[^0-9]+", 4);
        if (parts.length < 3) {
            return false;
        }
        int number =
                Integer.parseInt(parts[0]) * 10_000
                        + Integer.parseInt(parts[1]) * 100
                        + Integer.parseInt(parts[2]);
        return number >= 50_601;
    }

    /** Whether it and the events behind it are checked with CRC32. */
    static boolean checksums(byte[] event, int start, int end) {
        if (!hasTrailer(event, start)) {
            return false;
        }
        int algorithm = WireBytes.u8(event, end - 5);
        return switch (algorithm) {
            case 0 -> false;
            case 1 -> true;
            default ->
                    throw new MillraceException(
                            ErrorCode.UNSUPPORTED_EVENT,
                            "The binlog uses checksum algorithm "
                                    + algorithm
                                    + "; only NONE and CRC32 are known.");
        };
    }

    private static String versionText(byte[] event, int start) {
        int from = start + VERSION_OFFSET;
        int to = from;
        while (to < from + VERSION_LENGTH && event[to] != 0) {
            to++;
        }
        return new String(event, from, to - from, StandardCharsets.US_ASCII);
    }
}
