package io.millrace.codec;

import io.millrace.codec.text.BinaryText;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What happens to rows that are too large for a message, by the options {@code
 * large-message-handle-option}, {@code large-message-handle-compression}, {@code
 * claim-check-storage-uri} and {@code claim-check-raw-value}.
 *
 * @param handling of messages that are too large even compressed
 * @param compression of every value, whatever its size
 * @param claimCheckStorage URI of the store that takes whole messages; set exactly when the
 *     handling is CLAIM_CHECK
 * @param claimCheckRawValue the store's files hold the bare value instead of {@link #claimCheckFile
 *     a document with key and value}
 */
public record LargeMessages(
        Handling handling,
        Compression compression,
        Optional<String> claimCheckStorage,
        boolean claimCheckRawValue) {

    /** Nothing special: a row that is too large is an error. */
    public static final LargeMessages NONE =
            new LargeMessages(Handling.NONE, Compression.NONE, Optional.empty(), false);

    /** Formats that can shorten and compress, by all names they have. */
    private static final Set<String> CAPABLE =
            Set.of("open-protocol", "default", "simple", "canal-json");

    private static final String OPTION = "large-message-handle-option";
    private static final String COMPRESSION = "large-message-handle-compression";
    private static final String STORAGE = "claim-check-storage-uri";
    private static final String RAW = "claim-check-raw-value";

    /** What becomes of a message that is too large. */
    public enum Handling {
        /** The job fails. */
        NONE,
        /** The whole message goes to a store, the queue gets the handle key and the place. */
        CLAIM_CHECK,
        /** The queue gets the handle key, the rest is lost to it. */
        HANDLE_KEY_ONLY
    }

    /**
     * Reads and checks.
     *
     * @throws MillraceException INVALID_CONFIG, or CODEC_INVALID_CONFIG together with
     *     force-replicate; names the option
     */
    public static LargeMessages of(SinkSpec spec) {
        SinkOptions options = new SinkOptions(spec, ErrorCode.INVALID_CONFIG);
        String protocol = options.text("protocol", "").toLowerCase(Locale.ROOT);
        Handling handling =
                switch (options.text(OPTION, "none")) {
                    case "none" -> Handling.NONE;
                    case "claim-check" -> Handling.CLAIM_CHECK;
                    case "handle-key-only" -> Handling.HANDLE_KEY_ONLY;
                    default ->
                            throw invalid(
                                    OPTION
                                            + " must be none, claim-check or handle-key-only, not '"
                                            + options.text(OPTION, "")
                                            + "'");
                };
        Compression compression =
                switch (options.text(COMPRESSION, "none").toLowerCase(Locale.ROOT)) {
                    case "none" -> Compression.NONE;
                    case "snappy" -> Compression.SNAPPY;
                    case "lz4" -> Compression.LZ4;
                    default ->
                            throw invalid(
                                    COMPRESSION
                                            + " must be none, snappy or lz4, not '"
                                            + options.text(COMPRESSION, "")
                                            + "'");
                };
        if (compression != Compression.NONE) {
            requireCapable(COMPRESSION, protocol);
        }
        boolean raw = options.flag(RAW, false);
        if (handling == Handling.NONE) {
            return new LargeMessages(handling, compression, Optional.empty(), false);
        }
        requireCapable(OPTION, protocol);
        if (spec.forceReplicate()) {
            throw new MillraceException(
                    ErrorCode.CODEC_INVALID_CONFIG,
                    OPTION
                            + " cannot be used with force-replicate: tables without a key have no"
                            + " handle key columns");
        }
        if (protocol.equals("canal-json") && !extensionInUri(spec)) {
            throw invalid(
                    OPTION
                            + " with canal-json needs the TiDB extension: add"
                            + " enable-tidb-extension=true to the sink uri");
        }
        Optional<String> storage = Optional.empty();
        if (handling == Handling.CLAIM_CHECK) {
            storage = options.text(STORAGE);
            if (storage.isEmpty()) {
                throw invalid(OPTION + "=claim-check needs " + STORAGE);
            }
            if (raw && Set.of("open-protocol", "default").contains(protocol)) {
                throw invalid(RAW + " cannot be used with open-protocol, whose keys matter");
            }
        }
        return new LargeMessages(
                handling, compression, storage, raw && handling == Handling.CLAIM_CHECK);
    }

    private static void requireCapable(String option, String protocol) {
        if (!CAPABLE.contains(protocol)) {
            throw invalid(
                    option
                            + " works with open-protocol, canal-json and simple, not with '"
                            + protocol
                            + "'");
        }
    }

    private static boolean extensionInUri(SinkSpec spec) {
        SinkSpec uriAlone =
                new SinkSpec(spec.uri(), Map.of(), List.of(), true, false, spec.timeZone());
        return new SinkOptions(uriAlone, ErrorCode.INVALID_CONFIG)
                .flag("enable-tidb-extension", false);
    }

    private static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.INVALID_CONFIG, message);
    }

    /** Whether rows that are too large are shortened. */
    public boolean shortens() {
        return handling != Handling.NONE;
    }

    /**
     * The content of the file that keeps a whole message: its value alone if so configured, else
     * {@code {"key":"<Base64>","value":"<Base64>"}} with null for a missing key.
     */
    public byte[] claimCheckFile(Message message) {
        if (claimCheckRawValue) {
            return message.valueBytes();
        }
        ByteSink file = new ByteSink(message.size() / 3 * 4 + 64);
        if (message.isKeyed()) {
            file.putUtf8("{\"key\":\"");
            BinaryText.appendBase64(message.key().array(), 0, message.key().length(), file);
            file.putUtf8("\"");
        } else {
            file.putUtf8("{\"key\":null");
        }
        file.putUtf8(",\"value\":\"");
        BinaryText.appendBase64(message.value().array(), 0, message.value().length(), file);
        file.putUtf8("\"}");
        return file.toByteArray();
    }
}
