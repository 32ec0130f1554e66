package io.millrace.kafka;

import io.millrace.core.model.RowBatch;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far a job has written, down to the batch: everything up to this place of the change stream is
 * in committed Kafka transactions.
 *
 * @param tso commit TSO of a transaction
 * @param eventIndex {@link RowBatch#eventIndex} of the last batch of it
 */
record Progress(long tso, int eventIndex) {
    static final Progress NONE = new Progress(0, -1);

    private static final Logger LOG = LoggerFactory.getLogger(Progress.class);
    private static final Pattern TEXT = Pattern.compile("millrace 1 (\\d{1,19}) (-?\\d{1,10})");

    boolean covers(RowBatch batch) {
        return batch.commitTso() < tso
                || batch.commitTso() == tso && batch.eventIndex() <= eventIndex;
    }

    /** Whether a DDL, a transaction of its own, is covered. */
    boolean covers(long ddlTso) {
        return ddlTso <= tso;
    }

    /** For the metadata of an offset. */
    String encode() {
        return "millrace 1 " + tso + " " + eventIndex;
    }

    /** Empty when somebody else wrote it. */
    static Optional<Progress> decode(String text) {
        Matcher parts = TEXT.matcher(text);
        if (!parts.matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    new Progress(Long.parseLong(parts.group(1)), Integer.parseInt(parts.group(2))));
        } catch (NumberFormatException e) {
            LOG.debug("no progress: {}", text, e);
            return Optional.empty();
        }
    }
}
