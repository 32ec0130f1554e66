package io.millrace.storage.redo;

import io.millrace.core.spi.ObjectStore;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * What lies in a redo log's storage.
 *
 * @param meta the greatest of each number over all meta files
 * @param metaFiles their names
 * @param logs names of the log files, by greatest TSO
 * @param jobs jobs that have files there
 */
record RedoLogFolder(
        RedoMeta meta, List<String> metaFiles, List<LogFile> logs, TreeSet<String> jobs) {
    /**
     * A log file.
     *
     * @param file its name
     * @param name what the name says
     */
    record LogFile(String file, RedoFiles.Name name) {}

    /** Deletes a job's files. */
    static void delete(ObjectStore store, RedoFiles files, String jobId) throws IOException {
        List<String> names = new ArrayList<>();
        for (ObjectStore.Entry entry : store.list("")) {
            RedoFiles.parse(entry.name())
                    .filter(name -> name.jobId().equals(jobId))
                    .ifPresent(name -> names.add(entry.name()));
        }
        if (names.isEmpty()) {
            return;
        }
        // A reader that sees the marker knows that what it finds is not whole.
        store.put(files.deleteMarker(), new byte[] {'D'});
        for (String name : names) {
            store.delete(name);
        }
        store.delete(files.deleteMarker());
    }

    /**
     * Looks.
     *
     * @param jobId only this job's files; empty for all
     */
    static RedoLogFolder read(ObjectStore store, String jobId) throws IOException {
        RedoMeta meta = RedoMeta.NONE;
        List<String> metaFiles = new ArrayList<>();
        List<LogFile> logs = new ArrayList<>();
        TreeSet<String> jobs = new TreeSet<>();
        for (ObjectStore.Entry entry : store.list("")) {
            RedoFiles.Name name = RedoFiles.parse(entry.name()).orElse(null);
            if (name == null || !jobId.isEmpty() && !name.jobId().equals(jobId)) {
                continue;
            }
            jobs.add(name.jobId());
            if (!name.meta()) {
                logs.add(new LogFile(entry.name(), name));
                continue;
            }
            try {
                meta = meta.max(RedoMeta.decode(store.get(entry.name())));
                metaFiles.add(entry.name());
            } catch (FileNotFoundException e) {
                // Replaced by its successor since it was listed, which is listed now.
                return read(store, jobId);
            }
        }
        logs.sort((a, b) -> Long.compareUnsigned(a.name().maxTso(), b.name().maxTso()));
        return new RedoLogFolder(meta, metaFiles, logs, jobs);
    }
}
