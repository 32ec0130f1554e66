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
import io.millrace.storage.parquet.ParquetConfig;
import io.millrace.storage.parquet.ParquetRowWriter;
import java.nio.charset.StandardCharsets;
import java.time.Clock;

/** How data files look. Belongs to one thread. */
sealed interface FileFormat {
    /**
     * Begins a file.
     *
     * @param schema the columns that its rows have
     * @param bytes empty; takes what the file holds
     */
    Body open(TableSchema schema, ByteSink bytes);

    /** A file that is being filled; used by one thread at a time. */
    interface Body {
        /** Rows of this transaction follow. */
        void begin(long commitTso);

        /** Appends the cursor's row. */
        void append(RowView row, int op);

        /** Bytes that the file has so far, as far as that is known already. */
        long size();

        /** Bytes of memory that it holds. */
        long memory();

        /** Completes the file; its bytes. Called once, nothing else after it. */
        ByteSink finish();
    }

    /** Checks the format's own options. */
    static void validate(SinkSpec spec, StorageConfig.Format format) {
        if (format != StorageConfig.Format.PARQUET) {
            ParquetConfig.refuse(spec);
        }
        switch (format) {
            case CSV -> CsvConfig.of(spec);
            case CANAL_JSON -> Protocols.of(spec).validate(spec);
            case PARQUET -> ParquetConfig.of(spec);
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
            case PARQUET -> new Parquet(ParquetConfig.of(spec));
        };
    }

    /** Text, whose bytes are there as soon as a row is. */
    abstract sealed class Text implements Body {
        final TableSchema schema;
        final ByteSink bytes;

        Text(TableSchema schema, ByteSink bytes) {
            this.schema = schema;
            this.bytes = bytes;
        }

        @Override
        public long size() {
            return bytes.length();
        }

        @Override
        public long memory() {
            return bytes.length();
        }

        @Override
        public ByteSink finish() {
            return bytes;
        }
    }

    /** Delimited text. */
    final class Csv implements FileFormat {
        private final CsvRowEncoder encoder;

        Csv(CsvRowEncoder encoder) {
            this.encoder = encoder;
        }

        @Override
        public Body open(TableSchema schema, ByteSink bytes) {
            encoder.appendHeader(schema, bytes);
            return new File(encoder, schema, bytes);
        }

        private static final class File extends Text {
            private final CsvRowEncoder encoder;
            private long commitTso;

            File(CsvRowEncoder encoder, TableSchema schema, ByteSink bytes) {
                super(schema, bytes);
                this.encoder = encoder;
            }

            @Override
            public void begin(long tso) {
                encoder.begin(schema);
                commitTso = tso;
            }

            @Override
            public void append(RowView row, int op) {
                encoder.append(row, op, commitTso, bytes);
            }
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
        public Body open(TableSchema schema, ByteSink bytes) {
            return new File(this, schema, bytes);
        }

        private static final class File extends Text {
            private final Lines lines;

            File(Lines lines, TableSchema schema, ByteSink bytes) {
                super(schema, bytes);
                this.lines = lines;
            }

            @Override
            public void begin(long tso) {
                lines.encoder.begin(schema, tso, "");
            }

            @Override
            public void append(RowView row, int op) {
                Message message = lines.message;
                message.clear();
                lines.encoder.append(row, op, message);
                lines.encoder.finish(message);
                bytes.put(message.value().array(), 0, message.value().length());
                bytes.put(lines.terminator);
            }
        }
    }

    /** Typed columns. */
    record Parquet(ParquetConfig config) implements FileFormat {
        @Override
        public Body open(TableSchema schema, ByteSink bytes) {
            return new File(new ParquetRowWriter(schema, config, bytes), bytes);
        }

        private record File(ParquetRowWriter writer, ByteSink bytes) implements Body {
            @Override
            public void begin(long commitTso) {
                writer.begin(commitTso);
            }

            @Override
            public void append(RowView row, int op) {
                writer.append(row, op);
            }

            @Override
            public long size() {
                return writer.size();
            }

            @Override
            public long memory() {
                return writer.memory();
            }

            @Override
            public ByteSink finish() {
                writer.finish();
                return bytes;
            }
        }
    }
}
