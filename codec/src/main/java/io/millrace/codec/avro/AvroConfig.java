package io.millrace.codec.avro;

/**
 * How Avro messages are written.
 *
 * @param tidbExtension fields {@code _tidb_op}, {@code _tidb_commit_ts} and {@code
 *     _tidb_commit_physical_time} behind the columns
 * @param decimalAsText DECIMAL as string rather than as bytes of logical type decimal
 * @param unsignedBigintAsText BIGINT UNSIGNED as string rather than as long, which wraps above
 *     2^63-1
 * @param checksums fields {@code _tidb_row_level_checksum}, {@code _tidb_corrupted} and {@code
 *     _tidb_checksum_version} behind those of the extension
 * @param timeZone the zone that TIMESTAMP texts are in; counts for checksums alone
 * @param watermarks messages of a format of their own for watermarks and DDL, which no Avro reader
 *     understands
 */
public record AvroConfig(
        boolean tidbExtension,
        boolean decimalAsText,
        boolean unsignedBigintAsText,
        boolean checksums,
        String timeZone,
        boolean watermarks) {
    public static final AvroConfig DEFAULTS = new AvroConfig(false, false, false, false);

    /** Without checksums. */
    public AvroConfig(
            boolean tidbExtension,
            boolean decimalAsText,
            boolean unsignedBigintAsText,
            boolean watermarks) {
        this(tidbExtension, decimalAsText, unsignedBigintAsText, false, "UTC", watermarks);
    }
}
