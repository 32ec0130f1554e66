package io.millrace.bench.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.TestServerException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What the scripts below {@code docs/examples} need beside curl: a database of their own, and an
 * eye for JSON. The first line of output is the upstream's URI. Then each line of input, {@code
 * FILE<tab>POINTER<tab>EXPECTED}, is answered with {@code ok} or with what was found instead. The
 * database stops when the input ends.
 *
 * <p>POINTER is a JSON pointer. EXPECTED is the value's text, compact JSON for objects and arrays;
 * {@code ~REGEX} is a pattern for it, {@code *} any value, {@code -} none at all, {@code =} prints
 * the value.
 *
 * <p>With the argument {@code target} there is a second database with an empty schema {@code shop},
 * whose URI is the second word of the first line; {@code exec<tab>SQL<tab>} changes the upstream,
 * and {@code sql<tab>QUERY<tab>EXPECTED} waits until a query of the second one gives the value.
 *
 * <p>With the argument {@code connect} it is {@link ConnectHelper}.
 */
public final class ExampleHelper {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** How long a row may take to the target. */
    private static final int ROW_SECONDS = 30;

    private ExampleHelper() {}

    public static void main(String[] args) throws IOException {
        System.setProperty("log4j2.configurationFile", "log4j2-bench.xml");
        if (args.length == 1 && args[0].equals("connect")) {
            ConnectHelper.run();
            return;
        }
        if (args.length == 1 && args[0].equals("target")) {
            try (DbServer upstream = DbServer.mariadb().start();
                    DbServer target = DbServer.mariadb().start()) {
                makeOrders(upstream);
                target.execute("CREATE DATABASE shop");
                say(upstream.uri() + " " + target.uri());
                answerLines(upstream, Optional.of(target));
            }
            return;
        }
        try (DbServer upstream = DbServer.mariadb().start()) {
            makeOrders(upstream);
            say(upstream.uri());
            answerLines(upstream, Optional.empty());
        }
    }

    private static void makeOrders(DbServer upstream) {
        upstream.execute(
                "CREATE DATABASE shop",
                "CREATE TABLE shop.orders (id INT PRIMARY KEY, item VARCHAR(40))",
                "INSERT INTO shop.orders VALUES (1, 'first'), (2, 'second')");
    }

    private static void answerLines(DbServer upstream, Optional<DbServer> target)
            throws IOException {
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line;
        while ((line = in.readLine()) != null) {
            String[] parts = line.split("\t", 3);
            if (target.isPresent() && parts.length == 3 && parts[0].equals("exec")) {
                upstream.execute(parts[1]);
                say("ok");
            } else if (target.isPresent() && parts.length == 3 && parts[0].equals("sql")) {
                say(awaited(target.get(), parts[1], parts[2]));
            } else {
                say(answer(line));
            }
        }
    }

    /** {@code ok}, or what there is in the end. */
    private static String awaited(DbServer target, String query, String expected) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(ROW_SECONDS);
        while (true) {
            String found;
            try {
                found = target.query(query).orElse("nothing");
            } catch (TestServerException e) {
                found = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            }
            if (found.equals(expected)) {
                return "ok";
            }
            if (System.nanoTime() > deadline) {
                return found;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static String answer(String line) {
        String[] parts = line.split("\t", 3);
        if (parts.length < 3) {
            return "expected FILE, POINTER and EXPECTED with tabs between";
        }
        return check(Path.of(parts[0]), parts[1], parts[2]);
    }

    /** {@code ok}, or what is there instead. */
    static String check(Path file, String pointer, String expected) {
        JsonNode value;
        try {
            value = JSON.readTree(Files.readString(file)).at(pointer);
        } catch (IOException e) {
            return "not JSON: " + String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        }
        String found = value.isValueNode() ? value.asText() : value.toString();
        boolean fits =
                switch (expected.isEmpty() ? ' ' : expected.charAt(0)) {
                    case '*' -> !value.isMissingNode();
                    case '-' -> value.isMissingNode();
                    case '~' -> !value.isMissingNode() && found.matches(expected.substring(1));
                    case '=' -> false;
                    default -> !value.isMissingNode() && found.equals(expected);
                };
        return fits ? "ok" : value.isMissingNode() ? "nothing" : found;
    }
}
