package io.millrace.cli;

import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Asks the person in front of the terminal. */
final class Prompt {
    private static final int MAX_ANSWER = 4096;

    private final InputStream in;
    private final PrintWriter out;

    Prompt(InputStream in, PrintWriter out) {
        this.in = in;
        this.out = out;
    }

    /** Prints the question; true when the answer is y or yes. */
    boolean agrees(String question) {
        out.println(question);
        out.flush();
        String answer = line().strip().toLowerCase(Locale.ROOT);
        return answer.equals("y") || answer.equals("yes");
    }

    String ask(String question) {
        out.print(question);
        out.flush();
        return line().strip();
    }

    /** Does not show what is typed, as far as there is a terminal. */
    String askSecret(String question) {
        Console console = System.console();
        if (in == System.in && console != null && console.isTerminal()) {
            char[] typed = console.readPassword("%s", question);
            return typed == null ? "" : new String(typed);
        }
        return ask(question);
    }

    /** Byte by byte: what follows the line belongs to the next question. */
    private String line() {
        byte[] line = new byte[MAX_ANSWER];
        int length = 0;
        try {
            int next;
            while ((next = in.read()) >= 0 && next != '\n') {
                if (length == MAX_ANSWER) {
                    throw new CliException("the answer is longer than " + MAX_ANSWER + " bytes");
                }
                line[length++] = (byte) next;
            }
        } catch (IOException e) {
            throw new CliException("cannot read the answer: " + e.getMessage());
        }
        return new String(line, 0, length, StandardCharsets.UTF_8);
    }
}
