package io.millrace.core.spi;

import io.millrace.core.model.TableSchema;
import java.util.List;
import java.util.Set;

/**
 * Hands every call on to another factory; its sinks are that factory's. For subclasses as {@link
 * ForwardingSink} is.
 */
public abstract class ForwardingSinkFactory implements SinkFactory {
    /** Where the calls go. */
    protected final SinkFactory target;

    protected ForwardingSinkFactory(SinkFactory target) {
        this.target = target;
    }

    @Override
    public Set<String> schemes() {
        return target.schemes();
    }

    @Override
    public void validate(SinkSpec spec) {
        target.validate(spec);
    }

    @Override
    public void testOpen(SinkSpec spec) {
        target.testOpen(spec);
    }

    @Override
    public void validateTables(SinkSpec spec, List<TableSchema> tables) {
        target.validateTables(spec, tables);
    }

    @Override
    public Sink open(SinkSpec spec, SinkContext context) {
        return target.open(spec, context);
    }

    @Override
    public void forget(SinkSpec spec, String jobId) {
        target.forget(spec, jobId);
    }

    @Override
    public void distrustProgress(SinkSpec spec, String jobId) {
        target.distrustProgress(spec, jobId);
    }

    @Override
    public String timestampZone(SinkSpec spec, String jobZone) {
        return target.timestampZone(spec, jobZone);
    }

    @Override
    public long clusterId(SinkSpec spec) {
        return target.clusterId(spec);
    }
}
