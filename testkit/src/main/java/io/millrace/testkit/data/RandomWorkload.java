package io.millrace.testkit.data;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A seeded mixed workload on one MySQL or MariaDB database, on a thread of its own.
 *
 * <p>It inserts, updates and deletes in transactions of different sizes over tables with different
 * keys (one column, composite with text, binary, a second unique key, none at all), changes keys,
 * writes NULLs, four-byte characters and long values, rolls back now and then, and on demand
 * alters, creates, drops, renames and truncates tables. The same seed on an undisturbed server
 * gives the same statements. What exists is read from the catalog after each DDL and each
 * reconnect, so a server that dies in the middle of a DDL does not confuse it.
 */
public final class RandomWorkload implements AutoCloseable {
    private static final int KEYS = 2_000;
    private static final int MAX_EXTRA_TABLES = 4;
    private static final int MAX_COLUMNS = 24;
    private static final int LONG_TEXT = 6_000;
    private static final Duration RECONNECT_LIMIT = Duration.ofSeconds(120);
    private static final long RECONNECT_PAUSE_MS = 100;
    private static final long STOP_LIMIT_SECONDS = 180;
    private static final String JSON_COLUMN = "doc";
    private static final int ER_DUP_ENTRY = 1062;
    private static final int ER_LOCK_WAIT_TIMEOUT = 1205;
    private static final int ER_LOCK_DEADLOCK = 1213;
    private static final int ER_SERVER_SHUTDOWN = 1053;
    private static final int ER_CON_COUNT = 1040;

    private static final String[] WORDS = {
        "",
        "a",
        "null",
        "naïve",
        "日本語",
        "😀🚀",
        "O'Reilly",
        "back\\slash",
        "\"quoted\"",
        "tab\tline\nend",
        " spaces ",
        "0"
    };

    /**
     * Opens a connection as a user who may create databases; called again after each lost
     * connection.
     */
    @FunctionalInterface
    public interface Connector {
        Connection connect() throws SQLException;
    }

    /**
     * What to do.
     *
     * @param seed of all choices
     * @param schema database, created when missing
     * @param transactionsPerSecond pace, or 0 for as fast as the server can
     * @param maxStatements statements of a transaction, 1 or more
     * @param maxRows rows of one INSERT, 1 or more
     * @param ddlEvery on average one DDL per so many transactions, or 0 for none
     * @param survivesRestarts reconnects for up to two minutes when the connection is lost, else
     *     that fails
     */
    public record Config(
            long seed,
            String schema,
            int transactionsPerSecond,
            int maxStatements,
            int maxRows,
            int ddlEvery,
            boolean survivesRestarts) {
        public Config {
            check(transactionsPerSecond >= 0, "transactionsPerSecond must not be negative");
            check(maxStatements > 0, "maxStatements must be positive");
            check(maxRows > 0, "maxRows must be positive");
            check(ddlEvery >= 0, "ddlEvery must not be negative");
        }

        /**
         * 100 transactions per second of up to 8 statements of up to 20 rows, no DDL, no
         * reconnects.
         */
        public static Config of(String schema, long seed) {
            return new Config(seed, schema, 100, 8, 20, 0, false);
        }

        public Config withRate(int perSecond) {
            return new Config(
                    seed, schema, perSecond, maxStatements, maxRows, ddlEvery, survivesRestarts);
        }

        public Config withSizes(int statements, int rows) {
            return new Config(
                    seed,
                    schema,
                    transactionsPerSecond,
                    statements,
                    rows,
                    ddlEvery,
                    survivesRestarts);
        }

        public Config withDdlEvery(int transactions) {
            return new Config(
                    seed,
                    schema,
                    transactionsPerSecond,
                    maxStatements,
                    maxRows,
                    transactions,
                    survivesRestarts);
        }

        public Config survivingRestarts() {
            return new Config(
                    seed, schema, transactionsPerSecond, maxStatements, maxRows, ddlEvery, true);
        }

        private static void check(boolean ok, String message) {
            if (!ok) {
                throw new IllegalArgumentException(message);
            }
        }
    }

