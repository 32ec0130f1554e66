package io.millrace.mysql.position;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * MariaDB's: per domain the last GTID, which stands for all before it in that domain. This is what
 * {@code @slave_connect_state} takes and {@code gtid_binlog_pos} shows.
 */
public final class MariaDbGtidSet implements GtidSet {
    /** Nothing executed. */
    public static final MariaDbGtidSet EMPTY = new MariaDbGtidSet(new Gtid.MariaDb[0]);

    private final Gtid.MariaDb[] byDomain;

    private MariaDbGtidSet(Gtid.MariaDb[] byDomain) {
        this.byDomain = byDomain;
    }

    /**
     * Reads {@code 0-1-100,1-2-7}; of several GTIDs of a domain the highest sequence counts.
     *
     * @throws IllegalArgumentException when malformed
     */
    public static MariaDbGtidSet parse(String text) {
        MariaDbGtidSet set = EMPTY;
        for (String part : text.split(",", -1)) {
            if (part.isBlank()) {
                continue;
            }
            if (!(Gtid.parse(part.trim()) instanceof Gtid.MariaDb gtid)) {
                throw new IllegalArgumentException("not a MariaDB GTID: " + part);
            }
            set = set.with(gtid);
        }
        return set;
    }

    @Override
    public MariaDbGtidSet with(Gtid added) {
        Gtid.MariaDb gtid = (Gtid.MariaDb) added;
        for (int i = 0; i < byDomain.length; i++) {
            if (byDomain[i].domain() == gtid.domain()) {
                if (byDomain[i].sequence() >= gtid.sequence()) {
                    return this;
                }
                Gtid.MariaDb[] next = byDomain.clone();
                next[i] = gtid;
                return new MariaDbGtidSet(next);
            }
        }
        Gtid.MariaDb[] next = Arrays.copyOf(byDomain, byDomain.length + 1);
        next[byDomain.length] = gtid;
        Arrays.sort(next, Comparator.comparingLong(Gtid.MariaDb::domain));
        return new MariaDbGtidSet(next);
    }

    @Override
    public boolean contains(Gtid gtid) {
        return gtid instanceof Gtid.MariaDb one && sequenceOf(one.domain()) >= one.sequence();
    }

    @Override
    public boolean containsAll(GtidSet other) {
        if (!(other instanceof MariaDbGtidSet set)) {
            return false;
        }
        for (Gtid.MariaDb gtid : set.byDomain) {
            if (sequenceOf(gtid.domain()) < gtid.sequence()) {
                return false;
            }
        }
        return true;
    }

    private long sequenceOf(long domain) {
        for (Gtid.MariaDb gtid : byDomain) {
            if (gtid.domain() == domain) {
                return gtid.sequence();
            }
        }
        return -1;
    }

    /** The last GTID of each domain, by domain. */
    public List<Gtid.MariaDb> gtids() {
        return List.of(byDomain);
    }

    @Override
    public boolean isEmpty() {
        return byDomain.length == 0;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MariaDbGtidSet set && Arrays.equals(byDomain, set.byDomain);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(byDomain);
    }

    @Override
    public String toString() {
        List<String> parts = new ArrayList<>();
        for (Gtid.MariaDb gtid : byDomain) {
            parts.add(gtid.toString());
        }
        return String.join(",", parts);
    }
}
