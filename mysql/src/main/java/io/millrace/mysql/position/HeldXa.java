package io.millrace.mysql.position;

import java.util.List;
import java.util.Optional;

/**
 * Prepared XA transactions that were neither committed nor rolled back yet. Their rows lie before
 * the position, at their PREPARE; a restart reads from here to collect them again.
 *
 * @param start start of the earliest such transaction
 * @param gtids executed before it, when GTIDs are in use
 * @param xids of all such transactions, as statements spell them: {@code X'…',X'…',1}
 */
public record HeldXa(BinlogCoordinate start, Optional<GtidSet> gtids, List<String> xids) {
    public HeldXa {
        xids = List.copyOf(xids);
    }
}