    /**
     * Counters since the start.
     *
     * @param transactions committed
     * @param rolledBack rolled back on purpose
     * @param rows inserted, updated and deleted, as the server counted them, including rolled back
     *     ones
     * @param ddls statements that changed a schema
     * @param reconnects lost connections
     */
    public record Stats(
            long transactions, long rolledBack, long rows, long ddls, long reconnects) {}

    private final Connector connector;
    private final Config config;
    private final SplittableRandom random;
    private final AtomicLong transactions = new AtomicLong();
    private final AtomicLong rolledBack = new AtomicLong();
    private final AtomicLong rows = new AtomicLong();
    private final AtomicLong ddls = new AtomicLong();
    private final AtomicLong reconnects = new AtomicLong();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final List<LiveTable> tables = new ArrayList<>();

    private volatile boolean stopping;
    private volatile @Nullable Throwable failure;
    private @Nullable Thread thread;
    private @Nullable Connection connection;
    private int nextName;

    public RandomWorkload(Connector connector, Config config) {
        this.connector = connector;
        this.config = config;
        this.random = new SplittableRandom(config.seed());
    }

    /** Creates the database and its first tables, where missing. */
    public void createTables() throws SQLException {
        String schema = Table.quoted(config.schema());
        try (Connection setup = connector.connect();
                Statement statement = setup.createStatement()) {
            statement.execute("CREATE DATABASE IF NOT EXISTS " + schema + " CHARACTER SET utf8mb4");
            for (String table : firstTables()) {
                statement.execute("CREATE TABLE IF NOT EXISTS " + schema + "." + table);
            }
        }
    }

    /** Starts the load; {@link #createTables} must have run. */
    public synchronized void start() {
        if (thread != null) {
            throw new IllegalStateException("the workload was started before");
        }
        thread = Thread.ofPlatform().daemon().name("workload-" + config.schema()).start(this::run);
    }

