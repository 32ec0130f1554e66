package io.millrace.storage.sink;

import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import java.io.IOException;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZonedDateTime;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Deletes data files in folders of days that are over for long, at the times of a {@link Cron}. */
final class Cleanup implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Cleanup.class);

    /** Schema, table, version, day, file: index files count as files of their day. */
    private static final int DAY_PART = 3;

    private final ObjectStore store;
    private final StorageConfig config;
    private final Clock clock;
    private volatile boolean closed;
    private final Thread thread;

    private Cleanup(ObjectStore store, StorageConfig config, Clock clock) {
        this.store = store;
        this.config = config;
        this.clock = clock.withZone(config.zone());
        thread = Thread.ofVirtual().name("storage-cleanup").unstarted(this::run);
    }

    static Cleanup start(ObjectStore store, StorageConfig config, Clock clock) {
        Cleanup cleanup = new Cleanup(store, config, clock);
        cleanup.thread.start();
        return cleanup;
    }

    private void run() {
        while (!closed) {
            ZonedDateTime now = ZonedDateTime.now(clock);
            Optional<ZonedDateTime> next = config.cleanup().next(now);
            if (next.isEmpty()) {
                return;
            }
            try {
                Thread.sleep(Duration.between(now, next.get()));
            } catch (InterruptedException e) {
                return;
            }
            try {
                int deleted =
                        deleteExpired(
                                store, LocalDate.now(clock).minusDays(config.expirationDays()));
                LOG.info("expired files deleted files={} in={}", deleted, store.location());
            } catch (IOException | MillraceException e) {
                LOG.warn("deleting expired files failed, the next time will do it", e);
            }
        }
    }

    /** Deletes data files of days before the given one; returns how many. */
    static int deleteExpired(ObjectStore store, LocalDate firstKept) throws IOException {
        int deleted = 0;
        for (ObjectStore.Entry entry : store.list("")) {
            String[] parts = entry.name().split("/");
            if (parts.length > DAY_PART + 1 && isBefore(parts[DAY_PART], firstKept)) {
                store.delete(entry.name());
                deleted++;
            }
        }
        return deleted;
    }

    private static boolean isBefore(String part, LocalDate day) {
        try {
            return LocalDate.parse(part).isBefore(day);
        } catch (DateTimeException e) {
            return false; // some other folder
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }
}
