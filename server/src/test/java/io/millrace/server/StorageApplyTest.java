package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.MillraceException;
import io.millrace.mysql.sink.DdlReplay;
import java.sql.SQLException;
import java.time.ZoneId;
import java.util.List;
import org.junit.jupiter.api.Test;

final class StorageApplyTest {
    @Test
    void timestampsGoToUtc() {
        ZoneId berlin = ZoneId.of("Europe/Berlin");
        assertThat(StorageApply.inUtc("2026-07-01 12:00:00", berlin))
                .isEqualTo("2026-07-01 10:00:00");
        assertThat(StorageApply.inUtc("2026-12-01 00:30:00.120", berlin))
                .isEqualTo("2026-11-30 23:30:00.12");
        assertThat(StorageApply.inUtc("2026-11-21 08:00:00.000001", ZoneId.of("+08:00")))
                .isEqualTo("2026-11-21 00:00:00.000001");
        assertThat(StorageApply.inUtc("0000-00-00 00:00:00.000", berlin))
                .isEqualTo("0000-00-00 00:00:00.000");
        assertThatThrownBy(() -> StorageApply.inUtc("yesterday", berlin))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("yesterday");
    }

    @Test
    void aTargetThatFailsIsNoBadStatement() {
        for (SQLException e :
                List.of(
                        new SQLException("Connection reset", "08S01", 0),
                        new SQLException("Server shutdown in progress", "70100", 1053),
                        new SQLException("Lock wait timeout exceeded", "HY000", 1205),
                        new SQLException("INSERT command denied", "42000", 1142))) {
            assertThat(DdlReplay.targetFailure(e, "writing").orElseThrow().text())
                    .startsWith("writing: " + e.getMessage());
        }
        assertThat(
                        DdlReplay.targetFailure(
                                new SQLException("Data too long", "22001", 1406), "writing"))
                .isEmpty();
    }
}
