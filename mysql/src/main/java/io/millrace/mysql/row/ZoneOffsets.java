package io.millrace.mysql.row;

import java.time.Instant;
import java.time.ZoneId;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * UTC offsets of one time zone over the whole range of TIMESTAMP (1970 to 2106), computed once, so
 * that a look-up is a comparison with the last hit or a binary search. Immutable.
 */
final class ZoneOffsets {
    private static final long LAST_SECOND = 0xFFFF_FFFFL;

    private final long[] from;
    private final int[] offsets;

    ZoneOffsets(ZoneId zone) {
        ZoneRules rules = zone.getRules();
        List<Long> starts = new ArrayList<>();
        List<Integer> values = new ArrayList<>();
        starts.add(Long.MIN_VALUE);
        values.add(rules.getOffset(Instant.EPOCH).getTotalSeconds());
        ZoneOffsetTransition next = rules.nextTransition(Instant.EPOCH);
        while (next != null && next.toEpochSecond() <= LAST_SECOND) {
            starts.add(next.toEpochSecond());
            values.add(next.getOffsetAfter().getTotalSeconds());
            next = rules.nextTransition(next.getInstant());
        }
        from = starts.stream().mapToLong(Long::longValue).toArray();
        offsets = values.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Number of the period that holds a second; {@code hint} is the last answer, or 0. */
    int period(long epochSecond, int hint) {
        if (from[hint] <= epochSecond
                && (hint + 1 == from.length || epochSecond < from[hint + 1])) {
            return hint;
        }
        int found = Arrays.binarySearch(from, epochSecond);
        return found >= 0 ? found : -found - 2;
    }

    /** Seconds east of UTC in a period. */
    int offset(int period) {
        return offsets[period];
    }
}
