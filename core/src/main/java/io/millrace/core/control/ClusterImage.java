package io.millrace.core.control;

import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Everything the control plane knows, at one moment. Immutable: readers keep one and need no lock.
 *
 * @param jobs by id
 * @param nodes by node id
 * @param owner id of the node that takes decisions; empty while there is none
 */
public record ClusterImage(
        SortedMap<JobId, Job> jobs, SortedMap<String, NodeInfo> nodes, Optional<String> owner) {
    /** Nothing known. */
    public static final ClusterImage EMPTY =
            new ClusterImage(new TreeMap<>(), new TreeMap<>(), Optional.empty());

    public ClusterImage {
        jobs = Collections.unmodifiableSortedMap(new TreeMap<>(jobs));
        nodes = Collections.unmodifiableSortedMap(new TreeMap<>(nodes));
    }

    public Optional<Job> job(JobId id) {
        return Optional.ofNullable(jobs.get(id));
    }

    /** Jobs of a namespace, sorted by name. */
    public List<Job> jobsOf(String namespace) {
        Collection<Job> all = jobs.values();
        return all.stream().filter(job -> job.id().namespace().equals(namespace)).toList();
    }

    ClusterImage with(Job job) {
        TreeMap<JobId, Job> copy = new TreeMap<>(jobs);
        copy.put(job.id(), job);
        return new ClusterImage(copy, nodes, owner);
    }

    ClusterImage without(JobId id) {
        TreeMap<JobId, Job> copy = new TreeMap<>(jobs);
        copy.remove(id);
        return new ClusterImage(copy, nodes, owner);
    }

    ClusterImage withNode(NodeInfo node) {
        TreeMap<String, NodeInfo> copy = new TreeMap<>(nodes);
        copy.put(node.id(), node);
        return new ClusterImage(jobs, copy, owner);
    }

    ClusterImage withOwner(Optional<String> node) {
        return new ClusterImage(jobs, nodes, node);
    }
}
