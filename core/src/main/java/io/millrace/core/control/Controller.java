package io.millrace.core.control;

import io.millrace.core.control.MetaStore.Guard;
import io.millrace.core.control.MetaStore.Op;
import io.millrace.core.control.Records.StateRecord;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SourcePosition;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the decisions: one thread takes one {@link Command} after the other, checks it against the
 * image, writes the records in one guarded transaction, makes the new image, tells the listeners
 * and answers. Nothing else writes job records.
 */
final class Controller implements AutoCloseable {
    /** Commands that may wait; more are refused at once. */
    private static final int MAX_WAITING = 1024;

    private static final Duration LEASE_TTL = Duration.ofSeconds(10);
    private static final long STOP_MS = 5_000;

    /** Jobs named in an error before it says how many more there are. */
    private static final int MAX_NAMED_JOBS = 10;

    private static final Logger LOG = LoggerFactory.getLogger(Controller.class);

    /** Hears of every new image, on the controller's thread, before the command is answered. */
    interface Listener {
        void imageChanged(ClusterImage image);
    }

    private record Waiting(Command command, CompletableFuture<Optional<Job>> answer) {}

    private final MetaStore store;
    private final Vault vault;
    private final NodeInfo self;
    private final Upstreams upstreams;
    private final Clock clock;
    private final BlockingQueue<Waiting> queue = new ArrayBlockingQueue<>(MAX_WAITING);
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicLong elections = new AtomicLong();
    private final Thread thread;
    private final Thread heartbeat;
    private volatile ClusterImage image = ClusterImage.EMPTY;
    private volatile long lease;
    private volatile boolean stopping;

    Controller(MetaStore store, Vault vault, NodeInfo self, Upstreams upstreams, Clock clock) {
        this.store = store;
        this.vault = vault;
        this.self = self;
        this.upstreams = upstreams;
        this.clock = clock;
        this.thread = Thread.ofPlatform().name("controller").daemon().unstarted(this::run);
        this.heartbeat = Thread.ofVirtual().name("node-lease").unstarted(this::keepLease);
    }

    void addListener(Listener listener) {
        listeners.add(listener);
    }

    /** Registers the node, wins the election, reads all jobs, starts to take commands. */
    void start() {
        register();
        image = readAll();
        listeners.forEach(listener -> listener.imageChanged(image));
        thread.start();
        heartbeat.start();
    }

    ClusterImage image() {
        return image;
    }

    /** How often this node became owner. */
    long elections() {
        return elections.get();
    }

    boolean isAlive() {
        return thread.isAlive();
    }

    CompletableFuture<Optional<Job>> submit(Command command) {
        CompletableFuture<Optional<Job>> answer = new CompletableFuture<>();
        if (stopping || !queue.offer(new Waiting(command, answer))) {
            answer.completeExceptionally(
                    new MillraceException(
                            ErrorCode.CLUSTER_UNHEALTHY,
                            stopping
                                    ? "the server is shutting down"
                                    : "more than " + MAX_WAITING + " commands are waiting"));
        }
        return answer;
    }

