package io.millrace.codec.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.ByteSink;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BinaryTextTest {
    @Test
    void agreesWithTheJdkOnAllLengths() {
        Random random = new Random(3);
        byte[] source = new byte[80];
        for (int length = 0; length <= 70; length++) {
            random.nextBytes(source);
            byte[] part = Arrays.copyOfRange(source, 4, 4 + length);
            ByteSink out = new ByteSink(1);
            BinaryText.appendBase64(source, 4, length, out);
            assertThat(out.toString()).isEqualTo(Base64.getEncoder().encodeToString(part));
            out.clear();
            BinaryText.appendHex(source, 4, length, out);
            assertThat(out.toString()).isEqualTo(HexFormat.of().formatHex(part));
        }
    }
}
