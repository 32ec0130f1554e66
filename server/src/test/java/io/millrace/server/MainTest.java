package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the server refuses to start with: one line that says where and why, without secrets. */
@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class MainTest {
    @TempDir Path folder;

    private record Refused(int code, String err) {}

    private static Refused run(String... arguments) {
        PrintStream real = System.err;
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            List<String> all = new ArrayList<>(List.of(arguments));
            all.add("--no-connect");
            all.add("--no-tiunimanager");
            int code = Main.run(all.toArray(String[]::new));
            return new Refused(code, err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setErr(real);
        }
    }

    private String file(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }

    @Test
    void aConfigurationThatIsNotUnderstood() throws IOException {
        record Case(String toml, String message) {}
        String data = folder.resolve("data").toString();
        for (Case wrong :
                List.of(
                        new Case(
                                "addr = \"127.0.0.1:0\"\n# x = 1\nlog-levle = \"info\"\n",
                                "log-levle - unknown key in FILE line 3; known are addr,"),
                        new Case(
                                "[tls]\ncert = \"c\"\n\n[tls ]\nkye= \"y\"",
                                "not valid TOML at line 4"),
                        new Case(
                                "[tls]\ncert = \"c\"\nkye= \"y\"",
                                "tls.kye - unknown key in FILE line 3;"),
                        new Case("[tlss]\ncert = \"c\"\n", "tlss - unknown key in FILE line 1;"),
                        new Case("tls.kye = \"c\"\n", "tls.kye - unknown key in FILE line 1;"),
                        new Case("addr = \"127.0.0.1\n", "FILE - not valid TOML at line 1"),
                        new Case(
                                "addr = \"a:1\"\naddr = \"b:1\"\n",
                                "FILE - not valid TOML at line"),
                        new Case("addr = \"127.0.0.1:99999\"", "addr - the port must be 0..65535"),
                        new Case("addr = \"0.0.0.0:0\"", "advertise-addr - must be given"),
                        new Case("addr = \"[::]:0\"", "advertise-addr - must be given"),
                        new Case("addr = \"::1:8300\"", "addr - an IPv6 address needs brackets"),
                        new Case("log-level = \"loud\"", "log-level - must be one of debug, info"),
                        new Case("time-zone = \"Mars\"", "time-zone - unknown zone Mars"),
                        new Case(
                                "max-body-bytes = \"many\"",
                                "max-body-bytes - 'many' is not a number"),
                        new Case(
                                "retry-interval = \"soon\"", "retry-interval - must be a duration"),
                        new Case(
                                "[auth]\nuser = \"u\"", "auth - user and password belong together"),
                        new Case(
                                "[auth]\nuser = \"u\"\npassword = [\"geheim\"]",
                                "auth.password - must be a single value"),
                        new Case("[tls]\ncert = \"c\"", "tls - cert and key belong together"),
                        new Case("[tls]\nca = \"c\"", "tls.ca - needs tls.cert and tls.key"),
                        new Case("[tls]\ncert = \"/no/c\"\nkey = \"/no/k\"", "/no/c"),
                        new Case(
                                "[upstreams]\nx = \"mysql://root:geheim@[h\"",
                                "upstreams.x - is not a URI"),
                        new Case(
                                "[upstreams]\nx = \"ftp://root:geheim@h\"",
                                "upstream x: unknown scheme 'ftp'; known are"),
                        new Case("[upstreams]\nx = \"mysql://root:geheim@h:x\"", "upstream x: "),
                        new Case(
                                "upstream = \"mysql://root:geheim@h:1/?foo=1\"",
                                "parameter foo is unknown"))) {
            String toml = file("wrong.toml", wrong.toml());
            Refused refused =
                    wrong.toml().contains("addr")
                            ? run("--config", toml, "--data-dir", data)
                            : run("--config", toml, "--data-dir", data, "--addr", "127.0.0.1:0");
            assertThat(refused.err())
                    .as(wrong.toml())
                    .startsWith("millrace server: ")
                    .contains(wrong.message().replace("FILE", toml))
                    .doesNotContain("geheim")
                    .doesNotContain("\tat ");
            assertThat(refused.err().lines()).as(wrong.toml()).hasSize(1);
            assertThat(refused.code()).as(wrong.toml()).isEqualTo(1);
        }
    }

    @Test
    void aDataDirectoryOrAddressThatCannotBeUsed() {
        assertThat(run("--data-dir", "/proc/none", "--addr", "127.0.0.1:0").err())
                .contains("/proc/none");
        String data = folder.resolve("data").toString();
        assertThat(run("--addr", "no-such-host.invalid:8300", "--data-dir", data).err())
                .isEqualTo(
                        "millrace server: cannot listen on no-such-host.invalid:8300 (the host name"
                                + " is unknown); choose another --addr or stop what uses it\n");
        assertThat(run("--addr", "nothing", "--data-dir", data).err())
                .contains("addr - must be host:port, such as 127.0.0.1:8300");
    }
}