    /**
     * Lets the running transaction end and returns when nothing is left to do; fails when the load
     * had failed.
     *
     * @return what was done
     */
    public Stats stop() throws SQLException, InterruptedException {
        stopping = true;
        Thread running = thread;
        if (running != null && !ended.await(STOP_LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new SQLException(
                    "the workload " + config + " did not stop within " + STOP_LIMIT_SECONDS + " s");
        }
        Throwable cause = failure;
        if (cause != null) {
            throw new SQLException(
                    "the workload " + config + " failed: " + cause.getMessage(), cause);
        }
        return stats();
    }

    public Stats stats() {
        return new Stats(
                transactions.get(), rolledBack.get(), rows.get(), ddls.get(), reconnects.get());
    }

    /** Whether the load runs; false as well after it failed, which {@link #stop()} reports. */
    public boolean isRunning() {
        return thread != null && ended.getCount() > 0;
    }

    @Override
    public void close() throws InterruptedException {
        stopping = true;
        if (thread != null) {
            ended.await(STOP_LIMIT_SECONDS, TimeUnit.SECONDS);
        }
    }

    private static List<String> firstTables() {
        return List.of(
                "`orders` (`id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, `customer` VARCHAR(64) NOT NULL,"
                        + " `amount` DECIMAL(18,4), `price` DOUBLE, `state` ENUM('new','paid','sent','void') DEFAULT"
                        + " 'new', `flags` SET('a','b','c'), `note` TEXT, `doc` JSON, `created` DATETIME(6),"
                        + " KEY `by_customer` (`customer`))",
                "`items` (`sku` VARCHAR(40) COLLATE utf8mb4_bin NOT NULL, `line` INT NOT NULL, `quantity` SMALLINT"
                        + " UNSIGNED, `ratio` FLOAT, `born` DATE, `length` TIME(3), `picture` BLOB, `y` YEAR,"
                        + " PRIMARY KEY (`line`, `sku`))",
                "`accounts` (`id` INT NOT NULL PRIMARY KEY, `login` VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,"
                        + " `balance` BIGINT, `seen` TIMESTAMP(6) NULL, `bits` BIT(17), UNIQUE KEY `u_login` (`login`))",
                "`sessions` (`token` BINARY(8) NOT NULL PRIMARY KEY, `payload` MEDIUMBLOB, `hits` MEDIUMINT NOT NULL"
                        + " DEFAULT 0)",
                "`nullable_unique` (`a` INT, `b` VARCHAR(64) COLLATE utf8mb4_bin, `c` BIGINT, UNIQUE KEY `u` (`a`))",
                "`log_lines` (`level` TINYINT, `line` VARCHAR(500), `at` DATETIME(3))");
    }

    private void run() {
        try {
            long next = System.nanoTime();
            reconnect();
            while (!stopping) {
                step();
                if (config.transactionsPerSecond() > 0) {
                    next += 1_000_000_000L / config.transactionsPerSecond();
                    pauseUntil(next);
                }
            }
        } catch (SQLException | InterruptedException | RuntimeException e) {
            failure = e;
        } finally {
            Connection last = connection;
            if (last != null) {
                try {
                    last.close();
                } catch (SQLException e) {
                    // A connection that can't be closed is gone, which is what was wanted.
                }
            }
            ended.countDown();
        }
    }

    private void pauseUntil(long next) throws InterruptedException {
        long wait;
        while (!stopping && (wait = next - System.nanoTime()) > 0) {
            TimeUnit.NANOSECONDS.sleep(Math.min(wait, 50_000_000L));
        }
    }

    private void step() throws SQLException, InterruptedException {
        try {
            if (config.ddlEvery() > 0 && random.nextInt(config.ddlEvery()) == 0) {
                ddl();
            } else {
                transaction();
            }
        } catch (SQLException e) {
            if (!config.survivesRestarts() || !isConnectionLoss(e)) {
                throw e;
            }
            reconnects.incrementAndGet();
            reconnect();
        }
    }

    /**
     * The connection is useless when the driver says so; the server's last words before it goes
     * count as well.
     */
    private static boolean isConnectionLoss(SQLException e) {
        String state = e.getSQLState();
        return e instanceof SQLNonTransientConnectionException
                || e instanceof SQLTransientConnectionException
                || (state != null && state.startsWith("08"))
                || e.getErrorCode() == ER_SERVER_SHUTDOWN
                || e.getErrorCode() == ER_CON_COUNT;
    }

    private void reconnect() throws SQLException, InterruptedException {
        long deadline = System.nanoTime() + RECONNECT_LIMIT.toNanos();
        while (true) {
            try {
                Connection old = connection;
                if (old != null) {
                    old.close();
                }
                Connection fresh = connector.connect();
                connection = fresh;
                fresh.setCatalog(config.schema());
                fresh.setAutoCommit(false);
                readCatalog(fresh);
                return;
            } catch (SQLException e) {
                if (!config.survivesRestarts() || System.nanoTime() > deadline) {
                    throw e;
                }
                TimeUnit.MILLISECONDS.sleep(RECONNECT_PAUSE_MS);
            }
        }
    }

    private void transaction() throws SQLException {
        Connection current = current();
        int statements = 1 + random.nextInt(config.maxStatements());
        try (Statement statement = current.createStatement()) {
            for (int i = 0; i < statements && !tables.isEmpty(); i++) {
                boolean savepoint = random.nextInt(20) == 0;
                if (savepoint) {
                    statement.execute("SAVEPOINT sp");
                }
                change(statement, tables.get(random.nextInt(tables.size())));
                if (savepoint && random.nextBoolean()) {
                    statement.execute("ROLLBACK TO SAVEPOINT sp");
                }
            }
        } catch (SQLException e) {
            if (e.getErrorCode() != ER_LOCK_DEADLOCK && e.getErrorCode() != ER_LOCK_WAIT_TIMEOUT) {
                throw e;
            }
            current.rollback();
            rolledBack.incrementAndGet();
            return;
        }
        if (random.nextInt(25) == 0) {
            current.rollback();
            rolledBack.incrementAndGet();
        } else {
            current.commit();
            transactions.incrementAndGet();
        }
    }

    private void change(Statement statement, LiveTable table) throws SQLException {
        String sql =
                switch (random.nextInt(10)) {
                    case 0, 1, 2, 3 -> insert(table);
                    case 4, 5, 6 -> update(table);
                    case 7 -> keyChange(table);
                    default -> delete(table);
                };
        try {
            rows.addAndGet(Math.max(0, statement.executeUpdate(sql)));
        } catch (SQLException e) {
            // A key that is taken undoes the statement, not the transaction.
            if (e.getErrorCode() != ER_DUP_ENTRY) {
                throw new SQLException(
                        e.getMessage() + " — statement: " + sql,
                        e.getSQLState(),
                        e.getErrorCode(),
                        e);
            }
        }
    }

    private String insert(LiveTable table) {
        List<LiveColumn> columns = table.columns();
        StringBuilder sql =
                new StringBuilder("INSERT INTO ")
                        .append(Table.quoted(table.name()))
                        .append(" VALUES ");
        int count = 1 + random.nextInt(config.maxRows());
        for (int row = 0; row < count; row++) {
            sql.append(row == 0 ? "(" : ", (");
            for (int i = 0; i < columns.size(); i++) {
                sql.append(i == 0 ? "" : ", ").append(value(columns.get(i)));
            }
            sql.append(')');
        }
        LiveColumn some = columns.get(random.nextInt(columns.size()));
        if (table.hasKey()) {
            String name = Table.quoted(some.name());
            sql.append(" ON DUPLICATE KEY UPDATE ")
                    .append(name)
                    .append(" = ")
                    .append(some.inKey() ? name : value(some));
        }
        return sql.toString();
    }

    private String update(LiveTable table) {
        StringBuilder sql =
                new StringBuilder("UPDATE ").append(Table.quoted(table.name())).append(" SET ");
        int changed = 0;
        for (LiveColumn column : table.columns()) {
            if (!column.inKey() && random.nextInt(3) == 0) {
                sql.append(changed++ == 0 ? "" : ", ")
                        .append(Table.quoted(column.name()))
                        .append(" = ")
                        .append(value(column));
            }
        }
        if (changed == 0) {
            return keyChange(table);
        }
        return sql.append(where(table)).toString();
    }

    private String keyChange(LiveTable table) {
        List<LiveColumn> keys = table.columns().stream().filter(LiveColumn::inKey).toList();
        List<LiveColumn> from = keys.isEmpty() ? table.columns() : keys;
        LiveColumn column = from.get(random.nextInt(from.size()));
        return "UPDATE "
                + Table.quoted(table.name())
                + " SET "
                + Table.quoted(column.name())
                + " = "
                + value(column)
                + where(table);
    }

    private String delete(LiveTable table) {
        return "DELETE FROM " + Table.quoted(table.name()) + where(table);
    }

    /** Half of the time one value of the first key column, else a few rows from anywhere. */
    private String where(LiveTable table) {
        List<LiveColumn> keys = table.columns().stream().filter(LiveColumn::inKey).toList();
        if (!keys.isEmpty() && random.nextBoolean()) {
            LiveColumn key = keys.getFirst();
            return " WHERE "
                    + Table.quoted(key.name())
                    + (key.isText() ? " >= " : " = ")
                    + value(key)
                    + " LIMIT "
                    + (1 + random.nextInt(3));
        }
        return " LIMIT " + (1 + random.nextInt(5));
    }

    private void ddl() throws SQLException {
        Connection current = current();
        String sql = nextDdl();
        try (Statement statement = current.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new SQLException(
                    e.getMessage() + " — statement: " + sql, e.getSQLState(), e.getErrorCode(), e);
        }
        ddls.incrementAndGet();
        readCatalog(current);
    }

    private String nextDdl() {
        List<LiveTable> extras =
                tables.stream().filter(table -> table.name().startsWith("x_")).toList();
        if (tables.isEmpty() || (extras.isEmpty() && random.nextInt(3) == 0)) {
            return createTable();
        }
        LiveTable table = tables.get(random.nextInt(tables.size()));
        String alter = "ALTER TABLE " + Table.quoted(table.name()) + " ";
        List<LiveColumn> added =
                table.columns().stream().filter(column -> column.name().startsWith("c_")).toList();
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> {
                if (table.columns().size() < MAX_COLUMNS) {
                    return alter
                            + "ADD COLUMN "
                            + Table.quoted("c_" + freshName(table))
                            + " "
                            + newType()
                            + place(table);
                }
            }
            case 3 -> {
                if (!added.isEmpty()) {
                    return alter
                            + "DROP COLUMN "
                            + Table.quoted(added.get(random.nextInt(added.size())).name());
                }
            }
            case 4 -> {
                if (!added.isEmpty()) {
                    LiveColumn column = added.get(random.nextInt(added.size()));
                    return alter
                            + "MODIFY COLUMN "
                            + Table.quoted(column.name())
                            + " "
                            + widened(column);
                }
            }
            case 5 -> {
                if (!added.isEmpty()) {
                    LiveColumn column = added.get(random.nextInt(added.size()));
                    return alter
                            + "RENAME COLUMN "
                            + Table.quoted(column.name())
                            + " TO "
                            + Table.quoted("c_" + freshName(table));
                }
            }
            case 6 -> {
                if (extras.size() < MAX_EXTRA_TABLES) {
                    return createTable();
                }
            }
            case 7 -> {
                if (!extras.isEmpty()) {
                    return "DROP TABLE "
                            + Table.quoted(extras.get(random.nextInt(extras.size())).name());
                }
            }
            case 8 -> {
                if (!extras.isEmpty()) {
                    return "RENAME TABLE "
                            + Table.quoted(extras.get(random.nextInt(extras.size())).name())
                            + " TO "
                            + Table.quoted(freshTable());
                }
            }
            default -> {
                return "TRUNCATE TABLE " + Table.quoted(table.name());
            }
        }
        return alter + "COMMENT = 'at " + nextName++ + "'";
    }

