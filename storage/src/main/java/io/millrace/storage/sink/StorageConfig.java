package io.millrace.storage.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Locale;
import java.util.Optional;

/**
 * Options of the storage sink.
 *
 * @param format how rows look
 * @param workers files that are uploaded at a time
 * @param flushInterval longest that a row waits for its file to be closed, unless uploads are slow
 * @param fileBytes size at which a file is closed
 * @param partsAtOnce parts of one large object that are uploaded at a time
 * @param columnIds schema files tell the columns' ids
 * @param rawChangeEvents an update that changes a key stays one row
 * @param dateSeparator folders by date
 * @param indexWidth digits of file numbers
 * @param wholeTransactions a table's rows of one transaction stay in one file
 * @param expirationDays age at which data files are deleted, 0 for never
 * @param cleanup when expired files are looked for
 * @param zone of dates in folder names
 */
record StorageConfig(
        Format format,
        int workers,
        Duration flushInterval,
        int fileBytes,
        int partsAtOnce,
        boolean columnIds,
        boolean rawChangeEvents,
        DateSeparator dateSeparator,
        int indexWidth,
        boolean wholeTransactions,
        int expirationDays,
        Cron cleanup,
        ZoneId zone) {

    private static final int DEFAULT_WORKERS = 16;
    private static final int MAX_WORKERS = 512;
    private static final Duration DEFAULT_FLUSH = Duration.ofSeconds(5);
    private static final Duration MIN_FLUSH = Duration.ofSeconds(2);
    private static final Duration MAX_FLUSH = Duration.ofMinutes(10);
    private static final int DEFAULT_FILE_BYTES = 64 << 20;
    private static final int MIN_FILE_BYTES = 1 << 20;
    private static final int MAX_FILE_BYTES = 512 << 20;
    private static final int MAX_PARTS = 512;
    private static final int DEFAULT_INDEX_WIDTH = 20;
    private static final int MIN_INDEX_WIDTH = 6;
    private static final String DEFAULT_CLEANUP = "0 0 2 * * *";

    /** The formats that files may have. */
    enum Format {
        CSV("csv"),
        CANAL_JSON("json"),
        PARQUET("parquet");

        private final String extension;

        Format(String extension) {
            this.extension = extension;
        }

        /** Of data files, without the dot. */
        String extension() {
            return extension;
        }
    }

    /** How finely folders are split by date. */
    enum DateSeparator {
        NONE,
        YEAR,
        MONTH,
        DAY
    }

    /**
     * Reads and checks; does not look at the format's own options.
     *
     * @throws MillraceException a USER error that names the option
     */
    static StorageConfig parse(SinkSpec spec) {
        SinkOptions options = new SinkOptions(spec, ErrorCode.STORAGE_INVALID_CONFIG);
        int workers = options.number("worker-count").orElse(DEFAULT_WORKERS);
        if (workers <= 0) {
            throw invalid("worker-count must be positive: " + workers);
        }
        Duration flush = options.duration("flush-interval", DEFAULT_FLUSH);
        long fileBytes = options.longNumber("file-size").orElse(DEFAULT_FILE_BYTES);
        int parts = options.number("flush-concurrency").orElse(1);
        if (parts < 1 || parts > MAX_PARTS) {
            throw invalid("flush-concurrency must be between 1 and " + MAX_PARTS + ": " + parts);
        }
        int width = options.number("file-index-width").orElse(DEFAULT_INDEX_WIDTH);
        DateSeparator separator = separator(spec);
        int days = options.number("file-expiration-days").orElse(0);
        if (days < 0) {
            throw invalid("file-expiration-days must not be negative: " + days);
        }
        if (days > 0 && separator != DateSeparator.DAY) {
            throw invalid(
                    "file-expiration-days needs date-separator=day: the day in a file's folder"
                            + " tells its age");
        }
        String atomicity = options.text("transaction-atomicity", "none");
        if (!atomicity.equals("none") && !atomicity.equals("table")) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid '"
                            + atomicity
                            + " level atomicity is not supported'; use none or table");
        }
        return new StorageConfig(
                format(spec),
                Math.min(workers, MAX_WORKERS),
                clamp(flush),
                Math.clamp(fileBytes, MIN_FILE_BYTES, MAX_FILE_BYTES),
                parts,
                options.flag("output-column-id", false),
                options.flag("output-raw-change-event", false),
                separator,
                width < MIN_INDEX_WIDTH || width > DEFAULT_INDEX_WIDTH
                        ? DEFAULT_INDEX_WIDTH
                        : width,
                atomicity.equals("table"),
                days,
                Cron.parse(options.text("file-cleanup-cron-spec", DEFAULT_CLEANUP)),
                ZoneId.of(spec.timeZone()));
    }

    private static Duration clamp(Duration flush) {
        if (flush.compareTo(MIN_FLUSH) < 0) {
            return MIN_FLUSH;
        }
        return flush.compareTo(MAX_FLUSH) > 0 ? MAX_FLUSH : flush;
    }

    private static Format format(SinkSpec spec) {
        String name = spec.option("protocol").orElse("").trim();
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "csv" -> Format.CSV;
            case "canal-json" -> Format.CANAL_JSON;
            case "parquet" -> Format.PARQUET;
            default ->
                    throw new MillraceException(
                            ErrorCode.SINK_UNKNOWN_PROTOCOL,
                            "unknown '"
                                    + name
                                    + "' message protocol for sink; storage takes csv,"
                                    + " canal-json and parquet");
        };
    }

    private static DateSeparator separator(SinkSpec spec) {
        Optional<String> name = spec.option("date-separator").filter(text -> !text.isBlank());
        return switch (name.orElse("none").toLowerCase(Locale.ROOT)) {
            case "none" -> DateSeparator.NONE;
            case "year" -> DateSeparator.YEAR;
            case "month" -> DateSeparator.MONTH;
            case "day" -> DateSeparator.DAY;
            default ->
                    throw new MillraceException(
                            ErrorCode.SINK_INVALID_CONFIG,
                            "date-separator must be none, year, month or day, not "
                                    + name.orElse(""));
        };
    }

    private static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.STORAGE_INVALID_CONFIG, message);
    }
}
