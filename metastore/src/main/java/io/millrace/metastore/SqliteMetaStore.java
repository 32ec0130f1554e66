package io.millrace.metastore;

import io.millrace.core.control.MetaStore;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The embedded {@link MetaStore}: one SQLite file in the data directory, in WAL mode with
 * synchronous=FULL, so that a commit that returned survives kill -9 and power loss.
 *
 * <p>One process owns a data directory at a time, held by a lock on {@code millrace.lock}. So
 * leases and watches can live in memory: leases of an earlier process are void when a new one opens
 * the store, and a watch reaches back over the last {@link #HISTORY} transactions of this process.
 */
public final class SqliteMetaStore implements MetaStore {
    /** Layout of the tables; a file of a later version is refused. */
    static final int SCHEMA_VERSION = 1;

    /** Transactions that a watch can reach back. */
    static final int HISTORY = 4096;

    private static final String FILE = "millrace.db";
    private static final long LEASE_CHECK_MS = 100;
    private static final Logger LOG = LoggerFactory.getLogger(SqliteMetaStore.class);

    private record Transaction(long revision, List<Change> changes) {}

    private static final class Lease {
        final long ttlNanos;
        long deadline;

        Lease(long ttlNanos) {
            this.ttlNanos = ttlNanos;
            this.deadline = System.nanoTime() + ttlNanos;
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Path file;
    private final DirectoryLock directory;
    private final Connection connection;
    private final Map<Long, Lease> leases = new HashMap<>();
    private final ArrayDeque<Transaction> history = new ArrayDeque<>();
    private final List<LiveWatch> watches = new CopyOnWriteArrayList<>();
    private final Thread leaseThread;
    private long revision;
    private long historyFloor;
    private long nextLease;
    private volatile boolean closed;

    private SqliteMetaStore(Path file, DirectoryLock directory, Connection connection)
            throws SQLException {
        this.file = file;
        this.directory = directory;
        this.connection = connection;
        prepare();
        this.leaseThread =
                Thread.ofVirtual().name("metastore-leases").unstarted(this::expireLeases);
    }

    /**
     * Opens or creates the store of a data directory.
     *
     * @throws MillraceException INVALID_CONFIG when another process uses the directory, when it
     *     cannot be written, or when the file was made by a later version
     */
    public static SqliteMetaStore open(Path dataDir) {
        return open(DirectoryLock.take(dataDir));
    }

    /** Whether a data directory has a store. */
    public static boolean isIn(Path dataDir) {
        return Files.exists(dataDir.resolve(FILE));
    }

    /**
     * Opens the store of a data directory that this process has for itself, which the store gives
     * back when it is closed.
     *
     * @throws MillraceException INVALID_CONFIG when it cannot be opened; the lock is given back
     */
    public static SqliteMetaStore open(DirectoryLock lock) {
        Path dataDir = lock.directory();
        try {
            Path file = dataDir.resolve(FILE);
            Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
            try {
                SqliteMetaStore store = new SqliteMetaStore(file, lock, connection);
                store.leaseThread.start();
                return store;
            } catch (SQLException | RuntimeException e) {
                connection.close();
                throw e;
            }
        } catch (SQLException e) {
            lock.close();
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "cannot open the metadata store "
                            + dataDir.resolve(FILE)
                            + ": "
                            + e.getMessage()
                            + "; check the directory's rights and free space",
                    e);
        } catch (RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private void prepare() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA journal_mode=WAL");
            statement.execute("PRAGMA synchronous=FULL");
            statement.execute("PRAGMA busy_timeout=5000");
            int version = (int) queryLong(statement, "PRAGMA user_version");
            if (version > SCHEMA_VERSION) {
                throw new MillraceException(
                        ErrorCode.INVALID_CONFIG,
                        "metadata store "
                                + file
                                + " has layout version "
                                + version
                                + ", this program knows up to "
                                + SCHEMA_VERSION
                                + "; use the newer program that wrote it");
            }
            if (version == 0) {
                connection.setAutoCommit(false);
                statement.execute(
                        "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT NOT NULL, created INTEGER NOT"
                                + " NULL, modified INTEGER NOT NULL, lease INTEGER NOT NULL)"
                                + " WITHOUT ROWID");
                statement.execute(
                        "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
                                + " WITHOUT ROWID");
                statement.execute("INSERT INTO counter VALUES ('revision', 0), ('lease', 0)");
                statement.execute("PRAGMA user_version=" + SCHEMA_VERSION);
                connection.commit();
            }
            connection.setAutoCommit(false);
            revision = queryLong(statement, "SELECT value FROM counter WHERE name='revision'");
            nextLease = queryLong(statement, "SELECT value FROM counter WHERE name='lease'");
            // The lock says that no other process lives, so no lease can still be kept alive.
            int orphans = statement.executeUpdate("DELETE FROM kv WHERE lease<>0");
            if (orphans > 0) {
                revision++;
                statement.executeUpdate(
                        "UPDATE counter SET value=" + revision + " WHERE name='revision'");
            }
            connection.commit();
            historyFloor = revision + 1;
        }
    }

    private static long queryLong(Statement statement, String sql) throws SQLException {
        try (ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    @Override
    public Optional<Entry> get(String key) {
        lock.lock();
        try (PreparedStatement query =
                connection.prepareStatement(
                        "SELECT k, v, created, modified, lease FROM kv WHERE k=?")) {
            query.setString(1, key);
            List<Entry> found = readEntries(query);
            return found.isEmpty() ? Optional.empty() : Optional.of(found.getFirst());
        } catch (SQLException e) {
            throw unavailable("read " + key, e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Range range(String prefix) {
        lock.lock();
        try {
            return new Range(select(prefix), revision);
        } catch (SQLException e) {
            throw unavailable("read " + prefix, e);
        } finally {
            lock.unlock();
        }
    }

    private List<Entry> select(String prefix) throws SQLException {
        try (PreparedStatement query =
                connection.prepareStatement(
                        "SELECT k, v, created, modified, lease FROM kv WHERE k>=? AND"
                                + " substr(k,1,?)=? ORDER BY k")) {
            query.setString(1, prefix);
            query.setInt(2, prefix.length());
            query.setString(3, prefix);
            return readEntries(query);
        }
    }

    private static List<Entry> readEntries(PreparedStatement query) throws SQLException {
        List<Entry> entries = new ArrayList<>();
        try (ResultSet rows = query.executeQuery()) {
            while (rows.next()) {
                entries.add(
                        new Entry(
                                rows.getString(1),
                                rows.getString(2),
                                rows.getLong(3),
                                rows.getLong(4),
                                rows.getLong(5)));
            }
        }
        return entries;
    }

    @Override
    public Commit commit(List<Guard> guards, List<Op> ops) {
        lock.lock();
        try {
            for (Guard guard : guards) {
                if (!holds(guard)) {
                    connection.rollback();
                    return new Commit(false, revision);
                }
            }
            long next = revision + 1;
            List<Change> changes = new ArrayList<>();
            for (Op op : ops) {
                apply(op, next, changes);
            }
            setCounter("revision", next);
            connection.commit();
            revision = next;
            publish(new Transaction(next, List.copyOf(changes)));
            return new Commit(true, next);
        } catch (SQLException | RuntimeException e) {
            rollbackQuietly();
            if (e instanceof MillraceException known) {
                throw known;
            }
            throw unavailable("write", e);
        } finally {
            lock.unlock();
        }
    }

    private boolean holds(Guard guard) throws SQLException {
        return switch (guard) {
            case Guard.Absent absent -> modRevision(absent.key()) == 0;
            case Guard.Unchanged unchanged ->
                    unchanged.modRevision() != 0
                            && modRevision(unchanged.key()) == unchanged.modRevision();
        };
    }

    private long modRevision(String key) throws SQLException {
        try (PreparedStatement query =
                connection.prepareStatement("SELECT modified FROM kv WHERE k=?")) {
            query.setString(1, key);
            try (ResultSet rows = query.executeQuery()) {
                return rows.next() ? rows.getLong(1) : 0;
            }
        }
    }

    private void apply(Op op, long next, List<Change> changes) throws SQLException {
        switch (op) {
            case Op.Put put -> {
                if (put.lease() != 0 && !leases.containsKey(put.lease())) {
                    throw new MillraceException(
                            ErrorCode.METASTORE_CONFLICT,
                            "lease " + put.lease() + " of key " + put.key() + " has expired");
                }
                try (PreparedStatement write =
                        connection.prepareStatement(
                                "INSERT INTO kv(k, v, created, modified, lease) VALUES (?,?,?,?,?)"
                                        + " ON CONFLICT(k) DO UPDATE SET v=excluded.v,"
                                        + " modified=excluded.modified, lease=excluded.lease")) {
                    write.setString(1, put.key());
                    write.setString(2, put.value());
                    write.setLong(3, next);
                    write.setLong(4, next);
                    write.setLong(5, put.lease());
                    write.executeUpdate();
                }
                changes.add(new Change(put.key(), Optional.of(put.value()), next));
            }
            case Op.Delete delete -> delete(delete.key(), next, changes);
            case Op.DeletePrefix delete -> {
                for (Entry entry : select(delete.prefix())) {
                    delete(entry.key(), next, changes);
                }
            }
        }
    }

    private void delete(String key, long next, List<Change> changes) throws SQLException {
        try (PreparedStatement write = connection.prepareStatement("DELETE FROM kv WHERE k=?")) {
            write.setString(1, key);
            if (write.executeUpdate() > 0) {
                changes.add(new Change(key, Optional.empty(), next));
            }
        }
    }

    private void setCounter(String name, long value) throws SQLException {
        try (PreparedStatement write =
                connection.prepareStatement("UPDATE counter SET value=? WHERE name=?")) {
            write.setLong(1, value);
            write.setString(2, name);
            write.executeUpdate();
        }
    }

    private void publish(Transaction transaction) {
        history.addLast(transaction);
        if (history.size() > HISTORY) {
            historyFloor = history.removeFirst().revision() + 1;
        }
        for (LiveWatch watch : watches) {
            watch.enqueue(transaction);
        }
    }

    @Override
    public Watch watch(String prefix, long fromRevision, Watcher watcher) {
        lock.lock();
        try {
            LiveWatch watch = new LiveWatch(prefix, watcher);
            if (fromRevision < historyFloor) {
                watch.compacted = true;
            } else {
                for (Transaction transaction : history) {
                    if (transaction.revision() >= fromRevision) {
                        watch.enqueue(transaction);
                    }
                }
                watches.add(watch);
            }
            watch.start();
            return watch;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long grantLease(Duration ttl) {
        lock.lock();
        try {
            long id = nextLease + 1;
            setCounter("lease", id);
            connection.commit();
            nextLease = id;
            leases.put(id, new Lease(ttl.toNanos()));
            return id;
        } catch (SQLException e) {
            rollbackQuietly();
            throw unavailable("grant a lease", e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean keepAlive(long id) {
        lock.lock();
        try {
            Lease lease = leases.get(id);
            if (lease == null) {
                return false;
            }
            lease.deadline = System.nanoTime() + lease.ttlNanos;
            return true;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void revokeLease(long id) {
        lock.lock();
        try {
            if (leases.remove(id) == null) {
                return;
            }
            List<Op> ops = new ArrayList<>();
            try (PreparedStatement query =
                    connection.prepareStatement("SELECT k FROM kv WHERE lease=?")) {
                query.setLong(1, id);
                try (ResultSet rows = query.executeQuery()) {
                    while (rows.next()) {
                        ops.add(new Op.Delete(rows.getString(1)));
                    }
                }
            }
            if (!ops.isEmpty()) {
                commit(List.of(), ops);
            }
        } catch (SQLException e) {
            throw unavailable("end lease " + id, e);
        } finally {
            lock.unlock();
        }
    }

    private void expireLeases() {
        while (!closed) {
            try {
                Thread.sleep(LEASE_CHECK_MS);
            } catch (InterruptedException e) {
                return;
            }
            for (long id : expired()) {
                LOG.info("lease expired lease={}", id);
                revokeLease(id);
            }
        }
    }

    private List<Long> expired() {
        lock.lock();
        try {
            if (closed) {
                return List.of();
            }
            long now = System.nanoTime();
            List<Long> ids = new ArrayList<>();
            leases.forEach((id, lease) -> {
                if (now - lease.deadline >= 0) {
                    ids.add(id);
                }
            });
            return ids;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            leaseThread.interrupt();
            watches.forEach(LiveWatch::close);
            connection.close();
        } catch (SQLException e) {
            LOG.warn("closing the metadata store failed file={}", file, e);
        } finally {
            lock.unlock();
            directory.close();
        }
    }

    private void rollbackQuietly() {
        try {
            connection.rollback();
        } catch (SQLException e) {
            LOG.debug("rollback failed", e);
        }
    }

    private MillraceException unavailable(String action, Exception cause) {
        return new MillraceException(
                ErrorCode.METASTORE_UNAVAILABLE,
                "metadata store " + file + ": cannot " + action + ": " + cause.getMessage(),
                cause);
    }

    /** One watch: a queue filled under the store's lock, emptied by a thread of its own. */
    private final class LiveWatch implements Watch {
        private final String prefix;
        private final Watcher watcher;
        private final LinkedBlockingQueue<List<Change>> queue = new LinkedBlockingQueue<>(HISTORY);
        private volatile boolean stopped;
        private volatile boolean compacted;
        private @Nullable Thread thread;

        LiveWatch(String prefix, Watcher watcher) {
            this.prefix = prefix;
            this.watcher = watcher;
        }

        void start() {
            thread = Thread.ofVirtual().name("metastore-watch " + prefix).start(this::run);
        }

        /** A watcher too slow for the queue is told to read again, as etcd does. */
        void enqueue(Transaction transaction) {
            List<Change> mine = new ArrayList<>();
            for (Change change : transaction.changes()) {
                if (change.key().startsWith(prefix)) {
                    mine.add(change);
                }
            }
            if (!mine.isEmpty() && !queue.offer(mine)) {
                compacted = true;
                watches.remove(this);
            }
        }

        private void run() {
            try {
                while (!stopped) {
                    if (compacted) {
                        watcher.onCompacted();
                        return;
                    }
                    List<Change> changes = queue.poll(LEASE_CHECK_MS, TimeUnit.MILLISECONDS);
                    if (changes != null && !stopped) {
                        watcher.onChanges(changes);
                    }
                }
            } catch (InterruptedException e) {
                LOG.trace("watch ended prefix={}", prefix);
            }
        }

        @Override
        public void close() {
            stopped = true;
            watches.remove(this);
            Thread running = thread;
            if (running != null) {
                running.interrupt();
            }
        }
    }
}
