package io.millrace.mysql.capture;

import io.millrace.mysql.connect.ServerAddress;
import java.util.BitSet;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The replication server ids of one upstream's connections. A server ends the older of two dumps
 * that have one id, so each dump has its own: captures take the configured id and those behind it,
 * short look-ups a random one. Thread-safe.
 */
public final class ServerIds {
    private static final long MIDDLE = 1L << 31;
    private static final long END = 0xFFFF_FFF0L;

    private final OptionalLong configured;
    private final BitSet taken = new BitSet();

    public ServerIds(ServerAddress address) {
        this.configured = address.serverId();
    }

    /** An id for a capture; to be given back. */
    synchronized long take() {
        if (configured.isEmpty()) {
            return ThreadLocalRandom.current().nextLong(MIDDLE, END);
        }
        int offset = taken.nextClearBit(0);
        taken.set(offset);
        long id = configured.getAsLong() + offset;
        // Ids have 32 bits; behind the highest come the lowest.
        return id <= 0xFFFF_FFFFL ? id : id - 0xFFFF_FFFFL;
    }

    /** The end of the dump that had this id. */
    synchronized void giveBack(long id) {
        if (configured.isPresent()) {
            long offset = id - configured.getAsLong();
            taken.clear((int) (offset >= 0 ? offset : offset + 0xFFFF_FFFFL));
        }
    }

    /** An id that no capture has. */
    static long lookUp(ServerAddress address) {
        long base = address.serverId().orElse(MIDDLE);
        return base < MIDDLE
                ? ThreadLocalRandom.current().nextLong(MIDDLE, END)
                : ThreadLocalRandom.current().nextLong(MIDDLE / 2, MIDDLE);
    }
}
