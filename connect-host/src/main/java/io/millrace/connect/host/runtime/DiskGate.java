package io.millrace.connect.host.runtime;

import io.millrace.connect.host.BrokerLimits;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides from measurements whether the broker takes records. Safe for threads.
 *
 * <p>Kafka itself notices a full disk when a write fails; then it gives its folder up and ends the
 * process. So the gate closes before that, and opens again when there is some room, so that it does
 * not swing.
 */
final class DiskGate {
    private static final Logger LOG = LoggerFactory.getLogger(DiskGate.class);
    private static final double WARN_AT = 0.8;
    private static final double WARN_AGAIN_BELOW = 0.75;
    private static final double OPEN_BELOW = 0.95;

    private final String folder;
    private final BrokerLimits limits;
    private boolean warned;
    private volatile Optional<String> refusal = Optional.empty();

    DiskGate(String folder, BrokerLimits limits) {
        this.folder = folder;
        this.limits = limits;
    }

    /** Why records are refused now, for people; empty while they are taken. */
    Optional<String> refusal() {
        return refusal;
    }

    /**
     * Takes a measurement.
     *
     * @param used bytes in the broker's folder
     * @param free bytes that this process could still write to its disk
     */
    synchronized void measured(long used, long free) {
        boolean closed = refusal.isPresent();
        double open = closed ? OPEN_BELOW : 1;
        boolean overLimit = limits.diskLimit() > 0 && used >= limits.diskLimit() * open;
        boolean belowReserve = limits.diskReserve() > 0 && free < limits.diskReserve() / open;
        if (overLimit || belowReserve) {
            String why =
                    overLimit
                            ? "the disk limit of the in-process broker is reached: "
                                    + size(used)
                                    + " in "
                                    + folder
                                    + ", connect.disk-limit is "
                                    + size(limits.diskLimit())
                                    + "; raise it, delete topics, or lower"
                                    + " connect.retention-hours or connect.retention-bytes"
                            : "the disk of the in-process broker is nearly full: "
                                    + size(free)
                                    + " free for "
                                    + folder
                                    + ", connect.disk-reserve is "
                                    + size(limits.diskReserve())
                                    + "; make space on the disk, delete topics, or lower"
                                    + " connect.retention-hours or connect.retention-bytes";
            refusal = Optional.of(why);
            if (!closed) {
                LOG.error("the broker refuses records: {}", why);
            }
            return;
        }
        if (closed) {
            refusal = Optional.empty();
            LOG.warn(
                    "the broker takes records again used={} free={}; connectors go on by"
                            + " themselves",
                    size(used),
                    size(free));
        }
        warn(used, free);
    }

    private void warn(long used, long free) {
        double part = limits.diskLimit() == 0 ? 0 : (double) used / limits.diskLimit();
        // What is free can't be told in parts of a whole: a quarter more than the reserve.
        double reserve = free == 0 ? 0 : limits.diskReserve() / (double) free;
        double nearest = Math.max(part, reserve);
        if (nearest >= WARN_AT && !warned) {
            warned = true;
            LOG.warn(
                    "the in-process broker will soon refuse records: {} in {} (connect.disk-limit"
                            + " {}), {} free on its disk (connect.disk-reserve {})",
                    size(used),
                    folder,
                    limits.diskLimit() == 0 ? "none" : size(limits.diskLimit()),
                    size(free),
                    size(limits.diskReserve()));
        } else if (nearest < WARN_AGAIN_BELOW) {
            warned = false;
        }
    }

    /** Whether {@link #measured} has warned and would not again. */
    synchronized boolean warned() {
        return warned;
    }

    static String size(long bytes) {
        if (bytes < 1L << 20) {
            return bytes + " bytes";
        }
        return bytes < 1L << 30
                ? String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1L << 20))
                : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
}
