package io.millrace.storage.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.ColumnSelection;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import io.millrace.storage.store.Stores;
import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.Set;

/**
 * Opens {@code file://}, {@code nfs://}, {@code s3://}, {@code gcs://}, {@code gs://}, {@code
 * azblob://}, {@code azure://} and {@code noop://} sinks.
 */
public final class StorageSinkFactory implements SinkFactory {
    /** What TiCDC looks for when it checks a storage. */
    private static final String CHECKED = "test";

    private final Stores stores = new Stores();
    private final Clock clock;

    /**
     * @param clock gives the dates of folders and the times in messages
     */
    public StorageSinkFactory(Clock clock) {
        this.clock = clock;
    }

    @Override
    public Set<String> schemes() {
        return Set.of("file", "nfs", "s3", "gcs", "gs", "azblob", "azure", "noop");
    }

    @Override
    public void validate(SinkSpec spec) {
        StorageConfig config = StorageConfig.parse(spec);
        FileFormat.validate(spec, config.format());
        ColumnSelection.of(spec);
        stores.open(spec.uri(), config.partsAtOnce()).close();
    }

    @Override
    public void validateTables(SinkSpec spec, List<TableSchema> tables) {
        ColumnSelection selection = ColumnSelection.of(spec);
        tables.forEach(selection::of);
    }

    /** Parquet files hold instants, the others texts. */
    @Override
    public String timestampZone(SinkSpec spec, String jobZone) {
        return StorageConfig.parse(spec).format() == StorageConfig.Format.PARQUET ? "UTC" : jobZone;
    }

    @Override
    public void testOpen(SinkSpec spec) {
        StorageConfig config = StorageConfig.parse(spec);
        try (ObjectStore store = stores.open(spec.uri(), config.partsAtOnce())) {
            store.exists(CHECKED);
            String probe = Progress.nameOf("check");
            store.put(probe, new byte[0]);
            store.delete(probe);
        } catch (IOException e) {
            throw broken(e);
        }
    }

    @Override
    public Sink open(SinkSpec spec, SinkContext context) {
        StorageConfig config = StorageConfig.parse(spec);
        ObjectStore store = stores.open(spec.uri(), config.partsAtOnce());
        try {
            long covered = context.checkpoint().isPresent() ? context.startTso() : 0;
            Progress progress = Progress.load(store, context.jobId(), covered);
            return new StorageSink(
                    config,
                    FileFormat.of(spec, config.format(), clock),
                    ColumnSelection.of(spec),
                    store,
                    progress,
                    context,
                    clock);
        } catch (IOException e) {
            store.close();
            throw broken(e);
        } catch (RuntimeException e) {
            store.close();
            throw e;
        }
    }

    @Override
    public void forget(SinkSpec spec, String jobId) {
        try (ObjectStore store = stores.open(spec.uri())) {
            store.delete(Progress.nameOf(jobId));
        } catch (IOException e) {
            throw broken(e);
        }
    }

    @Override
    public void distrustProgress(SinkSpec spec, String jobId) {
        try (ObjectStore store = stores.open(spec.uri())) {
            Progress.distrust(store, jobId);
        } catch (IOException e) {
            throw broken(e);
        }
    }

    private static MillraceException broken(IOException e) {
        return new MillraceException(ErrorCode.SINK_TRANSIENT, "storage: " + e, e);
    }
}