    private String createTable() {
        return "CREATE TABLE "
                + Table.quoted(freshTable())
                + " (`id` INT NOT NULL"
                + (random.nextInt(3) == 0 ? "" : " PRIMARY KEY")
                + ", `v` "
                + newType()
                + ", `w` "
                + newType()
                + ")";
    }

    /**
     * Names must be new also after a restart of the server in the middle of a DDL, so they are
     * checked.
     */
    private String freshTable() {
        while (true) {
            String name = "x_" + nextName++;
            if (tables.stream().noneMatch(table -> table.name().equals(name))) {
                return name;
            }
        }
    }

    private int freshName(LiveTable table) {
        while (true) {
            int number = nextName++;
            if (table.columns().stream().noneMatch(column -> column.name().equals("c_" + number))) {
                return number;
            }
        }
    }

    private String place(LiveTable table) {
        return switch (random.nextInt(4)) {
            case 0 -> " FIRST";
            case 1 ->
                    " AFTER "
                            + Table.quoted(
                                    table.columns()
                                            .get(random.nextInt(table.columns().size()))
                                            .name());
            default -> "";
        };
    }

    private String newType() {
        return switch (random.nextInt(10)) {
            case 0 -> "INT";
            case 1 -> "INT NOT NULL DEFAULT 7";
            case 2 -> "BIGINT UNSIGNED";
            case 3 -> "VARCHAR(30)";
            case 4 -> "VARCHAR(30) NOT NULL DEFAULT 'é😀'";
            case 5 -> "DATETIME(2)";
            case 6 -> "DECIMAL(12,3) DEFAULT 1.5";
            case 7 -> "VARBINARY(40)";
            case 8 -> "TEXT";
            default -> "DOUBLE";
        };
    }

