package io.millrace.storage.parquet;

import io.millrace.codec.csv.CsvConfig;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/**
 * How Parquet files look, by the options {@code parquet-compression} and {@code
 * csv-output-old-value}.
 *
 * @param compression of pages
 * @param outputOldValue updates have the old row too
 */
public record ParquetConfig(CompressionCodecName compression, boolean outputOldValue) {
    private static final String COMPRESSION = "parquet-compression";

    /** Options of text files, with the value that a configuration may pass on unasked. */
    private static final Map<String, String> TEXT_ONLY =
            Map.of(
                    "csv-delimiter", CsvConfig.DEFAULTS.delimiter(),
                    "csv-quote", CsvConfig.DEFAULTS.quote(),
                    "csv-null", CsvConfig.DEFAULTS.nullText(),
                    "csv-binary-encoding-method", "base64",
                    "terminator", CsvConfig.DEFAULTS.terminator());

    /** Options that are off by default. */
    private static final List<String> OTHER_SHAPES =
            List.of(
                    "csv-output-handle-key",
                    "csv-output-field-header",
                    "content-compatible",
                    "only-output-updated-columns",
                    "delete-only-output-handle-key-columns",
                    "enable-tidb-extension");

    /**
     * Reads and checks.
     *
     * @throws MillraceException SINK_INVALID_CONFIG that names the option
     */
    public static ParquetConfig of(SinkSpec spec) {
        SinkOptions options = new SinkOptions(spec, ErrorCode.SINK_INVALID_CONFIG);
        TEXT_ONLY.forEach((name, unasked) -> {
            String set = spec.option(name).orElse(unasked);
            boolean emptyIsUnset = name.equals("terminator") || name.endsWith("-method");
            if (!set.equals(unasked) && !(set.isEmpty() && emptyIsUnset)) {
                throw invalid(
                        name + " is about text files, it has no meaning with protocol=parquet");
            }
        });
        for (String name : OTHER_SHAPES) {
            if (options.flag(name, false)) {
                throw invalid(
                        name
                                + " has no meaning with protocol=parquet: files always have the"
                                + " names of the columns, the commit TSO and whole rows");
            }
        }
        boolean old = options.flag("csv-output-old-value", false);
        if (options.flag("output-raw-change-event", false) && !old) {
            throw invalid(
                    "output-raw-change-event=true with protocol=parquet needs"
                            + " csv-output-old-value=true: an update of a key that stays one row"
                            + " would not tell which row it is about");
        }
        String name = options.text(COMPRESSION, "snappy");
        return new ParquetConfig(
                switch (name.toLowerCase(Locale.ROOT)) {
                    case "snappy" -> CompressionCodecName.SNAPPY;
                    case "zstd" -> CompressionCodecName.ZSTD;
                    case "none", "uncompressed" -> CompressionCodecName.UNCOMPRESSED;
                    default ->
                            throw invalid(
                                    COMPRESSION
                                            + " must be snappy, zstd or none, not '"
                                            + name
                                            + "'");
                },
                old);
    }

    /**
     * Refuses the options of Parquet files where files have another format.
     *
     * @throws MillraceException SINK_INVALID_CONFIG that names the option
     */
    public static void refuse(SinkSpec spec) {
        if (spec.option(COMPRESSION).isPresent()) {
            throw invalid(COMPRESSION + " needs protocol=parquet: other files are not compressed");
        }
    }

    private static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.SINK_INVALID_CONFIG, message);
    }
}
