package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * When consumers are told the schema of a table anew: before its first row of a run, then by time
 * and by number of rows. Tables without rows for a while are forgotten. Belongs to one thread.
 */
final class Bootstraps {
    /** Without rows for so long, a table is forgotten: its next row counts as a first one. */
    static final long IDLE_NANOS = TimeUnit.MINUTES.toNanos(30);

    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final int DEFAULT_INTERVAL_SECONDS = 120;
    private static final int DEFAULT_ROWS = 10_000;

    private final Settings settings;
    private final Map<Long, Table> tables = new HashMap<>();
    private long lookedNanos;
    private boolean looked;

    /**
     * How often and whereto.
     *
     * @param intervalSeconds time between two messages of a table; 0 or less turns all off
     * @param rows rows between two messages of a table; 0 or less turns all off
     * @param allPartitions to every partition of the topic, or to partition 0 alone
     */
    record Settings(long intervalSeconds, int rows, boolean allPartitions) {
        static Settings of(SinkSpec spec) {
            SinkOptions options = new SinkOptions(spec, ErrorCode.KAFKA_INVALID_CONFIG);
            // The engine acts on it; here it is only checked.
            options.flag("send-all-bootstrap-at-start", false);
            return new Settings(
                    options.number("send-bootstrap-interval-in-sec")
                            .orElse(DEFAULT_INTERVAL_SECONDS),
                    options.number("send-bootstrap-in-msg-count").orElse(DEFAULT_ROWS),
                    options.flag("send-bootstrap-to-all-partition", true));
        }

        boolean enabled() {
            return intervalSeconds > 0 && rows > 0;
        }
    }

    /** A table that had rows lately. */
    static final class Table {
        private final Topics.Topic topic;
        private TableSchema schema;
        private int rows;
        private long sentNanos;
        private long usedNanos;

        private Table(TableSchema schema, Topics.Topic topic, long nowNanos) {
            this.schema = schema;
            this.topic = topic;
            sentNanos = nowNanos;
        }

        TableSchema schema() {
            return schema;
        }

        Topics.Topic topic() {
            return topic;
        }
    }

    Bootstraps(Settings settings) {
        this.settings = settings;
    }

    /** Whether rows of this table have to wait for a message with its schema. */
    boolean beforeRows(TableSchema schema, Topics.Topic topic, int rows, long nowNanos) {
        Table table = tables.get(schema.tableId());
        boolean first = table == null || table.topic != topic;
        if (table == null || first) {
            table = new Table(schema, topic, nowNanos);
            tables.put(schema.tableId(), table);
        }
        table.schema = schema;
        table.usedNanos = nowNanos;
        boolean due = first || isDue(table, nowNanos);
        if (due) {
            sent(table, nowNanos);
        }
        table.rows = Math.addExact(table.rows, rows);
        return due;
    }

    /** The tables whose schema is due, every few seconds; they count as told. */
    List<Table> due(long nowNanos) {
        if (looked && nowNanos - lookedNanos < LOOK_NANOS) {
            return List.of();
        }
        looked = true;
        lookedNanos = nowNanos;
        List<Table> due = new ArrayList<>();
        Iterator<Table> all = tables.values().iterator();
        while (all.hasNext()) {
            Table table = all.next();
            if (nowNanos - table.usedNanos > IDLE_NANOS) {
                all.remove();
            } else if (isDue(table, nowNanos)) {
                sent(table, nowNanos);
                due.add(table);
            }
        }
        return due;
    }

    private boolean isDue(Table table, long nowNanos) {
        return table.rows >= settings.rows()
                || nowNanos - table.sentNanos
                        >= TimeUnit.SECONDS.toNanos(settings.intervalSeconds());
    }

    private static void sent(Table table, long nowNanos) {
        table.sentNanos = nowNanos;
        table.rows = 0;
    }
}