    private static String widened(LiveColumn column) {
        return switch (column.type()) {
            case "int" -> "BIGINT";
            case "varchar" -> "VARCHAR(200)";
            case "datetime" -> "DATETIME(6)";
            case "decimal" -> "DECIMAL(24,6)";
            case "varbinary" -> "VARBINARY(300)";
            case "text" -> "MEDIUMTEXT";
            case "double" -> "DOUBLE NULL";
            default -> column.columnType();
        };
    }

    private String value(LiveColumn column) {
        if (column.nullable() && random.nextInt(8) == 0) {
            return "NULL";
        }
        boolean unsigned = column.columnType().contains("unsigned");
        return switch (column.type()) {
            case "tinyint" ->
                    Integer.toString(unsigned ? random.nextInt(256) : random.nextInt(-128, 128));
            case "smallint" ->
                    Integer.toString(
                            unsigned ? random.nextInt(65536) : random.nextInt(-32768, 32768));
            case "mediumint" -> Integer.toString(random.nextInt(-8388608, 8388608));
            case "int", "bigint" -> integer(column, unsigned);
            case "decimal" -> random.nextInt(-99_999, 99_999) + "." + random.nextInt(1000);
            case "float" -> Float.toString((float) random.nextInt(-1000, 1000) / 7);
            case "double" -> Double.toString(random.nextDouble(-1e9, 1e9));
            case "bit" -> Integer.toString(random.nextInt(1 << 17));
            case "year" -> Integer.toString(random.nextInt(1901, 2156));
            case "date" -> "'" + date() + "'";
            case "time" ->
                    String.format(
                            Locale.ROOT,
                            "'%s%03d:%02d:%02d.%03d'",
                            random.nextBoolean() ? "-" : "",
                            random.nextInt(838),
                            random.nextInt(60),
                            random.nextInt(60),
                            random.nextInt(1000));
            case "datetime" -> "'" + date() + time() + "'";
            // Hours that exist in every time zone, so that the session's zone does not matter.
            case "timestamp" ->
                    String.format(
                            Locale.ROOT,
                            "'20%02d-%02d-%02d%s'",
                            random.nextInt(1, 30),
                            random.nextInt(5, 8),
                            random.nextInt(1, 29),
                            time());
            case "enum" -> quoted(column.choices().get(random.nextInt(column.choices().size())));
            case "set" ->
                    quoted(
                            random.nextBoolean()
                                    ? String.join(",", column.choices())
                                    : column.choices()
                                            .get(random.nextInt(column.choices().size())));
            case "json" ->
                    quoted(
                            "{\"k\": "
                                    + random.nextInt(1000)
                                    + ", \"s\": \""
                                    + (random.nextBoolean() ? "x" : "日本")
                                    + "\", \"l\": [true, null, "
                                    + random.nextInt(10)
                                    + "]}");
            case "binary", "varbinary", "blob", "mediumblob" -> bytes(column);
            default -> text(column);
        };
    }

