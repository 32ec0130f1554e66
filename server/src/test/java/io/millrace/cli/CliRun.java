package io.millrace.cli;

import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Runs the command line in this process; what it prints is kept. */
public record CliRun(int code, String out, String err) {
    /**
     * @param environment variables that the command sees
     * @param answers what is typed
     */
    public static CliRun of(Map<String, String> environment, String answers, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code =
                Main.run(
                        new Surroundings(
                                environment,
                                new ByteArrayInputStream(answers.getBytes(StandardCharsets.UTF_8)),
                                new PrintWriter(out, true),
                                new PrintWriter(err, true)),
                        arguments);
        return new CliRun(code, out.toString(), err.toString());
    }
}
