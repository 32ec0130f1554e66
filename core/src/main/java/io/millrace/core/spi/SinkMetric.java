package io.millrace.core.spi;

/**
 * What sinks, the engine and the redo log record about their work, under the names that users of
 * TiCDC have dashboards on. The page that Prometheus reads adds the labels {@code namespace} and
 * {@code changefeed}.
 */
public enum SinkMetric {
    BATCH_ROW_COUNT(
            "ticdc_sink_batch_row_count", Kind.SIZES, "Rows that went downstream in one batch."),
    LARGE_ROW_SIZE(
            "ticdc_sink_large_row_size",
            Kind.SIZES,
            "Bytes of rows or messages larger than " + SinkMetrics.LARGE_ROW_BYTES + "."),
    DDL_EXEC_DURATION(
            "ticdc_sink_ddl_exec_duration",
            Kind.SECONDS,
            "Time from reaching a DDL until it was done downstream, seconds."),
    PULLER_EVENTS(
            "ticdc_puller_txn_collect_event_count",
            Kind.COUNT,
            "Rows and DDL statements that came from the upstream."),
    FLUSH_LAG(
            "ticdc_sink_flush_lag_histogram",
            Kind.SECONDS,
            "Age of the checkpoint at the moment it was saved, seconds."),
    EXECUTION_ERROR(
            "ticdc_sink_execution_error", Kind.COUNT, "Runs that ended with an error of the sink."),
    EXIT_WITH_ERROR(
            "ticdc_processor_exit_with_error_count", Kind.COUNT, "Runs that ended with an error."),
    CLOSE_DURATION(
            "ticdc_owner_changefeed_close_duration",
            Kind.SECONDS,
            "Time it took to end a run, seconds."),
    START_TIME(
            "ticdc_owner_changefeed_start_time", Kind.LEVEL, "When the last run began, Unix ms."),
    TXN_WORKER_FLUSH_DURATION(
            "ticdc_sink_txn_worker_flush_duration",
            Kind.SECONDS,
            "Time to write and commit one transaction, seconds."),
    TXN_WORKER_HANDLED_ROWS(
            "ticdc_sink_txn_worker_handled_rows", Kind.COUNT, "Rows that workers committed."),
    TXN_DML_BATCH_COMMIT(
            "ticdc_sink_txn_sink_dml_batch_commit",
            Kind.SECONDS,
            "Time of the last statements of a transaction and its commit, seconds."),
    MQ_SEND_DURATION(
            "ticdc_sink_mq_worker_send_message_duration",
            Kind.SECONDS,
            "Time from taking a batch until the broker acked its last message, seconds."),
    MQ_BATCH_SIZE(
            "ticdc_sink_mq_worker_batch_size", Kind.SIZES, "Rows encoded in one go of the worker."),
    MQ_BATCH_DURATION(
            "ticdc_sink_mq_worker_batch_duration",
            Kind.SECONDS,
            "Time to encode one batch and hand it over, seconds."),
    STORAGE_WRITE_BYTES(
            "ticdc_sink_cloud_storage_write_bytes_total", Kind.COUNT, "Bytes written to storage."),
    STORAGE_FILE_COUNT(
            "ticdc_sink_cloud_storage_file_count", Kind.COUNT, "Files written to storage."),
    STORAGE_WRITE_DURATION(
            "ticdc_sink_cloud_storage_write_duration_seconds",
            Kind.SECONDS,
            "Time to write one file, seconds."),
    STORAGE_FLUSH_DURATION(
            "ticdc_sink_cloud_storage_flush_duration_seconds",
            Kind.SECONDS,
            "Time from a flush's begin until its files are there, seconds."),
    STORAGE_BUSY(
            "ticdc_sink_cloud_storage_worker_busy_ratio",
            Kind.BUSY,
            "Seconds that workers spent writing files; its rate is how busy they are."),
    REDO_WRITE_BYTES("ticdc_redo_write_bytes_total", Kind.COUNT, "Bytes of redo log written."),
    REDO_TOTAL_ROWS("ticdc_redo_total_rows_count", Kind.COUNT, "Rows in the redo log."),
    REDO_FSYNC_DURATION(
            "ticdc_redo_fsync_duration_seconds", Kind.SECONDS, "Time of one fsync, seconds."),
    REDO_FLUSH_ALL_DURATION(
            "ticdc_redo_flush_all_duration_seconds",
            Kind.SECONDS,
            "Time to flush all redo files, seconds."),
    REDO_WRITE_LOG_DURATION(
            "ticdc_redo_write_log_duration_seconds",
            Kind.SECONDS,
            "Time to write events to the redo log, seconds."),
    REDO_FLUSH_LOG_DURATION(
            "ticdc_redo_flush_log_duration_seconds",
            Kind.SECONDS,
            "Time until events in the redo log are durable, seconds."),
    REDO_BUSY(
            "ticdc_redo_worker_busy_ratio",
            Kind.BUSY,
            "Seconds that the redo log spent writing files; its rate is how busy it is.");

    /** What is recorded. */
    public enum Kind {
        /** Durations, recorded in nanoseconds, shown as a histogram in seconds. */
        SECONDS,
        /** Sizes, shown as a histogram. */
        SIZES,
        /** Amounts that are added up. */
        COUNT,
        /** Durations that are added up, recorded in nanoseconds, shown in seconds. */
        BUSY,
        /** The latest value. */
        LEVEL
    }

    private final String metricName;
    private final Kind kind;
    private final String help;

    SinkMetric(String metricName, Kind kind, String help) {
        this.metricName = metricName;
        this.kind = kind;
        this.help = help;
    }

    /** Its name on the page, without the suffixes of histograms. */
    public String metricName() {
        return metricName;
    }

    public Kind kind() {
        return kind;
    }

    /** Whether a zero is shown too: an alert looks for its change. */
    public boolean isAlwaysShown() {
        return this == EXIT_WITH_ERROR || this == EXECUTION_ERROR;
    }

    public String help() {
        return help;
    }
}
