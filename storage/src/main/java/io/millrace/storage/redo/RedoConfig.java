package io.millrace.storage.redo;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/**
 * What a job's redo log is to be like. Comes from the job's options only: a sink URI's parameters
 * do not reach it.
 *
 * @param storage where the files lie
 * @param maxLogBytes size at which a file is closed; at most 1 GiB, whatever was asked for
 * @param flushInterval longest time that a change waits for its file
 * @param metaInterval shortest time between two meta files
 * @param lz4 whether log files are LZ4 frames
 * @param fileBackend whether a file is gathered on disk before it goes to the storage
 * @param holdBytes rows held back until their transaction is durable; a larger transaction reaches
 *     the target in parts
 */
record RedoConfig(
        URI storage,
        int maxLogBytes,
        Duration flushInterval,
        Duration metaInterval,
        boolean lz4,
        boolean fileBackend,
        long holdBytes) {
    /** Option with the storage's URI; a job without it has no redo log. */
    static final String STORAGE = "redo-storage";

    static final String MAX_LOG_SIZE = "redo-max-log-size";
    static final String FLUSH_INTERVAL = "redo-flush-interval";
    static final String META_FLUSH_INTERVAL = "redo-meta-flush-interval";
    static final String COMPRESSION = "redo-compression";
    static final String FILE_BACKEND = "redo-use-file-backend";
    static final String HOLD_BYTES = "redo-hold-bytes";

    private static final int DEFAULT_MAX_LOG_MB = 64;
    private static final int LARGEST_MAX_LOG_MB = 1024;
    private static final int DEFAULT_FLUSH_MS = 2000;
    private static final int DEFAULT_META_MS = 200;
    private static final int LEAST_INTERVAL_MS = 50;
    private static final long DEFAULT_HOLD_BYTES = 512L << 20;

    /** Empty when the job has no redo log. */
    static Optional<RedoConfig> of(SinkSpec spec) {
        String uri = spec.options().get(STORAGE);
        if (uri == null) {
            return Optional.empty();
        }
        int maxLog = number(spec, MAX_LOG_SIZE, DEFAULT_MAX_LOG_MB);
        if (maxLog < 0) {
            throw invalid(
                    "max_log_size is "
                            + maxLog
                            + "; it must be positive (MiB), or 0 for "
                            + DEFAULT_MAX_LOG_MB);
        }
        String compression = spec.options().getOrDefault(COMPRESSION, "none");
        if (!compression.isEmpty() && !compression.equals("none") && !compression.equals("lz4")) {
            throw invalid("compression is '" + compression + "'; it must be none or lz4");
        }
        return Optional.of(
                new RedoConfig(
                        SinkSpec.parseUri(uri),
                        Math.min(maxLog == 0 ? DEFAULT_MAX_LOG_MB : maxLog, LARGEST_MAX_LOG_MB)
                                << 20,
                        interval(spec, FLUSH_INTERVAL, DEFAULT_FLUSH_MS),
                        interval(spec, META_FLUSH_INTERVAL, DEFAULT_META_MS),
                        compression.equals("lz4"),
                        "true".equals(spec.options().get(FILE_BACKEND)),
                        holdBytes(spec)));
    }

    private static Duration interval(SinkSpec spec, String option, int standard) {
        int ms = number(spec, option, standard);
        if (ms == 0) {
            ms = standard;
        }
        if (ms < LEAST_INTERVAL_MS) {
            throw invalid(
                    option.substring("redo-".length()).replace('-', '_')
                            + " is "
                            + ms
                            + "; it must be equal or greater than "
                            + LEAST_INTERVAL_MS
                            + " (ms)");
        }
        return Duration.ofMillis(ms);
    }

    private static int number(SinkSpec spec, String option, int standard) {
        String text = spec.options().get(option);
        if (text == null) {
            return standard;
        }
        try {
            return Math.clamp(Long.parseLong(text), Integer.MIN_VALUE, Integer.MAX_VALUE);
        } catch (NumberFormatException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "consistent: " + option + " must be a whole number, not '" + text + "'",
                    e);
        }
    }

    private static long holdBytes(SinkSpec spec) {
        String text = spec.options().get(HOLD_BYTES);
        return text == null ? DEFAULT_HOLD_BYTES : Long.parseLong(text);
    }

    private static MillraceException invalid(String what) {
        return new MillraceException(ErrorCode.INVALID_CONFIG, "The consistent." + what);
    }
}
