package io.millrace.kafka;

import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.ColumnSelection;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkMetrics;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes rows, DDL and watermarks to Kafka topics.
 *
 * <p>The engine's thread encodes rows and hands them to the producer, as many as the producer has
 * room for; then {@link #offer} answers false, a batch that is under way waits, and {@link #doWork}
 * goes on with it. The producer's own thread counts the acknowledgements of each batch and acks it.
 * At least once: after an unclean end rows may come again, in the same order per partition; with
 * {@link Transactions}, readers of committed records see each row once.
 */
final class KafkaSink implements Sink {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaSink.class);

    private static final int ALL_PARTITIONS = -1;

    /** How long closing may take to abort an open Kafka transaction. */
    private static final Duration ABORT_TIME = Duration.ofSeconds(2);

    private static final long WATERMARK_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Longest text of a key in an error message. */
    private static final int MAX_KEY_TEXT = 200;

    private final KafkaSinkConfig config;
    private final DispatchRules rules;
    private final SinkMetrics metrics;
    private final RowEncoder encoder;
    private final int rowsPerMessage;
    private final int framingBytes;
    private final ColumnSelection columns;
    private final Optional<ClaimChecks> claimChecks;
    private final Acks acks;
    private final Admin admin;
    private final KafkaProducer<byte[], byte[]> producer;
    private final KerberosConfig kerberos;
    private final Topics topics;
    private final Optional<Transactions> transactions;
    private final Outbox outbox;
    private final Optional<Bootstraps> bootstraps;
    private final boolean bootstrapEverywhere;
    private final Topics.Topic defaultTopic;
    private final TableCache<Route> routes = new TableCache<>(this::routeOf);

    /** The message at hand, of a format with one row in each. */
    private final Message message = new Message();

    private final OpenMessages openMessages = new OpenMessages();

    /** Messages for every or certain partitions, before any further row. */
    private final ArrayDeque<ControlMessage> control = new ArrayDeque<>();

    private final Callback watermarkCallback = this::watermarkSent;
    private final Callback bootstrapCallback = this::bootstrapSent;

    private final StallWatch stalls = new StallWatch();
    private final AtomicBoolean failed = new AtomicBoolean();
    private volatile boolean closed;

    // The batch under way.
    private @Nullable RowBatch batch;
    private @Nullable RowView row;

    /** The columns of the row that are encoded. */
    private @Nullable RowView selected;

    private @Nullable Route route;
    private @Nullable Delivery delivery;

    /** The encoder knows the table of the batch. */
    private boolean begun;

    private boolean insertOfSplitUpdate;

    /** The row at hand is too large and on its way into a store; the others wait. */
    private ClaimChecks.@Nullable Claim claim;

    private int claimOp;
    private int claimPartition;

    /** Complete messages of the batch, in the order in which they have to go. */
    private final ArrayDeque<ProducerRecord<byte[], byte[]>> complete = new ArrayDeque<>();

    /** Time of the current pass over what waits. */
    private long pumpNanos;

    private long resolvedTso;
    private long watermarkTso;
    private long watermarkNanos;
    private boolean watermarkSentOnce;

    /**
     * A DDL, watermark or bootstrap on its way.
     *
     * @param partition {@link #ALL_PARTITIONS} until the topic is known
     */
    private record ControlMessage(
            Topics.Topic topic,
            int partition,
            byte @Nullable [] key,
            byte @Nullable [] value,
            Callback callback) {

        ControlMessage to(int number) {
            return new ControlMessage(topic, number, key, value, callback);
        }

        int size() {
            return length(key) + length(value);
        }
    }

    /** Counts the open records of one event; acks it when all are acknowledged. */
    private final class Delivery implements Callback {
        private final long seq;
        private final String what;

        private final long beganNanos = System.nanoTime();

        /** Records under way, plus one until the last one was handed over. */
        private final AtomicInteger open = new AtomicInteger(1);

        Delivery(long seq, String what) {
            this.seq = seq;
            this.what = what;
        }

        @Override
        public void onCompletion(@Nullable RecordMetadata metadata, @Nullable Exception exception) {
            if (exception == null && metadata != null) {
                outbox.delivered(metadata);
                countDown();
            } else if (exception != null) {
                outbox.undelivered(what, exception);
            }
        }

        /** One message more; before it is handed over. */
        void add(int messages) {
            open.addAndGet(messages);
        }

        void countDown() {
            if (open.decrementAndGet() == 0 && !closed) {
                metrics.record(SinkMetric.MQ_SEND_DURATION, System.nanoTime() - beganNanos);
                if (transactions.isEmpty()) {
                    acks.ack(seq);
                }
            }
        }

        /** All rows are encoded and handed over. */
        void handedOver(int rows) {
            metrics.record(SinkMetric.MQ_BATCH_DURATION, System.nanoTime() - beganNanos);
            metrics.record(SinkMetric.MQ_BATCH_SIZE, rows);
            metrics.record(SinkMetric.BATCH_ROW_COUNT, rows);
        }
    }

    /**
     * What messages are made of.
     *
     * @param encoder closed by the sink
     * @param columns what of a row is encoded
     * @param claimChecks where messages go that are too large; closed by the sink
     */
    record Content(
            RowEncoder encoder,
            ColumnSelection columns,
            Bootstraps.Settings bootstraps,
            Optional<ClaimChecks> claimChecks) {}

    /**
     * What messages go to.
     *
     * @param admin closed by the sink
     * @param producer closed by the sink
     * @param transactions for exactly-once
     * @param kerberos what the clients log in by, let go with the sink
     */
    record Target(
            Admin admin,
            KafkaProducer<byte[], byte[]> producer,
            Topics topics,
            Optional<TransactionsFactory> transactions,
            KerberosConfig kerberos) {}

    KafkaSink(
            KafkaSinkConfig config,
            DispatchRules rules,
            Content content,
            Target target,
            Acks acks,
            SinkMetrics metrics) {
        this.config = config;
        this.metrics = metrics;
        this.rules = rules;
        this.acks = acks;
        encoder = content.encoder();
        rowsPerMessage = encoder.maxRowsPerMessage();
        framingBytes = encoder.framingBytes();
        columns = content.columns();
        claimChecks = content.claimChecks();
        bootstraps =
                encoder.hasBootstraps() && content.bootstraps().enabled()
                        ? Optional.of(new Bootstraps(content.bootstraps()))
                        : Optional.empty();
        bootstrapEverywhere = content.bootstraps().allPartitions();
        admin = target.admin();
        producer = target.producer();
        kerberos = target.kerberos();
        topics = target.topics();
        transactions = target.transactions().map(factory -> factory.create(acks, this::fail));
        outbox =
                new Outbox(producer, transactions, config.deliveryTimeoutMs(), metrics, this::fail);
        defaultTopic = topics.get(config.topic());
    }

    /** Makes the transactions of a sink. */
    @FunctionalInterface
    interface TransactionsFactory {
        Transactions create(Acks acks, Consumer<MillraceException> failure);
    }

    @Override
    public boolean offer(long seq, RowBatch offered) {
        if (busy() || outbox.isFull()) {
            return false;
        }
        if (transactions.isPresent() && transactions.get().before().covers(offered)) {
            offered.release();
            acks.ack(seq);
            return true;
        }
        batch = offered;
        try {
            Route to = routes.select(offered.schema());
            route = to;
            row = offered.rows();
            selected = to.columns.view(row);
            delivery = new Delivery(seq, "table " + offered.schema().name());
            insertOfSplitUpdate = false;
            tellSchemaBefore(offered, to);
            begun = false;
            pump();
        } catch (MillraceException e) {
            fail(e);
        }
        return true;
    }

    @Override
    public boolean offer(long seq, SchemaChange change, boolean replayed) {
        if (busy()) {
            return false;
        }
        if (transactions.isPresent()) {
            if (transactions.get().before().covers(change.commitTso())) {
                acks.ack(seq);
                return true;
            }
            transactions.get().ddl(seq, change.commitTso());
        }
        // When replayed the message may be there already: it is sent again, at least once.
        Delivery counted = new Delivery(seq, "a DDL");
        try {
            for (SchemaChange.Change part : change.changes()) {
                message.clear();
                if (encoder.appendDdl(change, part, message)) {
                    counted.add(1);
                    Topics.Topic topic =
                            part.name().table().isEmpty()
                                    ? defaultTopic
                                    : topics.get(rules.topic(part.name()));
                    queue(topic, encoder.ddlToAllPartitions() ? ALL_PARTITIONS : 0, counted);
                }
            }
            counted.countDown();
            routes.clear();
            pump();
        } catch (MillraceException e) {
            fail(e);
        }
        return true;
    }

    /** Queues the message at hand, before any further row. */
    private void queue(Topics.Topic topic, int partition, Callback callback) {
        control.add(
                new ControlMessage(topic, partition, keyOf(message), valueOf(message), callback));
    }

    private static byte @Nullable [] keyOf(Message message) {
        return message.isKeyed() ? message.keyBytes() : null;
    }

    private static byte @Nullable [] valueOf(Message message) {
        return message.isTombstone() ? null : message.valueBytes();
    }

    private static int length(byte @Nullable [] bytes) {
        return bytes == null ? 0 : bytes.length;
    }

    private void tellSchemaBefore(RowBatch rows, Route to) {
        if (bootstraps.isPresent()
                && bootstraps
                        .get()
                        .beforeRows(
                                to.columns.schema(),
                                to.topic,
                                rows.rowCount(),
                                System.nanoTime())) {
            queueBootstrap(to.columns.schema(), to.topic);
        }
    }

    /** Tells the schemas of all tables; a table's first rows are told theirs all the same. */
    @Override
    public void tables(List<TableSchema> tables) {
        if (bootstraps.isEmpty()) {
            return;
        }
        try {
            for (TableSchema table : tables) {
                queueBootstrap(columns.of(table).schema(), topics.get(rules.topic(table.name())));
            }
        } catch (MillraceException e) {
            fail(e);
        }
    }

    private void queueBootstrap(TableSchema schema, Topics.Topic topic) {
        message.clear();
        encoder.appendBootstrap(schema, message);
        queue(topic, bootstrapEverywhere ? ALL_PARTITIONS : 0, bootstrapCallback);
    }

    @Override
    public void transactionEnded(long commitTso) {
        transactions.ifPresent(Transactions::transactionEnded);
    }

    @Override
    public void flush() {
        transactions.ifPresent(Transactions::flush);
    }

    @Override
    public void resolved(long tso) {
        resolvedTso = tso;
    }

    @Override
    public int doWork(long nowNanos) {
        if (failed.get() || closed) {
            return 0;
        }
        try {
            int queued = queueWatermarks(nowNanos) + queueBootstraps(nowNanos);
            int work = queued + pump() + commit();
            watch(nowNanos);
            return work;
        } catch (MillraceException e) {
            fail(e);
            return 0;
        }
    }

    /** Tells when nothing was delivered for a while, and when that is over. */
    private void watch(long nowNanos) {
        if (!stalls.look(busy() || outbox.inFlightBytes() > 0, outbox.deliveredBytes(), nowNanos)) {
            return;
        }
        if (stalls.isStalled()) {
            MillraceException why = stalled();
            LOG.warn("kafka sink stalls: {}", why.text());
            acks.troubled(why);
        } else {
            LOG.info("kafka sink goes on: brokers={}", String.join(",", config.brokers()));
            acks.goingOn();
        }
    }

    private MillraceException stalled() {
        long seconds = TimeUnit.NANOSECONDS.toSeconds(StallWatch.LIMIT_NANOS);
        String brokers = String.join(",", config.brokers());
        Route to = route;
        String what;
        if (outbox.inFlightBytes() > 0) {
            what = "no broker of " + brokers + " has acknowledged anything";
        } else if (to != null && batch != null && !begun) {
            what = "the schema registry has not taken the schema of table " + to.schema.name();
        } else if (claim != null) {
            what = "the storage of claim checks has not taken a message";
        } else {
            what = "no broker of " + brokers + " has answered";
        }
        return new MillraceException(
                ErrorCode.SINK_CONNECTION,
                what
                        + " for "
                        + seconds
                        + " s, "
                        + outbox.inFlightBytes()
                        + " bytes are under way; it is tried on, and without success the run"
                        + " begins anew from the checkpoint");
    }

    @Override
    public boolean isHeldUp() {
        return stalls.isStalled() || batch != null && !begun && outbox.inFlightBytes() == 0;
    }

    private int queueWatermarks(long nowNanos) {
        if (!encoder.hasWatermarks()
                || Long.compareUnsigned(resolvedTso, watermarkTso) <= 0
                || watermarkSentOnce && nowNanos - watermarkNanos < WATERMARK_INTERVAL_NANOS
                || !control.isEmpty()
                || !defaultTopic.ready()) {
            return 0;
        }
        watermarkTso = resolvedTso;
        watermarkNanos = nowNanos;
        watermarkSentOnce = true;
        message.clear();
        encoder.appendWatermark(watermarkTso, message);
        for (Topics.Topic topic : topics.all()) {
            if (topic.ready()) {
                queue(topic, ALL_PARTITIONS, watermarkCallback);
            }
        }
        return 1;
    }

    private int queueBootstraps(long nowNanos) {
        if (bootstraps.isEmpty() || busy()) {
            return 0;
        }
        List<Bootstraps.Table> due = bootstraps.get().due(nowNanos);
        for (Bootstraps.Table table : due) {
            queueBootstrap(table.schema(), table.topic());
        }
        return due.size();
    }

    /** Ends the Kafka transaction between two events if it is time. */
    private int commit() {
        if (transactions.isEmpty() || batch != null || !control.isEmpty()) {
            return 0;
        }
        // The progress belongs to the default topic, which may not exist before.
        return defaultTopic.ready() && transactions.get().commitWhenDue(System.nanoTime()) ? 1 : 0;
    }

    private boolean isCommitting() {
        return transactions.isPresent() && transactions.get().isCommitting();
    }

    private boolean busy() {
        return failed.get() || closed || batch != null || !control.isEmpty() || isCommitting();
    }

    private Route routeOf(TableSchema schema) {
        return new Route(
                schema,
                columns.of(schema),
                topics.get(rules.topic(schema.name())),
                rules.partitioner(schema));
    }

    /** Hands over what the producer takes now; returns how many records. */
    private int pump() {
        if (isCommitting()) {
            return 0;
        }
        pumpNanos = System.nanoTime();
        int done = 0;
        while (!control.isEmpty()) {
            if (!sendControl(control.remove())) {
                return done;
            }
            done++;
        }
        RowBatch rows = batch;
        RowView view = row;
        Route to = route;
        Delivery counted = delivery;
        if (rows == null || view == null || to == null || counted == null) {
            return done;
        }
        if (!begun && encoder.prepare(to.columns.schema(), to.topic.name())) {
            encoder.begin(to.columns.schema(), rows.commitTso(), to.topic.name());
            begun = true;
        }
        if (!begun || !to.topic.ready()) {
            return done;
        }
        while (true) {
            ProducerRecord<byte[], byte[]> record = complete.peek();
            if (record != null) {
                if (outbox.isFull() || !outbox.send(to.topic, record, pumpNanos, counted)) {
                    return done;
                }
                complete.remove();
                done++;
            } else if (claim != null) {
                if (!claim.isDone()) {
                    return done;
                }
                shorten(claimOp, claimPartition, Optional.of(claim.location()), to, counted);
                claim = null;
            } else if (!encodeRow(rows, view, to, counted) && !closeFirst(to, counted)) {
                finishBatch(rows, counted);
                return done + 1;
            }
        }
    }

    /** Sends a message that was taken from the queue; puts it back and says false if it cannot. */
    private boolean sendControl(ControlMessage next) {
        if (!next.topic().ready()) {
            control.addFirst(next);
            return false;
        }
        if (next.partition() == ALL_PARTITIONS) {
            int partitions = next.topic().partitions();
            if (next.callback() instanceof Delivery counted) {
                counted.add(partitions - 1);
            }
            for (int partition = partitions - 1; partition >= 0; partition--) {
                control.addFirst(next.to(partition));
            }
            return true;
        }
        if (next.size() > limit(next.topic())) {
            throw tooLarge(next.topic(), next.size(), "a DDL, watermark or bootstrap");
        }
        if (!outbox.send(
                next.topic(),
                new ProducerRecord<>(
                        next.topic().name(), next.partition(), next.key(), next.value()),
                pumpNanos,
                next.callback())) {
            control.addFirst(next);
            return false;
        }
        return true;
    }

    /**
     * Encodes the next row of the batch, which may complete no message, one, or two.
     *
     * @return false at the end of the batch
     */
    private boolean encodeRow(RowBatch rows, RowView view, Route to, Delivery counted) {
        int op = rows.op();
        boolean undivided = false;
        if (insertOfSplitUpdate) {
            insertOfSplitUpdate = false;
            op = RowBatch.INSERT;
        } else if (!view.next()) {
            return false;
        } else if (op == RowBatch.UPDATE && !config.outputRawChangeEvent() && to.changesKey(view)) {
            // Consumers keep rows by key: the old key has to go before the new one comes. Rows of
            // a binlog come in the order they were executed in, so this pair is never crossed. With
            // a minimal row image the UPDATE goes as it is: an INSERT would lack most columns.
            insertOfSplitUpdate = to.isComplete(view);
            undivided = !insertOfSplitUpdate;
            op = undivided ? op : RowBatch.DELETE;
        }
        int image = op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER;
        boolean update = rows.op() == RowBatch.UPDATE;
        int partitions = to.topic.partitions();
        int partition = to.partitioner.partition(view, image, update, rows.commitTso(), partitions);
        if (undivided
                && partition
                        != to.partitioner.partition(
                                view, RowView.BEFORE, update, rows.commitTso(), partitions)) {
            throw new MillraceException(
                    ErrorCode.SINK_DATA,
                    "an update of "
                            + to.schema.name()
                            + " moves a row to another partition, and its row image is not"
                            + " complete enough to send it as a delete and an insert: set"
                            + " binlog_row_image=FULL upstream, or partition by table");
        }
        if (rowsPerMessage == 1) {
            message.clear();
            encoder.append(encoded(), op, message);
            completeSingle(op, partition, message, to, counted);
        } else {
            appendToOpen(op, partition, to, counted);
        }
        return true;
    }

    /**
     * Appends a row to the open message of its partition. Rows of one key have one partition, so
     * none overtakes another of its key.
     */
    private void appendToOpen(int op, int partition, Route to, Delivery counted) {
        int limit = limit(to.topic);
        Message open = openMessages.get(partition);
        if (open != null) {
            open.mark();
            encoder.append(encoded(), op, open);
            if (open.size() + framingBytes > limit) {
                open.rollback();
                close(partition, open, to, counted);
                open = null;
            }
        }
        if (open == null) {
            open = openMessages.take();
            encoder.append(encoded(), op, open);
            if (open.size() + framingBytes > limit) {
                completeSingle(op, partition, open, to, counted);
                openMessages.recycle(open);
                return;
            }
            openMessages.put(partition, open);
        }
        if (open.rows() >= rowsPerMessage) {
            close(partition, open, to, counted);
        }
    }

    /** Completes one message that still takes rows; false when there is none. */
    private boolean closeFirst(Route to, Delivery counted) {
        int partition = openMessages.first();
        Message open = partition < 0 ? null : openMessages.get(partition);
        if (open == null) {
            return false;
        }
        close(partition, open, to, counted);
        return true;
    }

    private void close(int partition, Message open, Route to, Delivery counted) {
        openMessages.remove(partition);
        encoder.finish(open);
        complete(partition, open, to, counted);
        openMessages.recycle(open);
    }

    /** Completes the message of one row, or sees to it if it is too large. */
    private void completeSingle(int op, int partition, Message single, Route to, Delivery counted) {
        encoder.finish(single);
        if (single.size() <= limit(to.topic)) {
            complete(partition, single, to, counted);
        } else if (!encoder.canShorten()) {
            throw tooLarge(to, single);
        } else if (claimChecks.isPresent()) {
            claim = claimChecks.get().put(single);
            claimOp = op;
            claimPartition = partition;
        } else {
            shorten(op, partition, Optional.empty(), to, counted);
        }
    }

    /** Completes the message of a row that is too large, with its handle key alone. */
    private void shorten(
            int op, int partition, Optional<String> place, Route to, Delivery counted) {
        Message shortened = openMessages.take();
        encoder.appendShortened(encoded(), op, place, shortened);
        encoder.finish(shortened);
        if (shortened.size() > limit(to.topic)) {
            throw tooLarge(to, shortened);
        }
        complete(partition, shortened, to, counted);
        openMessages.recycle(shortened);
    }

    private RowView encoded() {
        return Objects.requireNonNull(selected);
    }

    private void complete(int partition, Message done, Route to, Delivery counted) {
        counted.add(1);
        complete.add(new ProducerRecord<>(to.topic.name(), partition, keyOf(done), valueOf(done)));
    }

    private void finishBatch(RowBatch rows, Delivery counted) {
        batch = null;
        row = null;
        selected = null;
        delivery = null;
        Progress reached = new Progress(rows.commitTso(), rows.eventIndex());
        boolean last = rows.lastOfTransaction();
        counted.handedOver(rows.rowCount());
        rows.release();
        counted.countDown();
        if (transactions.isPresent()) {
            transactions.get().batchDone(counted.seq, reached, last);
            commit();
        }
    }

    /** The most bytes that key and value of a message may have. */
    private static int limit(Topics.Topic topic) {
        return topic.maxMessageBytes() - KafkaSinkConfig.RECORD_OVERHEAD;
    }

    private MillraceException tooLarge(Route to, Message row) {
        RowView view = Objects.requireNonNull(this.row);
        return tooLarge(to.topic, row.size(), "a row of " + to.schema.name() + keyText(view));
    }

    private static MillraceException tooLarge(Topics.Topic topic, int bytes, String what) {
        return new MillraceException(
                ErrorCode.MESSAGE_TOO_LARGE,
                "the message of "
                        + what
                        + " has "
                        + (bytes + KafkaSinkConfig.RECORD_OVERHEAD)
                        + " bytes, topic "
                        + topic.name()
                        + " takes "
                        + topic.maxMessageBytes()
                        + ": raise max-message-bytes and the topic's max.message.bytes, or"
                        + " filter the row out");
    }

    private String keyText(RowView view) {
        RowBatch rows = batch;
        if (rows == null || !rows.schema().hasHandleKey()) {
            return " without key";
        }
        TableSchema schema = rows.schema();
        int image = rows.op() == RowBatch.INSERT ? RowView.AFTER : RowView.BEFORE;
        ByteSink text = new ByteSink(64);
        for (int column : schema.handleKey()) {
            text.put(text.length() == 0 ? '(' : ',');
            text.putUtf8(schema.column(column).name() + "=");
            if (!view.isPresent(image, column)) {
                text.put('?');
                continue;
            }
            switch (schema.column(column).kind().access()) {
                case LONG, ASCII, TEXT -> view.appendText(image, column, text);
                case FLOAT, DOUBLE ->
                        text.putUtf8(Double.toString(view.doubleValue(image, column)));
                case BYTES -> text.putUtf8(view.length(image, column) + " bytes");
            }
        }
        text.put(')');
        String key = text.toString();
        return " with key "
                + (key.length() > MAX_KEY_TEXT ? key.substring(0, MAX_KEY_TEXT) + "..." : key);
    }

    private void watermarkSent(@Nullable RecordMetadata metadata, @Nullable Exception exception) {
        uncountedSent("a watermark", metadata, exception);
    }

    private void bootstrapSent(@Nullable RecordMetadata metadata, @Nullable Exception exception) {
        uncountedSent("a bootstrap", metadata, exception);
    }

    private void uncountedSent(
            String what, @Nullable RecordMetadata metadata, @Nullable Exception exception) {
        if (exception != null) {
            outbox.undelivered(what, exception);
        } else if (metadata != null) {
            outbox.delivered(metadata);
        }
    }

    private void fail(MillraceException error) {
        if (!closed && failed.compareAndSet(false, true)) {
            LOG.warn("kafka sink stops: {}", error.text());
            acks.fail(error);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        RowBatch open = batch;
        batch = null;
        if (open != null) {
            open.release();
        }
        control.clear();
        complete.clear();
        openMessages.clear();
        topics.close();
        try {
            encoder.close();
        } catch (RuntimeException e) {
            LOG.warn("closing the encoder failed", e);
        }
        claimChecks.ifPresent(ClaimChecks::close);
        transactions.ifPresent(Transactions::close);
        try {
            // With some time, a producer aborts the transaction that would keep readers waiting.
            producer.close(transactions.isPresent() ? ABORT_TIME : Duration.ZERO);
        } catch (RuntimeException e) {
            LOG.warn("closing the Kafka producer failed", e);
        }
        try {
            admin.close(Duration.ZERO);
        } catch (RuntimeException e) {
            LOG.warn("closing the Kafka admin client failed", e);
        }
        kerberos.close();
    }
}
