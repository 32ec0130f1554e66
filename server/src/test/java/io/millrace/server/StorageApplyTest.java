package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.MillraceException;
import java.time.ZoneId;
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
}
