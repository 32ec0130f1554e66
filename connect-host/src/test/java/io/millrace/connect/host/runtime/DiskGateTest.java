package io.millrace.connect.host.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.connect.host.BrokerLimits;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskGateTest {
    private static final long MIB = 1L << 20;
    private static final long PLENTY = 1L << 50;

    @Test
    void closesAtTheLimitAndOpensWhenThereIsSomeRoom() {
        DiskGate gate = new DiskGate("/data", new BrokerLimits(1, 0, 100 * MIB, 0));
        gate.measured(100 * MIB - 1, 0);
        assertThat(gate.refusal()).isEmpty();
        gate.measured(100 * MIB, 0);
        assertThat(gate.refusal().orElseThrow())
                .startsWith(
                        "the disk limit of the in-process broker is reached: 100.0 MiB in /data")
                .contains("connect.disk-limit is 100.0 MiB")
                .contains("raise it, delete topics, or lower connect.retention-hours");
        gate.measured(96 * MIB, 0);
        assertThat(gate.refusal()).as("not yet enough room").isPresent();
        gate.measured(94 * MIB, 0);
        assertThat(gate.refusal()).isEmpty();
    }

    @Test
    void closesWhenTheDiskIsNearlyFull() {
        DiskGate gate = new DiskGate("/data", new BrokerLimits(1, 0, 0, 100 * MIB));
        gate.measured(PLENTY, 100 * MIB);
        assertThat(gate.refusal()).isEmpty();
        gate.measured(0, 100 * MIB - 1);
        assertThat(gate.refusal().orElseThrow())
                .startsWith("the disk of the in-process broker is nearly full: 100.0 MiB free for")
                .contains("connect.disk-reserve is 100.0 MiB; make space on the disk");
        gate.measured(0, 104 * MIB);
        assertThat(gate.refusal()).as("not yet enough room").isPresent();
        gate.measured(0, 106 * MIB);
        assertThat(gate.refusal()).isEmpty();
    }

    @Test
    void warnsOnceAtFourFifths() {
        DiskGate gate = new DiskGate("/data", new BrokerLimits(1, 0, 100 * MIB, 100 * MIB));
        gate.measured(79 * MIB, PLENTY);
        assertThat(gate.warned()).isFalse();
        gate.measured(80 * MIB, PLENTY);
        assertThat(gate.warned()).isTrue();
        gate.measured(77 * MIB, PLENTY);
        assertThat(gate.warned()).isTrue();
        gate.measured(70 * MIB, PLENTY);
        assertThat(gate.warned()).isFalse();
        gate.measured(0, 120 * MIB);
        assertThat(gate.warned()).isTrue();
        assertThat(gate.refusal()).isEmpty();
    }

    @Test
    void zeroIsNoLimit() {
        DiskGate gate = new DiskGate("/data", new BrokerLimits(1, 0, 0, 0));
        gate.measured(PLENTY, 0);
        assertThat(gate.refusal()).isEmpty();
        assertThat(gate.warned()).isFalse();
    }

    @Test
    void emptyIndexesDoNotCount(@TempDir Path folder) throws Exception {
        Path partition = Files.createDirectories(folder.resolve("t-0"));
        Files.write(partition.resolve("0.log"), new byte[1000]);
        Files.write(partition.resolve("0.index"), new byte[5000]);
        Files.write(partition.resolve("0.timeindex"), new byte[5000]);
        Files.write(folder.resolve("meta.properties"), new byte[10]);
        assertThat(DiskWatch.used(folder)).isEqualTo(1010);
    }
}
