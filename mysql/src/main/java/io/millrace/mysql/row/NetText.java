package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;

/** MariaDB's UUID, INET4 and INET6 values as text. */
final class NetText {
    private static final byte[] HEX = {
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
    };

    /** Where the bytes of a UUID lie in a stored value whose groups were put in reverse order. */
    private static final int[] SWAPPED = {12, 13, 14, 15, 10, 11, 8, 9, 6, 7, 0, 1, 2, 3, 4, 5};

    private NetText() {}

    /**
     * Appends 8-4-4-4-12. MariaDB stores versions 1 to 5 of the RFC variant with the groups in
     * reverse order, so that they sort by time, and all others as they are ({@code
     * plugin/type_uuid/sql_type_uuid.h}).
     */
    static void uuid(byte[] b, int at, ByteSink out) {
        boolean swapped = b[at + 6] < 0 && b[at + 8] > 0 && b[at + 8] < 0x60;
        for (int i = 0; i < 16; i++) {
            if (i == 4 || i == 6 || i == 8 || i == 10) {
                out.put('-');
            }
            int value = b[at + (swapped ? SWAPPED[i] : i)];
            out.put(HEX[value >> 4 & 15]);
            out.put(HEX[value & 15]);
        }
    }

    /** Appends a dotted quad. */
    static void inet4(byte[] b, int at, ByteSink out) {
        for (int i = 0; i < 4; i++) {
            if (i > 0) {
                out.put('.');
            }
            out.putLong(b[at + i] & 0xFF);
        }
    }

    /**
     * Appends an IPv6 address as MariaDB prints it: the first longest run of zero groups, even of
     * one, becomes {@code ::}; IPv4-mapped and IPv4-compatible addresses end in a dotted quad.
     */
    static void inet6(byte[] b, int at, ByteSink out) {
        int gap = -1;
        int gapLength = 0;
        for (int i = 0; i < 8; ) {
            int run = 0;
            while (i + run < 8 && WireBytes.u16Be(b, at + 2 * (i + run)) == 0) {
                run++;
            }
            if (run > gapLength) {
                gap = i;
                gapLength = run;
            }
            i += Math.max(run, 1);
        }
        for (int i = 0; i < 8; i++) {
            if (i == gap) {
                if (i == 0) {
                    out.put(':');
                }
                out.put(':');
                i += gapLength - 1;
            } else if (i == 6
                    && gap == 0
                    && (gapLength == 6
                            || gapLength == 5 && WireBytes.u16Be(b, at + 10) == 0xFFFF)) {
                inet4(b, at + 12, out);
                return;
            } else {
                int group = WireBytes.u16Be(b, at + 2 * i);
                boolean started = false;
                for (int shift = 12; shift >= 0; shift -= 4) {
                    int digit = group >> shift & 15;
                    started |= digit != 0 || shift == 0;
                    if (started) {
                        out.put(HEX[digit]);
                    }
                }
                if (i != 7) {
                    out.put(':');
                }
            }
        }
    }
}
