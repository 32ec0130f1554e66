package io.millrace.dialects.ticdc;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class CdcErrorsTest {
    @ParameterizedTest
    @EnumSource(ErrorCode.class)
    void everyErrorHasACodeOfTheFamily(ErrorCode code) {
        assertThat(CdcErrors.code(code, "")).matches("(CDC|DFLOW):Err[A-Za-z0-9]+");
    }

    @ParameterizedTest
    @CsvSource({
        "JOB_NOT_FOUND, mysql, CDC:ErrChangeFeedNotExists, 400",
        "JOB_ALREADY_EXISTS, mysql, CDC:ErrChangeFeedAlreadyExists, 500",
        "INVALID_CONFIG, mysql, CDC:ErrInvalidReplicaConfig, 500",
        "SINK_UNKNOWN_PROTOCOL, kafka, CDC:ErrSinkUnknownProtocol, 500",
        "SINK_CONNECTION, mysql, CDC:ErrMySQLConnectionError, 400",
        "SINK_CONNECTION, kafka+ssl, CDC:ErrKafkaNewProducer, 500",
        "SINK_CONNECTION, s3, CDC:ErrS3StorageAPI, 500",
        "SINK_ACCESS_DENIED, file, CDC:ErrS3StorageAPI, 500",
        "SINK_TRANSIENT, azblob, CDC:ErrS3StorageAPI, 500",
        "SINK_DATA, gcs, CDC:ErrS3StorageAPI, 500",
        "REDO_STORAGE_TRANSIENT, mysql, CDC:ErrS3StorageAPI, 500",
        "REDO_STORAGE_UNUSABLE, mysql, CDC:ErrStorageInitialize, 500",
        "KAFKA_INVALID_REQUIRED_ACKS, kafka, CDC:ErrKafkaInvalidRequiredAcks, 500",
        "KAFKA_INVALID_VERSION, kafka, CDC:ErrKafkaInvalidVersion, 500",
        "KAFKA_INVALID_CLIENT_ID, kafka, CDC:ErrKafkaInvalidClientID, 500",
        "UPSTREAM_PURGED, mysql, CDC:ErrSnapshotLostByGC, 500",
        "METASTORE_CONFLICT, mysql, DFLOW:ErrMetaOpFailed, 500",
        "RETRIES_EXHAUSTED, mysql, CDC:ErrChangefeedUnretryable, 500"
    })
    void codesAndStatus(ErrorCode code, String scheme, String cdc, int status) {
        assertThat(CdcErrors.code(code, scheme)).isEqualTo(cdc);
        String text = CdcErrors.text(new MillraceException(code, "why"), scheme);
        assertThat(text).isEqualTo("[" + cdc + "]why");
        assertThat(CdcErrors.status(text)).isEqualTo(status);
    }

    @Test
    void a500ErrorThatMentionsA400CodeIs400() {
        assertThat(CdcErrors.status("[CDC:ErrReachMaxTry]x: [CDC:ErrAPIInvalidParam]y"))
                .isEqualTo(400);
    }

    @Test
    void secretsAreNotRepeated() {
        assertThat(
                        CdcErrors.text(
                                new MillraceException(
                                        ErrorCode.SINK_CONNECTION, "at mysql://u:pw@h:1/"),
                                "mysql"))
                .endsWith("at mysql://u:xxxxx@h:1/");
    }
}
