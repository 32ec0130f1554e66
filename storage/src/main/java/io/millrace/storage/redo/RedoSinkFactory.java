package io.millrace.storage.redo;

import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ForwardingSinkFactory;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.ObjectStores;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Another factory's sinks, with a redo log in front of those whose options ask for one (see {@link
 * RedoConfig}).
 */
public final class RedoSinkFactory extends ForwardingSinkFactory {
    private static final Logger LOG = LoggerFactory.getLogger(RedoSinkFactory.class);

    private final RedoStorage storage;

    /**
     * @param target makes the sinks
     * @param stores where redo logs may lie
     */
    public RedoSinkFactory(SinkFactory target, ObjectStores stores) {
        super(target);
        this.storage = new RedoStorage(stores);
    }

    @Override
    public void validate(SinkSpec spec) {
        target.validate(spec);
        RedoConfig.of(spec).ifPresent(config -> storage.validate(config.storage()));
    }

    @Override
    public void testOpen(SinkSpec spec) {
        RedoConfig.of(spec).ifPresent(config -> storage.probe(config.storage()));
        target.testOpen(spec);
    }

    @Override
    public Sink open(SinkSpec spec, SinkContext context) {
        Optional<RedoConfig> wanted = RedoConfig.of(spec);
        if (wanted.isEmpty()) {
            return target.open(spec, context);
        }
        RedoConfig config = wanted.get();
        ObjectStore store = storage.open(config.storage());
        RedoLogFolder found;
        try {
            found = RedoLogFolder.read(store, context.jobId());
        } catch (IOException | MillraceException e) {
            store.close();
            throw RedoStorage.failure("cannot read the redo log in " + store.location(), e);
        }
        Sink sink;
        try {
            sink = target.open(spec, context);
        } catch (RuntimeException e) {
            store.close();
            throw e;
        }
        RedoLog log =
                new RedoLog(
                        store,
                        new RedoFiles(context.nodeAddress(), context.jobId()),
                        config,
                        context.jobId(),
                        found,
                        context.startTso(),
                        context.acks()::fail,
                        context.metrics());
        return new RedoSink(sink, context, config, log);
    }

    @Override
    public void forget(SinkSpec spec, String jobId) {
        RedoConfig.of(spec).ifPresent(config -> deleteLog(config, jobId));
        target.forget(spec, jobId);
    }

    private void deleteLog(RedoConfig config, String jobId) {
        try (ObjectStore store = storage.open(config.storage())) {
            RedoLogFolder.delete(store, new RedoFiles("", jobId), jobId);
            LOG.info("redo log removed job={}", jobId);
        } catch (IOException | MillraceException e) {
            throw RedoStorage.failure("cannot remove the redo log of job " + jobId, e);
        }
    }
}
