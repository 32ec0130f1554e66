package io.millrace.codec.csv;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * How lines look, by the options {@code csv-delimiter}, {@code csv-quote}, {@code csv-null}, {@code
 * csv-include-commit-ts}, {@code csv-binary-encoding-method}, {@code csv-output-old-value}, {@code
 * csv-output-handle-key}, {@code csv-output-field-header} and {@code terminator}.
 *
 * @param delimiter between the fields, 1 to 3 bytes of UTF-8
 * @param quote around strings, one ASCII character; empty escapes with backslashes instead
 * @param nullText stands for NULL, never quoted
 * @param includeCommitTs a field with the commit TSO
 * @param binaryEncoding how bytes become text
 * @param outputOldValue an update is two lines, the old row as a delete and the new one as an
 *     insert, and a field tells such lines
 * @param outputHandleKey a field with the row's handle key
 * @param outputFieldHeader a first line with the names of the fields
 * @param terminator behind each line
 */
public record CsvConfig(
        String delimiter,
        String quote,
        String nullText,
        boolean includeCommitTs,
        BinaryEncoding binaryEncoding,
        boolean outputOldValue,
        boolean outputHandleKey,
        boolean outputFieldHeader,
        String terminator) {

    private static final int MAX_DELIMITER_BYTES = 3;

    /** What is written when nothing is configured. */
    public static final CsvConfig DEFAULTS =
            new CsvConfig(
                    ",", "\"", "\\N", false, BinaryEncoding.BASE64, false, false, false, "\r\n");

    /** How bytes become text. */
    public enum BinaryEncoding {
        BASE64,
        /** Lower-case digits. */
        HEX
    }

    /**
     * Checks what does not fit together.
     *
     * @throws MillraceException SINK_INVALID_CONFIG that names the option
     */
    public CsvConfig {
        if (quote.length() > 1 || !quote.isEmpty() && quote.charAt(0) >= 0x80) {
            throw invalid("csv.quote must be empty or one ASCII character");
        }
        if (quote.equals("\r") || quote.equals("\n")) {
            throw invalid("csv.quote must not be a line break");
        }
        int bytes = delimiter.getBytes(StandardCharsets.UTF_8).length;
        if (bytes == 0 || bytes > MAX_DELIMITER_BYTES) {
            throw invalid("csv.delimiter must have 1 to " + MAX_DELIMITER_BYTES + " characters");
        }
        if (delimiter.indexOf('\r') >= 0 || delimiter.indexOf('\n') >= 0) {
            throw invalid("csv.delimiter must not contain line breaks");
        }
        if (!quote.isEmpty() && delimiter.contains(quote)) {
            throw invalid("csv.delimiter must not contain csv.quote");
        }
        if (terminator.isEmpty()) {
            throw invalid("terminator must not be empty");
        }
    }

    /**
     * Reads and checks.
     *
     * @throws MillraceException SINK_INVALID_CONFIG that names the option
     */
    public static CsvConfig of(SinkSpec spec) {
        SinkOptions options = new SinkOptions(spec, ErrorCode.SINK_INVALID_CONFIG);
        if (options.flag("delete-only-output-handle-key-columns", false)) {
            throw invalid(
                    "csv always writes all columns of a deleted row:"
                            + " delete-only-output-handle-key-columns must not be true");
        }
        // Blanks and empty texts mean something here: options are taken as they are.
        String encoding = spec.option("csv-binary-encoding-method").orElse("");
        return new CsvConfig(
                spec.option("csv-delimiter").orElse(DEFAULTS.delimiter()),
                spec.option("csv-quote").orElse(DEFAULTS.quote()),
                spec.option("csv-null").orElse(DEFAULTS.nullText()),
                options.flag("csv-include-commit-ts", false),
                switch (encoding.toLowerCase(Locale.ROOT)) {
                    case "", "base64" -> BinaryEncoding.BASE64;
                    case "hex" -> BinaryEncoding.HEX;
                    default ->
                            throw invalid(
                                    "csv.binary_encoding_method must be base64 or hex, not '"
                                            + encoding
                                            + "'");
                },
                options.flag("csv-output-old-value", false),
                options.flag("csv-output-handle-key", false),
                options.flag("csv-output-field-header", false),
                spec.option("terminator")
                        .filter(text -> !text.isEmpty())
                        .orElse(DEFAULTS.terminator()));
    }

    private static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.SINK_INVALID_CONFIG, message);
    }
}