    private String integer(LiveColumn column, boolean unsigned) {
        if (column.inKey()) {
            return Integer.toString(random.nextInt(1, KEYS));
        }
        if (column.type().equals("int")) {
            return unsigned
                    ? Long.toString(random.nextLong(1L << 32))
                    : Integer.toString(random.nextInt());
        }
        long any = random.nextLong();
        return unsigned ? Long.toUnsignedString(any) : Long.toString(any);
    }

    private String date() {
        return String.format(
                Locale.ROOT,
                "%04d-%02d-%02d",
                random.nextInt(1000, 9999),
                random.nextInt(1, 13),
                random.nextInt(1, 29));
    }

    private String time() {
        return String.format(
                Locale.ROOT,
                " %02d:%02d:%02d.%06d",
                random.nextInt(24),
                random.nextInt(60),
                random.nextInt(60),
                random.nextInt(1_000_000));
    }

    private String bytes(LiveColumn column) {
        int length =
                switch (column.type()) {
                    case "binary" -> (int) column.length();
                    case "varbinary" -> random.nextInt((int) column.length() + 1);
                    default ->
                            random.nextInt(20) == 0
                                    ? random.nextInt(LONG_TEXT)
                                    : random.nextInt(40);
                };
        if (column.inKey()) {
            return String.format(Locale.ROOT, "X'%0" + 2 * length + "X'", random.nextInt(KEYS));
        }
        StringBuilder hex = new StringBuilder("X'");
        for (int i = 0; i < length; i++) {
            hex.append(String.format(Locale.ROOT, "%02X", random.nextInt(256)));
        }
        return hex.append('\'').toString();
    }

