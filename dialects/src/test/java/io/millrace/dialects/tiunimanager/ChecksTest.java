package io.millrace.dialects.tiunimanager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ChecksTest {
    private static Body body(String json) {
        return Body.parse(json.getBytes(StandardCharsets.UTF_8), "Req");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "255.255.255.255",
                "0.0.0.0",
                "::1",
                "fe80::1",
                "::ffff:1.2.3.4"
            })
    void addresses(String text) {
        new Checks("R").text("Ip", text, Checks.VALID_IP).done();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "localhost",
                "256.1.1.1",
                "1.2.3",
                "1.2.3.4.",
                "1.2.3.4.5",
                ":",
                "1::2::3",
                "a.b:c",
                "::1;drop"
            })
    void noAddresses(String text) {
        assertThatThrownBy(() -> new Checks("R").text("Ip", text, Checks.VALID_IP).done())
                .isInstanceOf(UniException.class)
                .hasMessage("Key: 'R.Ip' Error:Field validation for 'Ip' failed on the 'ip' tag");
    }

    @Test
    void mailAddresses() {
        new Checks("R").text("Email", "a.b+c@example.org", Checks.VALID_EMAIL).done();
        for (String bad : List.of("a", "a@", "@b", "a b@c", "a@b\nc", "a@b@c")) {
            assertThatThrownBy(() -> new Checks("R").text("Email", bad, Checks.VALID_EMAIL).done())
                    .as(bad)
                    .isInstanceOf(UniException.class);
        }
    }

    @Test
    void membersAreReadAsGoReadsThem() {
        Body body =
                body(
                        "{\"A\":\"x\",\"a\":\"y\",\"b\":null,\"n\":9007199254740993,\"f\":true,"
                                + "\"list\":[\"p\",null],\"o\":{\"Q\":1},\"os\":[{\"q\":2}]} ]rest");
        assertThat(body.text("a")).isEqualTo("y");
        assertThat(body.text("b")).isEmpty();
        assertThat(body.has("b")).isFalse();
        assertThat(body.text("missing")).isEmpty();
        assertThat(body.integer("n")).isEqualTo(9007199254740993L);
        assertThat(body.flag("f")).isTrue();
        assertThat(body.texts("list")).containsExactly("p", "");
        assertThat(body.object("o", "O", UniCode.PARAMETER_INVALID).orElseThrow().integer("q"))
                .isEqualTo(1);
        assertThat(body.objects("os", "O").getFirst().int32("q")).isEqualTo(2);
        assertThat(body("null").text("a")).isEmpty();
    }

    @Test
    void membersOfAWrongTypeAreToldWithoutTheirValue() {
        Body body = body("{\"n\":1.5,\"t\":\"pw\",\"big\":99999999999,\"o\":{\"port\":\"x\"}}");
        assertThatThrownBy(() -> body.integer("n"))
                .hasMessage(
                        "json: cannot unmarshal number into Go struct field Req.n of type int64");
        assertThatThrownBy(() -> body.flag("t")).hasMessageNotContaining("pw");
        assertThatThrownBy(() -> body.int32("big")).hasMessageContaining("of type int32");
        assertThatThrownBy(() -> body.texts("t")).isInstanceOf(UniException.class);
        assertThatThrownBy(() -> body.objects("o", "O")).isInstanceOf(UniException.class);
        assertThatThrownBy(() ->
                        body.object("o", "Down", UniCode.PARAMETER_INVALID)
                                .orElseThrow()
                                .integer("port"))
                .isInstanceOfSatisfying(
                        UniException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(UniCode.PARAMETER_INVALID);
                            assertThat(e.detail()).contains("Down.port");
                        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"{", "{\"a\":}", "nonsense", "{\"a\":01}"})
    void brokenJson(String text) {
        assertThatThrownBy(() -> body(text))
                .isInstanceOfSatisfying(
                        UniException.class,
                        e -> assertThat(e.code()).isEqualTo(UniCode.MARSHAL_ERROR));
    }

    @Test
    void deepJsonIsRefused() {
        String deep = "{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
        assertThatThrownBy(() -> body(deep)).isInstanceOf(UniException.class);
    }
}
