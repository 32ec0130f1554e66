package io.millrace.codec.types;

import io.millrace.codec.EncoderContext;
import io.millrace.codec.Message;
import io.millrace.codec.Protocols;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.decode.MessageDecoder;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowView;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestRowBatch;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A wire format in the test of all types. A new format is one line in {@link
 * ProtocolsUnderTest#ALL_FORMATS}.
 */
interface ProtocolUnderTest {
    /** As users write it, with options if they matter. */
    String name();

    /** Writes the only row of a batch and reads it back. */
    Outcome roundTrip(TestRowBatch batch);

    /**
     * A decoded value in the canonical form of {@link TypeCase}; formats that write names or their
     * own units translate them back here.
     */
    default @Nullable Object canonical(Column column, Object decoded) {
        return Canonical.read(column, decoded);
    }

    /**
     * What comes back for a value that the format cannot hold; the value itself when it can. Say
     * each loss in {@link #losses} too.
     */
    default @Nullable Object afterLoss(Column column, Object value) {
        return value;
    }

    /** What the format cannot hold, as one sentence each; for the documentation. */
    default java.util.List<String> losses() {
        return java.util.List.of();
    }

    /**
     * A row that went through the format.
     *
     * @param row as it was read
     * @param shown how the column {@code c} looks in the message
     */
    record Outcome(DecodedEvent.Row row, String shown) {}

    /** How a column looks in a message. */
    interface Shown {
        String of(Message message, DecodedEvent.Row row) throws Exception;
    }

    /** Shows what the decoder made of it. */
    Shown AS_DECODED = (message, row) -> text(row.after().get("c"));

    private static String text(@Nullable Object value) {
        Object comparable = Canonical.comparable(value);
        return comparable instanceof String text && !(value instanceof byte[])
                ? "\"" + text + "\""
                : String.valueOf(comparable);
    }

    /** A format of queues, by name and parameters as in a sink URI. */
    class OfQueue implements ProtocolUnderTest {
        private static final Clock CLOCK =
                Clock.fixed(Instant.ofEpochMilli(1677512813000L), ZoneOffset.UTC);

        private final String title;
        private final Supplier<RowEncoder> encoder;
        private final Function<RowEncoder, MessageDecoder> decoder;
        private final Shown shown;

        /** A format whose encoder needs nothing but its options. */
        OfQueue(String name, String parameters, MessageDecoder decoder, Shown shown) {
            this(name, encoderOf(name, parameters), encoder -> decoder, shown);
        }

        /** Makes encoders as a sink does. */
        static Supplier<RowEncoder> encoderOf(String name, String parameters) {
            return () -> {
                SinkSpec spec = SinkSpec.of("kafka://h/t?protocol=" + name + "&" + parameters);
                return Protocols.of(spec).encoder(spec, EncoderContext.of(CLOCK));
            };
        }

        /** A format whose encoder and decoder are made by hand. */
        OfQueue(
                String title,
                Supplier<RowEncoder> encoder,
                Function<RowEncoder, MessageDecoder> decoder,
                Shown shown) {
            this.title = title;
            this.encoder = encoder;
            this.decoder = decoder;
            this.shown = shown;
        }

        @Override
        public String name() {
            return title;
        }

        @Override
        public Outcome roundTrip(TestRowBatch batch) {
            try (RowEncoder writer = encoder.get()) {
                Message message = new Message();
                RowView view = batch.rows();
                view.next();
                writer.begin(batch.schema(), batch.commitTso(), "topic");
                writer.append(view, batch.op(), message);
                writer.finish(message);
                MessageDecoder reader = decoder.apply(writer);
                if (writer.hasBootstraps()) {
                    Message schema = new Message();
                    writer.appendBootstrap(batch.schema(), schema);
                    reader.decode(null, schema.valueBytes());
                }
                DecodedEvent.Row row =
                        (DecodedEvent.Row)
                                reader.decode(
                                                message.isKeyed() ? message.keyBytes() : null,
                                                message.isTombstone() ? null : message.valueBytes())
                                        .getFirst();
                return new Outcome(row, shown.of(message, row));
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
