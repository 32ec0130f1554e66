package io.millrace.cli;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of commands that speak to a Kafka. */
final class KafkaAddress {
    static final String BOOTSTRAP = "bootstrap.servers";

    /** How long a broker that does not answer is waited for. */
    static final int TIMEOUT_MS = 5_000;

    @Option(
            names = {"-b", "--bootstrap-servers"},
            paramLabel = "HOST:PORT[,…]",
            description =
                    "Brokers. Default: ${DEFAULT-VALUE}, the broker in the process of ./millrace"
                            + " server",
            defaultValue = "127.0.0.1:19092")
    private String servers = "";

    @Option(
            names = "--command-config",
            paramLabel = "FILE",
            description =
                    "Settings of a Kafka client, as Kafka's own tools take them: security.protocol,"
                            + " sasl.jaas.config, …")
    private @Nullable Path file;

    static {
        // Kafka's client logs through SLF4J, which has nowhere to log to here, and would say so.
        System.setProperty("slf4j.internal.verbosity", "ERROR");
    }

    String servers() {
        return servers;
    }

    /** Settings for any client. */
    Map<String, Object> client() {
        Map<String, Object> all = new HashMap<>();
        // A name that resolves and answers late is as bad as one that does not answer.
        all.put("default.api.timeout.ms", TIMEOUT_MS);
        all.put("request.timeout.ms", TIMEOUT_MS);
        all.put("socket.connection.setup.timeout.ms", (long) TIMEOUT_MS);
        all.put("enable.metrics.push", false);
        if (file != null) {
            Properties given = new Properties();
            try (Reader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
                given.load(in);
            } catch (IOException | IllegalArgumentException e) {
                throw new CliException("cannot read --command-config " + file + ": " + e);
            }
            given.forEach((key, value) -> all.put(key.toString(), value));
        }
        all.put(BOOTSTRAP, servers);
        return all;
    }

    /** What a failure of a client means, with what to do. */
    CliException explained(Throwable thrown) {
        Throwable cause = thrown;
        while ((cause instanceof ExecutionException
                        || cause instanceof CompletionException
                        || cause.getClass() == org.apache.kafka.common.KafkaException.class)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        String text = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        return switch (cause) {
            case CliException ours -> ours;
            case org.apache.kafka.common.errors.TimeoutException e ->
                    new CliException(
                            "no Kafka answers at "
                                    + servers
                                    + " within "
                                    + TIMEOUT_MS / 1000
                                    + " s. Is the server running (./millrace server), and is it the"
                                    + " right address (--bootstrap-servers, kafka-port in"
                                    + " [connect])? A Kafka with TLS or login needs"
                                    + " --command-config");
            case org.apache.kafka.common.config.ConfigException e ->
                    new CliException(
                            "the address "
                                    + servers
                                    + " or a setting of --command-config cannot be used: "
                                    + text);
            case org.apache.kafka.common.errors.AuthenticationException e ->
                    new CliException(
                            "Kafka at "
                                    + servers
                                    + " refuses the login: "
                                    + text
                                    + "; see --command-config");
            case org.apache.kafka.common.errors.AuthorizationException e ->
                    new CliException("Kafka at " + servers + " does not allow it: " + text);
            default -> new CliException("Kafka at " + servers + ": " + text);
        };
    }
}
