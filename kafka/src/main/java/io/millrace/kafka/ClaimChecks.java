package io.millrace.kafka;

import io.millrace.codec.LargeMessages;
import io.millrace.codec.Message;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import java.io.IOException;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts messages that are too large for a topic into a store, each in a file of its own, and says
 * where. Files are written on threads of their own; those of a run that broke off before their
 * message arrived stay, and nobody points to them.
 */
final class ClaimChecks implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ClaimChecks.class);

    private final ObjectStore store;
    private final LargeMessages options;

    /** A file that is being written. */
    static final class Claim {
        private final String location;
        private volatile boolean done;
        private @Nullable MillraceException failure;

        private Claim(String location) {
            this.location = location;
        }

        boolean isDone() {
            return done;
        }

        /** The file's full address; throws what kept it from being written. */
        String location() {
            MillraceException thrown = failure;
            if (thrown != null) {
                throw thrown;
            }
            return location;
        }
    }

    ClaimChecks(ObjectStore store, LargeMessages options) {
        this.store = store;
        this.options = options;
    }

    /** Begins to write a message, of which it takes a copy. */
    Claim put(Message message) {
        String name = UUID.randomUUID() + ".json";
        byte[] content = options.claimCheckFile(message);
        String root = store.location();
        Claim claim = new Claim(root + (root.endsWith("/") ? "" : "/") + name);
        Thread.ofVirtual()
                .name("kafka-claim-check-" + name)
                .start(() -> {
                    try {
                        store.put(name, content);
                    } catch (IOException e) {
                        claim.failure =
                                new MillraceException(
                                        ErrorCode.SINK_TRANSIENT,
                                        "a large message could not be put into the claim check"
                                                + " storage "
                                                + root
                                                + ": "
                                                + e.getMessage(),
                                        e);
                    } catch (MillraceException e) {
                        claim.failure = e;
                    } catch (Throwable e) {
                        // Also an Error: the batch would wait for this claim for ever.
                        claim.failure =
                                new MillraceException(
                                        ErrorCode.INTERNAL,
                                        "the claim check storage " + root + " hit a defect: " + e,
                                        e);
                    }
                    claim.done = true;
                });
        return claim;
    }

    /** Whether the storage answers; throws what is wrong with it. */
    void check() {
        try {
            store.exists("test");
        } catch (IOException e) {
            throw new MillraceException(
                    ErrorCode.SINK_CONNECTION,
                    "the claim check storage "
                            + store.location()
                            + " cannot be used: "
                            + e.getMessage(),
                    e);
        }
    }

    @Override
    public void close() {
        try {
            store.close();
        } catch (RuntimeException e) {
            LOG.warn("closing the claim check storage failed", e);
        }
    }
}
