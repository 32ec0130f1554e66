package io.millrace.bench;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;

/**
 * Rows written to an upstream before the clock starts. Each workload is seeded: the same rows every
 * time.
 *
 * <p>The text is built by hand because the generator's speed decides how long a benchmark takes to
 * set up.
 */
enum Workload {
    /** Three narrow columns, all rows in one transaction. */
    NARROW("narrow", "id BIGINT PRIMARY KEY, a INT NOT NULL, b INT NOT NULL") {
        @Override
        void load(Connection connection, long rows) throws SQLException {
            connection.setAutoCommit(false);
            insert(
                    connection,
                    rows,
                    Long.MAX_VALUE,
                    (sql, id, random) ->
                            sql.append('(')
                                    .append(id)
                                    .append(',')
                                    .append(random.nextInt())
                                    .append(',')
                                    .append(random.nextInt(1000))
                                    .append(')'));
        }
    },

    /** Eight mixed columns, transactions of 1 000 rows. */
    MIXED8("mixed8", mixedColumns()) {
        @Override
        void load(Connection connection, long rows) throws SQLException {
            connection.setAutoCommit(false);
            insert(connection, rows, 1000, Workload::mixedRow);
        }
    },

    /**
     * Small transactions of one to five rows: inserts, updates and deletes of the eight-column
     * table.
     */
    OLTP("oltp", mixedColumns()) {
        @Override
        void load(Connection connection, long rows) throws SQLException {
            connection.setAutoCommit(true);
            Random random = new Random(SEED);
            try (Statement statement = connection.createStatement()) {
                long next = 1;
                long oldest = 1;
                long done = 0;
                while (done < rows) {
                    StringBuilder transaction = new StringBuilder("BEGIN");
                    long batch = Math.min(1 + random.nextInt(5), rows - done);
                    for (long i = 0; i < batch; i++) {
                        int dice = next - oldest < 2 * UPDATE_WINDOW ? 0 : random.nextInt(10);
                        if (dice < 5) {
                            transaction.append(";INSERT INTO bench.t VALUES ");
                            mixedRow(transaction, next++, random);
                        } else if (dice < 8) {
                            transaction
                                    .append(";UPDATE bench.t SET amount=amount+1 WHERE id=")
                                    .append(next - 1 - random.nextInt(UPDATE_WINDOW));
                        } else {
                            transaction.append(";DELETE FROM bench.t WHERE id=").append(oldest++);
                        }
                    }
                    statement.execute(transaction.append(";COMMIT").toString());
                    done += batch;
                }
            }
        }
    },

    /** Fifty columns of several types, transactions of 500 rows. */
    WIDE("wide", wideColumns()) {
        @Override
        void load(Connection connection, long rows) throws SQLException {
            connection.setAutoCommit(false);
            insert(
                    connection,
                    rows,
                    500,
                    (sql, id, random) -> {
                        sql.append('(').append(id);
                        for (int i = 1; i < WIDE_COUNT; i++) {
                            switch (i % 5) {
                                case 0 -> sql.append(',').append(random.nextInt());
                                case 1 ->
                                        sql.append(",'")
                                                .append(Long.toString(random.nextLong(), 36))
                                                .append('\'');
                                case 2 ->
                                        sql.append(',')
                                                .append(random.nextInt(100_000))
                                                .append('.')
                                                .append(10 + random.nextInt(90));
                                case 3 ->
                                        sql.append(",'2026-01-02 03:04:")
                                                .append(10 + random.nextInt(50))
                                                .append('\'');
                                default -> sql.append(random.nextBoolean() ? ",NULL" : ",1.5");
                            }
                        }
                        sql.append(')');
                    });
        }
    };

    static final int WIDE_COUNT = 50;

    /** Columns of the eight-column table behind its key. */
    static final String MIXED_COLUMNS_BUT_ID =
            "user_id, email, amount, state, created, note, weight";

    /**
     * Updates hit one of this many newest rows; deletes take the oldest, which are never updated.
     */
    private static final int UPDATE_WINDOW = 100;

    private static final long SEED = 42;
    private static final int ROWS_PER_STATEMENT = 500;

    final String title;
    private final String columns;

    Workload(String title, String columns) {
        this.title = title;
        this.columns = columns;
    }

    /**
     * Writes exactly {@code rows} row changes to {@code bench.t}; the connection allows several
     * statements at once.
     */
    abstract void load(Connection connection, long rows) throws SQLException;

    /** The statements that make the empty table. */
    String createTable() {
        return "CREATE TABLE bench.t (" + columns + ")";
    }

    static Workload of(String title) {
        for (Workload workload : values()) {
            if (workload.title.equals(title)) {
                return workload;
            }
        }
        throw new IllegalArgumentException("no workload " + title + ": narrow, mixed8, oltp, wide");
    }

    private interface RowText {
        void append(StringBuilder sql, long id, Random random);
    }

    private static void insert(
            Connection connection, long rows, long rowsPerTransaction, RowText row)
            throws SQLException {
        Random random = new Random(SEED);
        try (Statement statement = connection.createStatement()) {
            long sinceCommit = 0;
            for (long id = 1; id <= rows; ) {
                StringBuilder sql = new StringBuilder("INSERT INTO bench.t VALUES ");
                for (int i = 0; i < ROWS_PER_STATEMENT && id <= rows; i++) {
                    if (i > 0) {
                        sql.append(',');
                    }
                    row.append(sql, id++, random);
                    sinceCommit++;
                }
                statement.execute(sql.toString());
                if (sinceCommit >= rowsPerTransaction) {
                    connection.commit();
                    sinceCommit = 0;
                }
            }
            connection.commit();
        }
    }

    private static void mixedRow(StringBuilder sql, long id, Random random) {
        sql.append('(')
                .append(id)
                .append(',')
                .append(random.nextInt(1_000_000))
                .append(",'user-")
                .append(random.nextInt(1_000_000))
                .append("@example.org',")
                .append(random.nextInt(100_000))
                .append('.')
                .append(10 + random.nextInt(90))
                .append(",'")
                .append(STATES[random.nextInt(STATES.length)])
                .append("','2026-0")
                .append(1 + random.nextInt(9))
                .append("-1")
                .append(random.nextInt(10))
                .append(" 1")
                .append(random.nextInt(10))
                .append(":00:00',");
        if (random.nextInt(4) == 0) {
            sql.append("NULL");
        } else {
            sql.append("'a note of row ").append(id).append(" \u00e9'");
        }
        sql.append(',').append(random.nextInt(1000) / 8.0).append(')');
    }

    private static final String[] STATES = {"new", "paid", "sent", "returned"};

    private static String mixedColumns() {
        return "id BIGINT PRIMARY KEY, user_id INT NOT NULL, email VARCHAR(100) NOT NULL, amount DECIMAL(12,2) NOT NULL,"
                + " state VARCHAR(16) NOT NULL, created DATETIME NOT NULL, note VARCHAR(200), weight DOUBLE NOT NULL";
    }

    private static String wideColumns() {
        StringBuilder columns = new StringBuilder("id BIGINT PRIMARY KEY");
        for (int i = 1; i < 50; i++) {
            columns.append(", c")
                    .append(i)
                    .append(' ')
                    .append(
                            switch (i % 5) {
                                case 0 -> "INT";
                                case 1 -> "VARCHAR(40)";
                                case 2 -> "DECIMAL(12,2)";
                                case 3 -> "DATETIME";
                                default -> "DOUBLE";
                            });
        }
        return columns.toString();
    }
}
