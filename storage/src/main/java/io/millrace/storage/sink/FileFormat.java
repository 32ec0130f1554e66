package io.millrace.storage.sink;

import io.millrace.codec.EncoderContext;
import io.millrace.codec.Message;
import io.millrace.codec.Protocol;
import io.millrace.codec.Protocols;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.csv.CsvConfig;
import io.millrace.codec.csv.CsvRowEncoder;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import java.nio.charset.StandardCharsets;
import java.time.Clock;

/** Writes rows into a file's bytes. Belongs to one thread. */
sealed interface FileFormat {
    /** Appends what a file begins with. */
    void header(TableSchema schema, ByteSink out);

    /** Rows of this table version and transaction follow. */
    void begin(TableSchema schema, long commitTso);

    /** Appends the cursor's row. */
    void append(RowView row, int op, ByteSink out);

    /** Checks the format's own options. */
    static void validate(SinkSpec spec, StorageConfig.Format format) {
        switch (format) {
            case CSV -> CsvConfig.of(spec);
            case CANAL_JSON -> Protocols.of(spec).validate(spec);
        }
    }

    static FileFormat of(SinkSpec spec, StorageConfig.Format format, Clock clock) {
        return switch (format) {
            case CSV -> new Csv(new CsvRowEncoder(CsvConfig.of(spec)));
            case CANAL_JSON -> {
                Protocol protocol = Protocols.of(spec);
                yield new Lines(
                        protocol.encoder(spec, EncoderContext.of(clock)),
                        spec.option("terminator")
                                .filter(text -> !text.isEmpty())
                                .orElse(CsvConfig.DEFAULTS.terminator()));
            }
        };
    }

    /** Delimited text. */
    final class Csv implements FileFormat {
        private final CsvRowEncoder encoder;
        private long commitTso;

        Csv(CsvRowEncoder encoder) {
            this.encoder = encoder;
        }

        @Override
        public void header(TableSchema schema, ByteSink out) {
            encoder.appendHeader(schema, out);
        }

        @Override
        public void begin(TableSchema schema, long tso) {
            encoder.begin(schema);
            commitTso = tso;
        }

        @Override
        public void append(RowView row, int op, ByteSink out) {
            encoder.append(row, op, commitTso, out);
        }
    }

    /** Messages of a queue's format, one behind the other. */
    final class Lines implements FileFormat {
        private final RowEncoder encoder;
        private final byte[] terminator;
        private final Message message = new Message();

        Lines(RowEncoder encoder, String terminator) {
            this.encoder = encoder;
            this.terminator = terminator.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public void header(TableSchema schema, ByteSink out) {}

        @Override
        public void begin(TableSchema schema, long tso) {
            encoder.begin(schema, tso, "");
        }

        @Override
        public void append(RowView row, int op, ByteSink out) {
            message.clear();
            encoder.append(row, op, message);
            encoder.finish(message);
            out.put(message.value().array(), 0, message.value().length());
            out.put(terminator);
        }
    }
}
