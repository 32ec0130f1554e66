package io.millrace.mysql.position;

import io.millrace.core.bytes.WireBytes;
import java.util.Arrays;
import java.util.UUID;

/**
 * MySQL's: per source UUID a set of number intervals. Kept sorted and merged, so equal sets are
 * equal objects field by field.
 *
 * <p>The highest interval of each source lies outside the array of the others: a transaction that
 * follows its predecessor only replaces two numbers. A number out of order copies that source's
 * intervals.
 */
public final class MySqlGtidSet implements GtidSet {
    /** Nothing executed. */
    public static final MySqlGtidSet EMPTY = new MySqlGtidSet(new Source[0]);

    private static final long[] NO_INTERVALS = new long[0];

    private final Source[] sources;

    /** Lower intervals as pairs of first and last number, ascending, then the highest one. */
    private record Source(UUID uuid, long[] lower, long first, long last) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Source source
                    && uuid.equals(source.uuid)
                    && first == source.first
                    && last == source.last
                    && Arrays.equals(lower, source.lower);
        }

        @Override
        public int hashCode() {
            return uuid.hashCode() * 31 + Long.hashCode(first ^ last << 1);
        }

        /** All intervals as one array of pairs. */
        long[] all() {
            long[] all = Arrays.copyOf(lower, lower.length + 2);
            all[lower.length] = first;
            all[lower.length + 1] = last;
            return all;
        }

        static Source of(UUID uuid, long[] all) {
            int count = all.length;
            return new Source(uuid, Arrays.copyOf(all, count - 2), all[count - 2], all[count - 1]);
        }

        boolean contains(long from, long to) {
            if (from >= first) {
                return to <= last;
            }
            int low = 0;
            int high = lower.length / 2 - 1;
            while (low <= high) {
                int middle = (low + high) >>> 1;
                if (lower[2 * middle + 1] < from) {
                    low = middle + 1;
                } else if (lower[2 * middle] > from) {
                    high = middle - 1;
                } else {
                    return to <= lower[2 * middle + 1];
                }
            }
            return false;
        }

        Source with(long from, long to) {
            if (from == last + 1) {
                return new Source(uuid, lower, first, to);
            }
            if (from > last) {
                return new Source(uuid, all(), from, to);
            }
            if (contains(from, to)) {
                return this;
            }
            return of(uuid, insert(all(), from, to));
        }
    }

    private MySqlGtidSet(Source[] sources) {
        this.sources = sources;
    }

    /** Merges one interval into sorted, disjoint pairs. */
    private static long[] insert(long[] pairs, long from, long to) {
        long[] out = new long[pairs.length + 2];
        int at = 0;
        int i = 0;
        while (i < pairs.length && pairs[i + 1] < from - 1) {
            out[at++] = pairs[i++];
            out[at++] = pairs[i++];
        }
        long first = from;
        long last = to;
        while (i < pairs.length && pairs[i] <= last + 1) {
            first = Math.min(first, pairs[i]);
            last = Math.max(last, pairs[i + 1]);
            i += 2;
        }
        out[at++] = first;
        out[at++] = last;
        while (i < pairs.length) {
            out[at++] = pairs[i++];
        }
        return at == out.length ? out : Arrays.copyOf(out, at);
    }

    /**
     * Reads {@code uuid:1-5:7,uuid:…}, blanks and line breaks allowed as servers print them.
     *
     * @throws IllegalArgumentException when malformed, or when a GTID has a tag (MySQL 8.3), which
     *     is not supported
     */
    public static MySqlGtidSet parse(String text) {
        MySqlGtidSet set = EMPTY;
        for (String part : text.split(",", -1)) {
            String trimmed = part.strip();
            if (trimmed.isEmpty()) {
                continue;
            }
            String[] fields = trimmed.split(":", -1);
            if (fields.length < 2) {
                throw new IllegalArgumentException("not a GTID set: " + text);
            }
            UUID uuid = UUID.fromString(fields[0].strip());
            for (int i = 1; i < fields.length; i++) {
                String interval = fields[i].strip();
                int dash = interval.indexOf('-');
                long from = Long.parseLong(dash < 0 ? interval : interval.substring(0, dash));
                long to = dash < 0 ? from : Long.parseLong(interval.substring(dash + 1));
                if (from < 1 || to < from) {
                    throw new IllegalArgumentException("not a GTID interval: " + interval);
                }
                set = set.with(uuid, from, to);
            }
        }
        return set;
    }

    @Override
    public MySqlGtidSet with(Gtid gtid) {
        Gtid.MySql one = (Gtid.MySql) gtid;
        return with(one.source(), one.number(), one.number());
    }

    /** This set and an interval, both ends included. */
    public MySqlGtidSet with(UUID uuid, long from, long to) {
        int index = indexOf(uuid);
        if (index >= 0) {
            Source source = sources[index].with(from, to);
            if (source == sources[index]) {
                return this;
            }
            Source[] next = sources.clone();
            next[index] = source;
            return new MySqlGtidSet(next);
        }
        int insertAt = -index - 1;
        Source[] next = new Source[sources.length + 1];
        System.arraycopy(sources, 0, next, 0, insertAt);
        next[insertAt] = new Source(uuid, NO_INTERVALS, from, to);
        System.arraycopy(sources, insertAt, next, insertAt + 1, sources.length - insertAt);
        return new MySqlGtidSet(next);
    }

    private int indexOf(UUID uuid) {
        int low = 0;
        int high = sources.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int order = sources[middle].uuid.compareTo(uuid);
            if (order < 0) {
                low = middle + 1;
            } else if (order > 0) {
                high = middle - 1;
            } else {
                return middle;
            }
        }
        return -low - 1;
    }

    @Override
    public boolean contains(Gtid gtid) {
        if (!(gtid instanceof Gtid.MySql one)) {
            return false;
        }
        int index = indexOf(one.source());
        return index >= 0 && sources[index].contains(one.number(), one.number());
    }

    @Override
    public boolean containsAll(GtidSet other) {
        return other == this || other instanceof MySqlGtidSet set && set.minus(this).isEmpty();
    }

    /** What is here and not in {@code other}. */
    public MySqlGtidSet minus(MySqlGtidSet other) {
        MySqlGtidSet rest = EMPTY;
        for (Source source : sources) {
            int index = other.indexOf(source.uuid);
            if (index >= 0 && other.sources[index].equals(source)) {
                continue;
            }
            long[] taken = index < 0 ? NO_INTERVALS : other.sources[index].all();
            long[] pairs = source.all();
            int t = 0;
            for (int i = 0; i < pairs.length; i += 2) {
                long from = pairs[i];
                while (t < taken.length && taken[t + 1] < from) {
                    t += 2;
                }
                int scan = t;
                while (from <= pairs[i + 1]) {
                    if (scan >= taken.length || taken[scan] > pairs[i + 1]) {
                        rest = rest.with(source.uuid, from, pairs[i + 1]);
                        break;
                    }
                    if (taken[scan] > from) {
                        rest = rest.with(source.uuid, from, taken[scan] - 1);
                    }
                    from = taken[scan + 1] + 1;
                    scan += 2;
                }
            }
        }
        return rest;
    }

    /**
     * The form of COM_BINLOG_DUMP_GTID and PREVIOUS_GTIDS: count of sources, then per source 16
     * bytes of UUID, count of intervals, and per interval its first number and the one behind its
     * last; all numbers 64 bits little-endian.
     */
    public byte[] toWire() {
        int size = 8;
        for (Source source : sources) {
            size += 24 + (source.lower.length / 2 + 1) * 16;
        }
        byte[] out = new byte[size];
        WireBytes.putI64(out, 0, sources.length);
        int at = 8;
        for (Source source : sources) {
            WireBytes.putI64Be(out, at, source.uuid.getMostSignificantBits());
            WireBytes.putI64Be(out, at + 8, source.uuid.getLeastSignificantBits());
            long[] pairs = source.all();
            WireBytes.putI64(out, at + 16, pairs.length / 2);
            at += 24;
            for (int i = 0; i < pairs.length; i += 2, at += 16) {
                WireBytes.putI64(out, at, pairs[i]);
                WireBytes.putI64(out, at + 8, pairs[i + 1] + 1);
            }
        }
        return out;
    }

    /**
     * Reads the form of {@link #toWire}.
     *
     * @throws IllegalArgumentException when it has another format, as MySQL 8.3 writes for GTIDs
     *     with tags
     */
    public static MySqlGtidSet fromWire(byte[] bytes, int from, int to) {
        long count = WireBytes.i64(bytes, from);
        if (count < 0 || count > (to - from) / 24) {
            throw new IllegalArgumentException("GTID set in an unknown format");
        }
        MySqlGtidSet set = EMPTY;
        int at = from + 8;
        for (int s = 0; s < count; s++) {
            UUID uuid = new UUID(WireBytes.i64Be(bytes, at), WireBytes.i64Be(bytes, at + 8));
            long intervals = WireBytes.i64(bytes, at + 16);
            at += 24;
            if (intervals < 0 || intervals > (to - at) / 16) {
                throw new IllegalArgumentException("GTID set is cut off");
            }
            for (long i = 0; i < intervals; i++, at += 16) {
                set = set.with(uuid, WireBytes.i64(bytes, at), WireBytes.i64(bytes, at + 8) - 1);
            }
        }
        return set;
    }

    @Override
    public boolean isEmpty() {
        return sources.length == 0;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MySqlGtidSet set && Arrays.equals(sources, set.sources);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(sources);
    }

    @Override
    public String toString() {
        StringBuilder out = new StringBuilder();
        for (Source source : sources) {
            if (!out.isEmpty()) {
                out.append(',');
            }
            out.append(source.uuid);
            long[] pairs = source.all();
            for (int i = 0; i < pairs.length; i += 2) {
                out.append(':').append(pairs[i]);
                if (pairs[i + 1] > pairs[i]) {
                    out.append('-').append(pairs[i + 1]);
                }
            }
        }
        return out.toString();
    }
}
