package io.millrace.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class LargeMessagesTest {
    @Test
    void nothingConfiguredIsNothingSpecial() {
        assertThat(LargeMessages.of(SinkSpec.of("kafka://h/t?protocol=avro")))
                .isEqualTo(LargeMessages.NONE);
    }

    @Test
    void readsAllOptions() {
        LargeMessages read =
                LargeMessages.of(
                        SinkSpec.of(
                                "kafka://h/t?protocol=canal-json&enable-tidb-extension=true"
                                        + "&large-message-handle-option=claim-check"
                                        + "&large-message-handle-compression=LZ4"
                                        + "&claim-check-storage-uri=file%3A%2F%2F%2Fclaims"
                                        + "&claim-check-raw-value=true"));
        assertThat(read.handling()).isEqualTo(LargeMessages.Handling.CLAIM_CHECK);
        assertThat(read.compression()).isEqualTo(Compression.LZ4);
        assertThat(read.claimCheckStorage()).contains("file:///claims");
        assertThat(read.claimCheckRawValue()).isTrue();
        assertThat(read.shortens()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "protocol=avro&large-message-handle-option=handle-key-only | not with 'avro'",
                "protocol=maxwell&large-message-handle-compression=lz4 | not with 'maxwell'",
                "protocol=simple&large-message-handle-option=drop | not 'drop'",
                "protocol=simple&large-message-handle-compression=zstd | not 'zstd'",
                "protocol=simple&large-message-handle-option=claim-check | claim-check-storage-uri",
                "protocol=open-protocol&large-message-handle-option=claim-check&claim-check-storage-uri=file:///c&claim-check-raw-value=true | claim-check-raw-value",
                "protocol=canal-json&large-message-handle-option=handle-key-only | enable-tidb-extension",
            })
    void refusesWhatDoesNotFit(String query, String named) {
        assertThatThrownBy(() -> LargeMessages.of(SinkSpec.of("kafka://h/t?" + query)))
                .hasMessageContaining(named)
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.INVALID_CONFIG);
    }

    /** The rule looks at the URI alone: the same option in the configuration is not enough. */
    @Test
    void canalJsonNeedsTheExtensionInTheUri() {
        SinkSpec spec =
                new SinkSpec(
                        SinkSpec.parseUri(
                                "kafka://h/t?protocol=canal-json&large-message-handle-option=handle-key-only"),
                        Map.of("enable-tidb-extension", "true"),
                        List.of(),
                        true,
                        false,
                        "UTC");
        assertThatThrownBy(() -> LargeMessages.of(spec)).hasMessageContaining("sink uri");
    }

    @Test
    void tablesWithoutKeysCannotBeShortened() {
        SinkSpec spec =
                new SinkSpec(
                        SinkSpec.parseUri(
                                "kafka://h/t?protocol=simple&large-message-handle-option=handle-key-only"),
                        Map.of(),
                        List.of(),
                        true,
                        true,
                        "UTC");
        assertThatThrownBy(() -> LargeMessages.of(spec))
                .hasMessageContaining("force-replicate")
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.CODEC_INVALID_CONFIG);
    }

    @Test
    void claimCheckFilesHoldKeyAndValueOrTheBareValue() {
        LargeMessages wrapped =
                LargeMessages.of(
                        SinkSpec.of(
                                "kafka://h/t?protocol=simple&large-message-handle-option=claim-check"
                                        + "&claim-check-storage-uri=file:///c"));
        LargeMessages raw =
                LargeMessages.of(
                        SinkSpec.of(
                                "kafka://h/t?protocol=simple&large-message-handle-option=claim-check"
                                        + "&claim-check-storage-uri=file:///c&claim-check-raw-value=true"));
        Message message = new Message();
        message.value().putUtf8("{\"v\":1}");
        assertThat(wrapped.claimCheckFile(message))
                .asString()
                .isEqualTo("{\"key\":null,\"value\":\"eyJ2IjoxfQ==\"}");
        message.setKeyed();
        message.key().putUtf8("key");
        assertThat(wrapped.claimCheckFile(message))
                .asString()
                .isEqualTo("{\"key\":\"a2V5\",\"value\":\"eyJ2IjoxfQ==\"}");
        assertThat(raw.claimCheckFile(message)).asString().isEqualTo("{\"v\":1}");
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void compressionAppendsWhatExpandsToTheSame(Compression compression) throws Exception {
        Random random = new Random(7);
        for (int size : new int[] {0, 1, 100, 70_000, 300_000}) {
            byte[] source = new byte[size + 10];
            random.nextBytes(source);
            for (int i = 0; i < size; i += 3) {
                source[i] = 'x';
            }
            ByteSink out = new ByteSink(16);
            out.putUtf8("head");
            compression.append(source, 5, size, out);
            byte[] all = out.toByteArray();
            assertThat(new String(all, 0, 4, StandardCharsets.UTF_8)).isEqualTo("head");
            assertThat(compression.expand(java.util.Arrays.copyOfRange(all, 4, all.length)))
                    .isEqualTo(java.util.Arrays.copyOfRange(source, 5, 5 + size));
        }
    }
}
