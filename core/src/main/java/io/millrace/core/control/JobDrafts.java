package io.millrace.core.control;

import io.millrace.core.spi.SinkSpec.DispatchRule;
import java.util.List;
import java.util.Map;

/**
 * Makes whole job specs of the little that a dialect without a configuration document of its own
 * asks for. The dialect whose document says most about a job implements it, so that the job can be
 * shown and changed in those words too.
 */
public interface JobDrafts {
    /**
     * What a dialect asks for.
     *
     * @param sinkUri everything about the target
     * @param rules table rules; empty means everything
     * @param dispatchers see {@link JobSpec}
     * @param dialect who asks
     * @param labels see {@link JobSpec}
     * @param sameTarget whether what was for the old sink's address alone may go to this one;
     *     without meaning for a new job
     */
    record Draft(
            JobId id,
            String upstream,
            String sinkUri,
            List<String> rules,
            List<DispatchRule> dispatchers,
            String dialect,
            Map<String, String> labels,
            boolean sameTarget) {
        public Draft {
            rules = List.copyOf(rules);
            dispatchers = List.copyOf(dispatchers);
            labels = Map.copyOf(labels);
        }

        /** Without the address, which holds a password. */
        @Override
        public String toString() {
            return "Draft[" + id + " " + Secrets.maskUri(sinkUri) + "]";
        }
    }

    /**
     * A new job; everything that the draft does not say is at its default.
     *
     * @throws io.millrace.core.error.MillraceException USER error that names what is wrong
     */
    JobSpec fresh(Draft draft, JobChecks.StartPoint start);

    /**
     * A job with another sink, other table rules and dispatchers; what a draft cannot say stays as
     * it is, but for settings of another kind of sink.
     *
     * @param draft its id and upstream are those of the job
     * @throws io.millrace.core.error.MillraceException USER error that names what is wrong
     */
    JobSpec changed(JobSpec old, Draft draft);
}
