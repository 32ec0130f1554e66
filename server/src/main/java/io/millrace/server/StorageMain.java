package io.millrace.server;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.control.Secrets;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.spi.SinkSpec;
import io.millrace.storage.reader.StorageReader;
import io.millrace.storage.reader.StoredRow;
import io.millrace.storage.reader.StoredRows;
import io.millrace.storage.reader.StoredTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.math.BigInteger;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Base64;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code millrace storage}: what a storage sink has written, as rows again. */
@Command(
        name = "millrace storage",
        mixinStandardHelpOptions = true,
        description = "Reads the files of a storage sink.",
        subcommands = {StorageMain.Cat.class, StorageMain.Apply.class})
public final class StorageMain implements Runnable {
    private static final int DEFAULT_PORT = 4000;

    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    private StorageMain() {}

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs one command; returns its exit code. */
    static int run(String... args) {
        return new CommandLine(new StorageMain()).execute(args);
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** Options of both commands. */
    abstract static class Base implements Callable<Integer> {
        @CommandLine.Spec
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        CommandLine.Model.CommandSpec command;

        @Parameters(
                paramLabel = "URI",
                description =
                        "The changefeed's sink URI, with the options that say how lines look, such"
                                + " as csv-include-commit-ts=true.")
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private String uri;

        abstract void work(StorageReader reader, PrintWriter out) throws IOException, SQLException;

        @Override
        public Integer call() {
            PrintWriter out = command.commandLine().getOut();
            try (StorageReader reader = StorageReader.open(uri)) {
                work(reader, out);
                out.flush();
                return 0;
            } catch (MillraceException e) {
                return failed(e.text());
            } catch (IOException | SQLException e) {
                return failed(String.valueOf(e.getMessage()));
            }
        }

        private int failed(String message) {
            command.commandLine()
                    .getErr()
                    .println(command.qualifiedName() + ": " + Secrets.maskText(message));
            return 1;
        }
    }

    /** Rows as JSON lines. */
    @Command(
            name = "cat",
            mixinStandardHelpOptions = true,
            description = "Prints rows as JSON lines, by table version, date and file.")
    static final class Cat extends Base {
        @Option(names = "--table", paramLabel = "SCHEMA.TABLE", description = "Only this table.")
        private @Nullable String table;

        @Option(names = "--from", paramLabel = "TSO", description = "Only rows after this TSO.")
        private long from;

        @Option(names = "--to", paramLabel = "TSO", description = "Only rows up to this TSO.")
        private long to = Long.MAX_VALUE;

        @Option(names = "--limit", paramLabel = "N", description = "At most so many rows.")
        private long limit = Long.MAX_VALUE;

        @Override
        void work(StorageReader reader, PrintWriter out) throws IOException {
            JsonMapper json = new JsonMapper();
            long printed = 0;
            for (StoredTable each : reader.tables()) {
                if (table != null && !each.schema().name().toString().equals(table)) {
                    continue;
                }
                for (String file : each.files()) {
                    try (StoredRows rows = reader.rows(each, file)) {
                        while (rows.hasNext()) {
                            StoredRow row = rows.next();
                            if (isAskedFor(row, file)) {
                                if (printed++ >= limit) {
                                    return;
                                }
                                out.println(json.writeValueAsString(line(json, each, file, row)));
                            }
                        }
                    }
                }
            }
        }

        private boolean isAskedFor(StoredRow row, String file) {
            if (row.commitTso() == 0 && (from != 0 || to != Long.MAX_VALUE)) {
                throw new MillraceException(
                        ErrorCode.INVALID_PARAMETER,
                        "the rows of "
                                + file
                                + " do not tell their TSO, so --from and --to cannot be used");
            }
            return row.commitTso() == 0 || row.commitTso() > from && row.commitTso() <= to;
        }

        private static ObjectNode line(
                JsonMapper json, StoredTable table, String file, StoredRow row) {
            ObjectNode line = json.createObjectNode();
            line.put(
                    "op",
                    switch (row.op()) {
                        case RowBatch.INSERT -> "insert";
                        case RowBatch.UPDATE -> "update";
                        default -> "delete";
                    });
            line.put("schema", row.table().schema());
            line.put("table", row.table().table());
            line.put("version", new BigInteger(Long.toUnsignedString(table.version())));
            if (row.commitTso() != 0) {
                line.put("commitTs", new BigInteger(Long.toUnsignedString(row.commitTso())));
            }
            line.put("file", file);
            put(line, "before", row.before());
            put(line, "after", row.after());
            return line;
        }

        private static void put(
                ObjectNode line, String name, Map<String, @Nullable Object> values) {
            if (values.isEmpty()) {
                return;
            }
            ObjectNode object = line.putObject(name);
            values.forEach((column, value) -> {
                if (value instanceof byte[] bytes) {
                    object.put(column, Base64.getEncoder().encodeToString(bytes));
                } else if (value instanceof Instant instant) {
                    object.put(column, instant.toString());
                } else {
                    object.putPOJO(column, value);
                }
            });
        }
    }

    /** Rows and DDL into a database. */
    @Command(
            name = "apply",
            mixinStandardHelpOptions = true,
            description = {
                "Replays rows and DDL up to the checkpoint in the file 'metadata' into MySQL or"
                        + " MariaDB.",
                "A second run ends in the same state, but for tables without a key."
            })
    static final class Apply extends Base {
        @Option(
                names = "--sink-uri",
                required = true,
                paramLabel = "URI",
                description = "mysql://user:password@host:port/")
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private String target;

        @Option(
                names = "--strict",
                description =
                        "For an empty target: a row or an object that is there already, or not"
                                + " there when it should go, is an error.")
        private boolean strict;

        @Option(
                names = "--time-zone",
                paramLabel = "ZONE",
                description =
                        "The changefeed's time zone, which TIMESTAMP texts are in, such as"
                                + " Europe/Berlin or +08:00. Default: the system's.")
        private ZoneId zone = ZoneId.systemDefault();

        @Override
        void work(StorageReader reader, PrintWriter out) throws IOException, SQLException {
            if (reader.checkpoint().isEmpty()) {
                throw new MillraceException(
                        ErrorCode.INVALID_PARAMETER,
                        "there is no file 'metadata': nothing is known to be complete yet");
            }
            try (Connection connection = connect(SinkSpec.parseUri(target));
                    StorageApply apply = new StorageApply(reader, connection, strict, zone)) {
                apply.run();
                out.println(
                        apply.rows()
                                + " rows and "
                                + apply.ddls()
                                + " DDL statements applied up to "
                                + Long.toUnsignedString(reader.checkpoint().get())
                                + ", "
                                + apply.left()
                                + " later ones left out, "
                                + apply.missed()
                                + " deletes hit nothing");
            }
        }

        private static Connection connect(URI uri) throws SQLException {
            if (uri.getScheme() == null
                    || !uri.getScheme().matches("mysql|mariadb|tidb")
                    || uri.getHost() == null) {
                throw new MillraceException(
                        ErrorCode.SINK_URI_INVALID,
                        "--sink-uri must be mysql://user:password@host:port/");
            }
            Properties login = new Properties();
            String user = uri.getRawUserInfo() == null ? "root" : uri.getRawUserInfo();
            int colon = user.indexOf(':');
            login.setProperty("user", decoded(colon < 0 ? user : user.substring(0, colon)));
            if (colon >= 0) {
                login.setProperty("password", decoded(user.substring(colon + 1)));
            }
            login.setProperty("allowPublicKeyRetrieval", "true");
            int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
            String address = uri.getHost() + ":" + port;
            try {
                return DriverManager.getConnection("jdbc:mariadb://" + address + "/", login);
            } catch (SQLException e) {
                throw new MillraceException(
                        ErrorCode.SINK_CONNECTION,
                        "cannot log in to the target of --sink-uri, "
                                + address
                                + ": "
                                + e.getMessage(),
                        e);
            }
        }

        private static String decoded(String text) {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        }
    }
}
