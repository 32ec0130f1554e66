package io.millrace.kafka;

import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.Sink;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes rows, DDL and watermarks to Kafka topics.
 *
 * <p>The engine's thread encodes rows and hands them to the producer, as many as the producer has
 * room for; then {@link #offer} answers false, a batch that is under way waits, and {@link #doWork}
 * goes on with it. The producer's own thread counts the acknowledgements of each batch and acks it.
 * At least once: after an unclean end rows may come again, in the same order per partition.
 */
final class KafkaSink implements Sink {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaSink.class);

    /** Bytes handed to the producer and not acknowledged yet, at which rows have to wait. */
    private static final long MAX_IN_FLIGHT_BYTES = KafkaClients.BUFFER_BYTES * 3 / 4;

    /** What a record costs the producer beyond its value, roughly. */
    private static final int RECORD_COST = 64;

    private static final long WATERMARK_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Table versions whose routes are kept; beyond, all are dropped and built anew. */
    private static final int MAX_ROUTES = 1 << 15;

    /** Longest text of a key in an error message. */
    private static final int MAX_KEY_TEXT = 200;

    private final KafkaSinkConfig config;
    private final DispatchRules rules;
    private final RowEncoder encoder;
    private final Acks acks;
    private final Admin admin;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Topics topics;
    private final Topics.Topic defaultTopic;
    private final Map<TableSchema, Route> routes = new HashMap<>();
    private final Message message = new Message();

    /** Messages for every or certain partitions, before any further row. */
    private final ArrayDeque<ControlMessage> control = new ArrayDeque<>();

    private final Callback watermarkCallback = this::watermarkSent;

    /** Written by the engine's thread only. */
    private long sentBytes;

    /** Written by the producer's thread only, but for the very end. */
    private final AtomicLong deliveredBytes = new AtomicLong();

    private final AtomicBoolean failed = new AtomicBoolean();
    private volatile boolean closed;

    // The batch under way.
    private @Nullable RowBatch batch;
    private @Nullable RowView row;
    private @Nullable Route route;
    private @Nullable Delivery delivery;
    private @Nullable ProducerRecord<byte[], byte[]> waiting;
    private boolean insertOfSplitUpdate;

    /** Time of the current pass over what waits. */
    private long pumpNanos;

    /** Set while the producer refuses the record at hand, else 0. */
    private long refusedSinceNanos;

    /** The thread inside {@code send}: a callback on it means that the record was refused. */
    private @Nullable Thread sender;

    private @Nullable Exception refusal;

    private long resolvedTso;
    private long watermarkTso;
    private long watermarkNanos;
    private boolean watermarkSentOnce;

    /** Where the rows of one table version go. */
    private static final class Route {
        final TableSchema schema;
        final Topics.Topic topic;
        final RowPartitioner partitioner;

        /** Columns of the handle key and of all unique keys. */
        final int[] keyColumns;

        /** Columns that a row has a value of in the binary log. */
        final int[] storedColumns;

        Route(TableSchema schema, Topics.Topic topic, RowPartitioner partitioner) {
            this.schema = schema;
            this.topic = topic;
            this.partitioner = partitioner;
            Set<Integer> columns = new HashSet<>();
            for (TableSchema.Key key : schema.keys()) {
                columns.addAll(key.columns());
            }
            keyColumns = columns.stream().mapToInt(Integer::intValue).sorted().toArray();
            storedColumns =
                    IntStream.range(0, schema.columns().size())
                            .filter(i -> schema.column(i).generated() != Column.Generated.VIRTUAL)
                            .toArray();
        }

        boolean changesKey(RowView row) {
            for (int column : keyColumns) {
                // A minimal new image holds only what changed.
                if (row.isPresent(RowView.AFTER, column) && !row.isUnchanged(column)) {
                    return true;
                }
            }
            return false;
        }

        /** Whether the new image alone can make the row anew. */
        boolean isComplete(RowView row) {
            for (int column : storedColumns) {
                if (!row.isPresent(RowView.AFTER, column)) {
                    return false;
                }
            }
            return true;
        }
    }

    /** A DDL or watermark on its way to one partition. */
    private record ControlMessage(
            Topics.Topic topic, int partition, byte[] value, Callback callback) {}

    /** Lets the other records of a partition follow the first one. */
    private record FirstRecord(Topics.Partition partition, Callback next) implements Callback {
        @Override
        public void onCompletion(@Nullable RecordMetadata metadata, @Nullable Exception exception) {
            if (exception == null) {
                partition.known();
            }
            next.onCompletion(metadata, exception);
        }
    }

    /** Counts the open records of one event; acks it when all are acknowledged. */
    private final class Delivery implements Callback {
        private final long seq;
        private final String what;

        /** Records under way, plus one until the last one was handed over. */
        private final AtomicInteger open = new AtomicInteger(1);

        Delivery(long seq, String what) {
            this.seq = seq;
            this.what = what;
        }

        @Override
        public void onCompletion(@Nullable RecordMetadata metadata, @Nullable Exception exception) {
            if (exception == null && metadata != null) {
                delivered(metadata.serializedValueSize());
                countDown();
            } else if (exception != null) {
                undelivered(what, exception);
            }
        }

        void countDown() {
            if (open.decrementAndGet() == 0 && !closed) {
                acks.ack(seq);
            }
        }
    }

    KafkaSink(
            KafkaSinkConfig config,
            DispatchRules rules,
            RowEncoder encoder,
            Acks acks,
            Admin admin,
            KafkaProducer<byte[], byte[]> producer,
            Topics topics) {
        this.config = config;
        this.rules = rules;
        this.encoder = encoder;
        this.acks = acks;
        this.admin = admin;
        this.producer = producer;
        this.topics = topics;
        defaultTopic = topics.get(config.topic());
    }

    @Override
    public boolean offer(long seq, RowBatch offered) {
        if (busy() || inFlightBytes() >= MAX_IN_FLIGHT_BYTES) {
            return false;
        }
        batch = offered;
        try {
            Route to = routeOf(offered.schema());
            route = to;
            row = offered.rows();
            delivery = new Delivery(seq, "table " + offered.schema().name());
            insertOfSplitUpdate = false;
            encoder.begin(offered.schema(), offered.commitTso(), to.topic.name());
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
        // When replayed the message may be there already: it is sent again, at least once.
        Delivery counted = new Delivery(seq, "a DDL");
        for (SchemaChange.Change part : change.changes()) {
            message.clear();
            if (!encoder.appendDdl(change, part, message)) {
                continue;
            }
            Topics.Topic topic =
                    part.name().table().isEmpty()
                            ? defaultTopic
                            : topics.get(rules.topic(part.name()));
            counted.open.incrementAndGet();
            control.add(new ControlMessage(topic, 0, message.valueBytes(), counted));
        }
        counted.countDown();
        routes.clear();
        try {
            pump();
        } catch (MillraceException e) {
            fail(e);
        }
        return true;
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
            int queued = queueWatermarks(nowNanos);
            return queued + pump();
        } catch (MillraceException e) {
            fail(e);
            return 0;
        }
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
        byte[] value = message.valueBytes();
        for (Topics.Topic topic : topics.all()) {
            if (topic.ready()) {
                for (int partition = 0; partition < topic.partitions(); partition++) {
                    control.add(new ControlMessage(topic, partition, value, watermarkCallback));
                }
            }
        }
        return 1;
    }

    private boolean busy() {
        return failed.get() || closed || batch != null || !control.isEmpty();
    }

    private long inFlightBytes() {
        return sentBytes - deliveredBytes.get();
    }

    private Route routeOf(TableSchema schema) {
        Route current = route;
        if (current != null && current.schema == schema) {
            return current;
        }
        current = routes.get(schema);
        if (current == null) {
            if (routes.size() >= MAX_ROUTES) {
                routes.clear();
            }
            current =
                    new Route(
                            schema,
                            topics.get(rules.topic(schema.name())),
                            rules.partitioner(schema));
            routes.put(schema, current);
        }
        return current;
    }

    /** Hands over what the producer takes now; returns how many records. */
    private int pump() {
        int done = 0;
        pumpNanos = System.nanoTime();
        while (!control.isEmpty()) {
            ControlMessage next = control.peek();
            if (!next.topic().ready()) {
                return done;
            }
            checkSize(next.topic(), next.value().length, "a DDL or watermark", null);
            if (!send(
                    next.topic(),
                    new ProducerRecord<>(next.topic().name(), next.partition(), null, next.value()),
                    next.callback())) {
                return done;
            }
            control.remove();
            done++;
        }
        RowBatch rows = batch;
        RowView view = row;
        Route to = route;
        Delivery counted = delivery;
        if (rows == null || view == null || to == null || counted == null || !to.topic.ready()) {
            return done;
        }
        while (true) {
            ProducerRecord<byte[], byte[]> record = waiting;
            if (record == null) {
                record = nextRecord(rows, view, to);
                if (record == null) {
                    finishBatch(rows, counted);
                    return done + 1;
                }
                counted.open.incrementAndGet();
            }
            if (inFlightBytes() >= MAX_IN_FLIGHT_BYTES || !send(to.topic, record, counted)) {
                waiting = record;
                return done;
            }
            waiting = null;
            done++;
        }
    }

    /** The next message of the batch; null at its end. */
    private @Nullable ProducerRecord<byte[], byte[]> nextRecord(
            RowBatch rows, RowView view, Route to) {
        int op = rows.op();
        boolean undivided = false;
        if (insertOfSplitUpdate) {
            insertOfSplitUpdate = false;
            op = RowBatch.INSERT;
        } else if (!view.next()) {
            return null;
        } else if (op == RowBatch.UPDATE && !config.outputRawChangeEvent() && to.changesKey(view)) {
            // Consumers keep rows by key: the old key has to go before the new one comes. Rows of
            // a binlog come in the order they were executed in, so this pair is never crossed. With
            // a minimal row image the UPDATE goes as it is: an INSERT would lack most columns.
            insertOfSplitUpdate = to.isComplete(view);
            undivided = !insertOfSplitUpdate;
            op = undivided ? op : RowBatch.DELETE;
        }
        message.clear();
        encoder.append(view, op, message);
        int image = op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER;
        boolean update = rows.op() == RowBatch.UPDATE;
        int partition =
                to.partitioner.partition(
                        view, image, update, rows.commitTso(), to.topic.partitions());
        if (undivided
                && partition
                        != to.partitioner.partition(
                                view,
                                RowView.BEFORE,
                                update,
                                rows.commitTso(),
                                to.topic.partitions())) {
            throw new MillraceException(
                    ErrorCode.SINK_DATA,
                    "an update of "
                            + to.schema.name()
                            + " moves a row to another partition, and its row image is not"
                            + " complete enough to send it as a delete and an insert: set"
                            + " binlog_row_image=FULL upstream, or partition by table");
        }
        checkSize(to.topic, message.size(), "a row of " + to.schema.name(), view);
        return new ProducerRecord<>(to.topic.name(), partition, null, message.valueBytes());
    }

    private void finishBatch(RowBatch rows, Delivery counted) {
        batch = null;
        row = null;
        delivery = null;
        rows.release();
        counted.countDown();
    }

    /** False when the producer has no room, or no metadata, now. */
    private boolean send(
            Topics.Topic topic, ProducerRecord<byte[], byte[]> record, Callback callback) {
        Topics.Partition partition = topic.partition(record.partition());
        boolean first = partition.isFirst(pumpNanos);
        if (first) {
            partition.unknown();
        } else if (!partition.isOpen()) {
            return false; // its first record has to arrive before any other
        }
        sender = Thread.currentThread();
        refusal = null;
        try {
            producer.send(record, first ? new FirstRecord(partition, callback) : callback);
        } catch (KafkaException | IllegalStateException e) {
            throw KafkaErrors.delivery("topic " + record.topic(), e);
        } finally {
            sender = null;
        }
        Exception refused = refusal;
        if (refused == null) {
            partition.sent(pumpNanos);
            sentBytes += record.value().length + RECORD_COST;
            refusedSinceNanos = 0;
            return true;
        }
        if (!(refused instanceof TimeoutException)) {
            throw KafkaErrors.delivery("topic " + record.topic(), refused);
        }
        long now = System.nanoTime();
        if (refusedSinceNanos == 0) {
            refusedSinceNanos = now;
        } else if (now - refusedSinceNanos
                > TimeUnit.MILLISECONDS.toNanos(KafkaClients.DELIVERY_TIMEOUT_MS)) {
            throw KafkaErrors.delivery("topic " + record.topic(), refused);
        }
        return false;
    }

    private void checkSize(
            Topics.Topic topic, int valueBytes, String what, @Nullable RowView view) {
        int size = valueBytes + KafkaSinkConfig.RECORD_OVERHEAD;
        if (size > topic.maxMessageBytes()) {
            throw new MillraceException(
                    ErrorCode.MESSAGE_TOO_LARGE,
                    "the message of "
                            + what
                            + (view == null ? "" : keyText(view))
                            + " has "
                            + size
                            + " bytes, topic "
                            + topic.name()
                            + " takes "
                            + topic.maxMessageBytes()
                            + ": raise max-message-bytes and the topic's max.message.bytes, or"
                            + " filter the row out");
        }
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

    private void delivered(int valueBytes) {
        // One writer: no need for an atomic addition.
        deliveredBytes.setRelease(deliveredBytes.getPlain() + valueBytes + RECORD_COST);
    }

    private void watermarkSent(@Nullable RecordMetadata metadata, @Nullable Exception exception) {
        if (exception != null) {
            undelivered("a watermark", exception);
        } else if (metadata != null) {
            delivered(metadata.serializedValueSize());
        }
    }

    private void undelivered(String what, Exception exception) {
        if (Thread.currentThread() == sender) {
            refusal = exception; // not queued at all: the caller of send decides
        } else {
            fail(KafkaErrors.delivery(what, exception));
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
        topics.close();
        try {
            producer.close(Duration.ZERO);
        } catch (RuntimeException e) {
            LOG.warn("closing the Kafka producer failed", e);
        }
        try {
            admin.close(Duration.ZERO);
        } catch (RuntimeException e) {
            LOG.warn("closing the Kafka admin client failed", e);
        }
    }
}