    private String text(LiveColumn column) {
        if (column.inKey()) {
            return quoted("k" + random.nextInt(KEYS / 4) + (random.nextInt(4) == 0 ? "é" : ""));
        }
        if (column.length() > LONG_TEXT && random.nextInt(20) == 0) {
            return quoted(
                    "long ".repeat(random.nextInt(LONG_TEXT / 5))
                            + WORDS[random.nextInt(WORDS.length)]);
        }
        return quoted(WORDS[random.nextInt(WORDS.length)] + random.nextInt(1000));
    }

    private static String quoted(String value) {
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'";
    }

    private Connection current() throws SQLException {
        Connection current = connection;
        if (current == null) {
            throw new SQLNonTransientConnectionException("not connected");
        }
        return current;
    }

    private void readCatalog(Connection from) throws SQLException {
        tables.clear();
        String sql =
                "SELECT c.table_name, c.column_name, c.data_type, c.column_type, c.is_nullable, c.column_key,"
                        + " COALESCE(c.character_maximum_length, 0) FROM information_schema.columns c"
                        + " JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name"
                        + " WHERE t.table_type = 'BASE TABLE' AND c.table_schema = "
                        + quoted(config.schema())
                        + " ORDER BY CAST(c.table_name AS BINARY), c.ordinal_position";
        try (Statement statement = from.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            String name = "";
            List<LiveColumn> columns = new ArrayList<>();
            while (result.next()) {
                if (!result.getString(1).equals(name)) {
                    addTable(name, columns);
                    name = result.getString(1);
                    columns = new ArrayList<>();
                }
                String key = result.getString(6);
                // MariaDB's JSON is a LONGTEXT with a check.
                boolean json = result.getString(2).equals(JSON_COLUMN);
                columns.add(
                        new LiveColumn(
                                result.getString(2),
                                json ? "json" : result.getString(3).toLowerCase(Locale.ROOT),
                                result.getString(4),
                                "YES".equals(result.getString(5)),
                                "PRI".equals(key) || "UNI".equals(key),
                                result.getLong(7)));
            }
            addTable(name, columns);
        }
        from.commit();
    }

    private void addTable(String name, List<LiveColumn> columns) {
        if (!columns.isEmpty()) {
            tables.add(new LiveTable(name, List.copyOf(columns)));
        }
    }

    private record LiveTable(String name, List<LiveColumn> columns) {
        boolean hasKey() {
            return columns.stream().anyMatch(LiveColumn::inKey);
        }
    }

    private record LiveColumn(
            String name,
            String type,
            String columnType,
            boolean nullable,
            boolean inKey,
            long length) {
        boolean isText() {
            return type.equals("varchar");
        }

        /** The members of an ENUM or SET, whose names here contain neither commas nor quotes. */
        List<String> choices() {
            String members =
                    columnType.substring(columnType.indexOf('(') + 1, columnType.lastIndexOf(')'));
            List<String> choices = new ArrayList<>();
            for (String member : members.split(",", -1)) {
                choices.add(member.substring(1, member.length() - 1));
            }
            return choices;
        }
    }
}