    private void run() {
        while (!stopping || !queue.isEmpty()) {
            try {
                Waiting next = queue.poll(100, TimeUnit.MILLISECONDS);
                if (next != null) {
                    answer(next);
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void answer(Waiting waiting) {
        try {
            Optional<Job> job = apply(waiting.command());
            waiting.answer().complete(job);
        } catch (MillraceException e) {
            waiting.answer().completeExceptionally(e);
        } catch (RuntimeException e) {
            LOG.error("command failed command={}", waiting.command().getClass(), e);
            waiting.answer()
                    .completeExceptionally(
                            new MillraceException(
                                    ErrorCode.INTERNAL, "the command failed: " + e, e));
        }
    }

    private Optional<Job> apply(Command command) {
        return switch (command) {
            case Command.CreateJob create -> Optional.of(create(create));
            case Command.UpdateJob update -> Optional.of(update(update));
            case Command.ReplaceJob replace -> Optional.of(replace(replace));
            case Command.PauseJob pause -> pause(pause.id());
            case Command.ResumeJob resume -> resume(resume);
            case Command.RemoveJob remove -> remove(remove.id());
            case Command.RemoveUpstream remove -> removeUpstream(remove.name());
            case Command.ResignOwner resign -> resign();
            case Command.ReportRun report -> report(report);
            case Command.LoseJob lose -> lose(lose);
        };
    }

    private Job create(Command.CreateJob create) {
        JobSpec spec = create.spec();
        JobId id = spec.id();
        if (image.job(id).isPresent()) {
            throw new MillraceException(
                    ErrorCode.JOB_ALREADY_EXISTS, "changefeed already exists, " + id.name());
        }
        // Asked for here, where it cannot be removed at the same time.
        upstreams.get(spec.upstream());
        StateRecord state = state(JobState.NORMAL, Optional.empty(), 1);
        long revision =
                commit(
                        List.of(
                                new Guard.Absent(Records.specKey(id)),
                                new Guard.Absent(Records.stateKey(id))),
                        List.of(
                                putSpec(spec),
                                putState(id, state),
                                new Op.DeletePrefix(Records.runPrefix(id)),
                                startEnd(id, create.streamEnd()),
                                staleSink(id)));
        LOG.info("job created job={} sink={}", id, Secrets.maskUri(spec.sinkUri()));
        return publish(spec, state, revision);
    }

    private Job update(Command.UpdateJob update) {
        Job old = existing(update.spec().id());
        boolean labelsAlone = old.spec().withLabels(update.spec().labels()).equals(update.spec());
        if (!labelsAlone && old.state() != JobState.STOPPED && old.state() != JobState.FAILED) {
            refuseIfChanged(old, update.basedOn());
            throw new MillraceException(
                    ErrorCode.UPDATE_REFUSED,
                    "can only update changefeed config when it is stopped or failed");
        }
        return put(
                old,
                update.spec(),
                update.basedOn(),
                state(old.state(), old.error(), old.generation()));
    }

    private Job replace(Command.ReplaceJob replace) {
        Job old = existing(replace.spec().id());
        return put(
                old,
                replace.spec(),
                replace.basedOn(),
                old.state().isActive()
                        ? state(JobState.NORMAL, Optional.empty(), old.generation() + 1)
                        : state(old.state(), old.error(), old.generation()));
    }

    private static void refuseIfChanged(Job old, long basedOn) {
        if (old.revision() != basedOn) {
            throw new MillraceException(
                    ErrorCode.METASTORE_CONFLICT,
                    "changefeed "
                            + old.id()
                            + " was changed by somebody else meanwhile; try again");
        }
    }

    private Job put(Job old, JobSpec spec, long basedOn, StateRecord state) {
        refuseIfChanged(old, basedOn);
        List<Op> ops = new ArrayList<>();
        ops.add(putSpec(spec));
        ops.add(putState(old.id(), state));
        List<Guard> guards = new ArrayList<>(unchanged(old));
        if (choosesOtherTables(old.spec(), spec)) {
            distrustSink(old.id(), guards, ops);
        }
        long revision = commit(guards, ops);
        LOG.info("job updated job={} state={}", old.id(), state.state());
        return publish(spec, state, revision);
    }

    /** A table that joins has rows behind the checkpoint that the sink's progress never covered. */
    private static boolean choosesOtherTables(JobSpec old, JobSpec now) {
        return !old.filter().equals(now.filter())
                || old.caseSensitive() != now.caseSensitive()
                || old.forceReplicate() != now.forceReplicate();
    }

    private Optional<Job> pause(JobId id) {
        Job old = existing(id);
        if (!old.state().isActive()) {
            LOG.info("pause ignored job={} state={}", id, old.state());
            return Optional.of(old);
        }
        return Optional.of(
                move(
                        old,
                        old.spec(),
                        state(JobState.STOPPED, old.error(), old.generation() + 1),
                        List.of()));
    }

    private Optional<Job> resume(Command.ResumeJob resume) {
        Job old = existing(resume.id());
        if (old.state().isActive()) {
            LOG.info("resume ignored job={} state={}", old.id(), old.state());
            return Optional.of(old);
        }
        JobSpec spec = old.spec();
        List<Op> ops = new ArrayList<>();
        if (resume.overwriteTso() != 0) {
            spec = spec.withStart(resume.overwriteTso());
            ops.add(putSpec(spec));
            ops.addAll(forgetProgress(old.id(), resume.overwriteTso()));
            ops.add(startEnd(old.id(), resume.streamEnd()));
        }
        return Optional.of(
                move(
                        old,
                        spec,
                        state(JobState.NORMAL, Optional.empty(), old.generation() + 1),
                        ops));
    }

    /**
     * Schema history stays when the new start lies within it, because then it tells the table
     * versions of that time; outside of it, it would be wrong.
     */
    private List<Op> forgetProgress(JobId id, long overwriteTso) {
        List<Op> ops = new ArrayList<>();
        Optional<Long> checkpoint = MetaJobStore.checkpointTso(store, id);
        Optional<Long> oldest = MetaJobStore.oldestHistoryTso(store, id);
        boolean within =
                checkpoint.isPresent()
                        && oldest.isPresent()
                        && Long.compareUnsigned(overwriteTso, checkpoint.get()) <= 0
                        && Long.compareUnsigned(overwriteTso, oldest.get()) >= 0;
        ops.add(new Op.Delete(Records.checkpointKey(id)));
        ops.add(new Op.Delete(Records.intentKey(id)));
        ops.add(staleSink(id));
        if (!within) {
            ops.add(new Op.DeletePrefix(Records.historyPrefix(id)));
        }
        return ops;
    }

    /**
     * A sink may keep progress of its own in the target, from before an overwrite, or from a job of
     * the same name that was removed while the target was away; the next run must not believe it.
     */
    private static Op staleSink(JobId id) {
        return new Op.Put(Records.staleSinkKey(id), Records.SINK_FORGETS);
    }

    /**
     * Other tables are chosen. A sink that has to forget anyhow still has to: the mark is written
     * anew, so that a run that is just starting does not take it away.
     */
    private void distrustSink(JobId id, List<Guard> guards, List<Op> ops) {
        String key = Records.staleSinkKey(id);
        Optional<MetaStore.Entry> mark = store.get(key);
        guards.add(
                mark.<Guard>map(m -> new Guard.Unchanged(key, m.modRevision()))
                        .orElse(new Guard.Absent(key)));
        ops.add(new Op.Put(key, mark.map(MetaStore.Entry::value).orElse(Records.SINK_DISTRUSTS)));
    }

    /** Kept until the first checkpoint takes over: the first run may begin much later. */
    private static Op startEnd(JobId id, Optional<SourcePosition> end) {
        String key = Records.startEndKey(id);
        return end.<Op>map(position -> new Op.Put(key, position.encode()))
                .orElse(new Op.Delete(key));
    }

    private Optional<Job> remove(JobId id) {
        Optional<Job> old = image.job(id);
        if (old.isEmpty()) {
            return Optional.empty();
        }
        commit(
                List.of(),
                List.of(
                        new Op.DeletePrefix(Records.jobPrefix(id)),
                        new Op.DeletePrefix(Records.runPrefix(id))));
        LOG.info("job removed job={}", id);
        show(image.without(id));
        return old;
    }

    /** On this thread, so that no job is made meanwhile that names it. */
    private Optional<Job> removeUpstream(String name) {
        List<String> users =
                image.jobs().values().stream()
                        .filter(job -> job.spec().upstream().equals(name))
                        .map(job -> job.id().name())
                        .toList();
        if (!users.isEmpty()) {
            int more = users.size() - MAX_NAMED_JOBS;
            throw new MillraceException(
                    ErrorCode.UPSTREAM_IN_USE,
                    "upstream "
                            + name
                            + " is read by "
                            + users.size()
                            + (users.size() == 1 ? " changefeed: " : " changefeeds: ")
                            + String.join(
                                    ", ", users.subList(0, Math.min(MAX_NAMED_JOBS, users.size())))
                            + (more > 0 ? ", and " + more + " more" : "")
                            + "; delete them first");
        }
        upstreams.remove(name);
        LOG.info("upstream removed name={}", name);
        return Optional.empty();
    }

    private Optional<Job> resign() {
        store.commit(List.of(), List.of(new Op.Delete(Records.OWNER)));
        LOG.info("owner resigned node={}", self.id());
        show(image.withOwner(campaign()));
        return Optional.empty();
    }

    private Optional<Job> report(Command.ReportRun report) {
        Optional<Job> known = image.job(report.id());
        if (known.isEmpty()
                || known.get().generation() != report.generation()
                || !known.get().state().isActive()) {
            return known;
        }
        Job old = known.get();
        if (old.state() == report.state() && old.error().equals(report.error())) {
            return known;
        }
        // Getting well again does not erase what happened; it is merely not shown.
        Optional<JobError> error = report.error().isPresent() ? report.error() : old.error();
        return Optional.of(
                move(old, old.spec(), state(report.state(), error, old.generation()), List.of()));
    }

    private Optional<Job> lose(Command.LoseJob lose) {
        Optional<Job> known = image.job(lose.id());
        if (known.isEmpty()
                || known.get().generation() != lose.generation()
                || known.get().state() != JobState.STOPPED) {
            return known;
        }
        Job old = known.get();
        return Optional.of(
                move(
                        old,
                        old.spec(),
                        state(JobState.FAILED, Optional.of(lose.error()), old.generation()),
                        List.of()));
    }

    private Job move(Job old, JobSpec spec, StateRecord state, List<Op> more) {
        List<Op> ops = new ArrayList<>(more);
        ops.add(putState(old.id(), state));
        long revision = commit(unchanged(old), ops);
        LOG.info(
                "job state job={} from={} to={} error={}",
                old.id(),
                old.state(),
                state.state(),
                state.error().map(error -> error.code() + ": " + error.message()).orElse("none"));
        return publish(spec, state, revision);
    }

    private Job existing(JobId id) {
        return image.job(id)
                .orElseThrow(() ->
                        new MillraceException(
                                ErrorCode.JOB_NOT_FOUND, "changefeed not exists, " + id));
    }

    private static List<Guard> unchanged(Job job) {
        return List.of(new Guard.Unchanged(Records.stateKey(job.id()), job.revision()));
    }

    private Op putSpec(JobSpec spec) {
        String key = Records.specKey(spec.id());
        return new Op.Put(key, vault.seal(key, Records.encode(spec)));
    }

    private static Op putState(JobId id, StateRecord state) {
        return new Op.Put(Records.stateKey(id), Records.encode(state));
    }

    private long commit(List<Guard> guards, List<Op> ops) {
        MetaStore.Commit commit = store.commit(guards, ops);
        if (!commit.applied()) {
            show(readAll());
            throw new MillraceException(
                    ErrorCode.METASTORE_CONFLICT,
                    "the metadata store was changed by another node at the same time; try again");
        }
        return commit.revision();
    }

    private StateRecord state(JobState state, Optional<JobError> error, long generation) {
        return new StateRecord(state, error, generation, clock.instant());
    }

    private Job publish(JobSpec spec, StateRecord state, long revision) {
        Job job =
                new Job(
                        spec,
                        state.state(),
                        state.error(),
                        state.generation(),
                        state.changed(),
                        revision);
        show(image.with(job));
        return job;
    }

    private void show(ClusterImage next) {
        image = next;
        listeners.forEach(listener -> listener.imageChanged(next));
    }

    private ClusterImage readAll() {
        ClusterImage next = ClusterImage.EMPTY;
        MetaStore.Range jobs = store.range(Records.JOBS);
        for (MetaStore.Entry entry : jobs.entries()) {
            if (!entry.key().endsWith("/spec")) {
                continue;
            }
            JobSpec spec = Records.decodeSpec(vault.unseal(entry.key(), entry.value()));
            String stateKey = Records.stateKey(spec.id());
            for (MetaStore.Entry other : jobs.entries()) {
                if (other.key().equals(stateKey)) {
                    StateRecord state = Records.decodeState(other.value());
                    next =
                            next.with(
                                    new Job(
                                            spec,
                                            state.state(),
                                            state.error(),
                                            state.generation(),
                                            state.changed(),
                                            other.modRevision()));
                }
            }
        }
        for (MetaStore.Entry entry : store.range(Records.NODES).entries()) {
            next = next.withNode(Records.decodeNode(entry.value()));
        }
        return next.withOwner(store.get(Records.OWNER).map(MetaStore.Entry::value));
    }

    private void register() {
        lease = store.grantLease(LEASE_TTL);
        store.commit(
                List.of(),
                List.of(new Op.Put(Records.nodeKey(self.id()), Records.encode(self), lease)));
        campaign();
    }

    /** Tries to become owner; answers who is. */
    private Optional<String> campaign() {
        if (store.commit(
                        List.of(new Guard.Absent(Records.OWNER)),
                        List.of(new Op.Put(Records.OWNER, self.id(), lease)))
                .applied()) {
            elections.incrementAndGet();
            LOG.info("owner elected node={}", self.id());
        }
        return store.get(Records.OWNER).map(MetaStore.Entry::value);
    }

    private void keepLease() {
        while (!stopping) {
            try {
                Thread.sleep(LEASE_TTL.dividedBy(3));
                if (!store.keepAlive(lease) && !stopping) {
                    LOG.warn("node lease was lost, registering again node={}", self.id());
                    register();
                }
            } catch (InterruptedException e) {
                return;
            } catch (MillraceException e) {
                LOG.warn("node lease could not be renewed: {}", e.text());
            }
        }
    }

    /** Ends the thread after the commands that wait; gives up node and owner records. */
    @Override
    public void close() {
        stopping = true;
        heartbeat.interrupt();
        try {
            thread.join(STOP_MS);
            store.revokeLease(lease);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (MillraceException e) {
            LOG.warn("node record not removed: {}", e.text());
        }
    }
}
