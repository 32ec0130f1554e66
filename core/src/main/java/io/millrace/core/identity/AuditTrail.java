package io.millrace.core.identity;

import io.millrace.core.error.MillraceException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Who did what: in {@code audit.log} what users did, in {@code audit-refused.log} what was refused
 * to callers that nobody knows. They have files of their own, because anybody who reaches the port
 * can fill them, and must not push out what users did. Callable from any thread.
 */
public final class AuditTrail implements AutoCloseable {
    private static final String TIME = "{\"time\":\"";

    /**
     * Some events, newest first.
     *
     * @param lines JSON objects
     * @param total events that there are
     */
    public record Events(List<String> lines, long total) {}

    private final AuditLog users;
    private final AuditLog strangers;

    private AuditTrail(AuditLog users, AuditLog strangers) {
        this.users = users;
        this.strangers = strangers;
    }

    /**
     * Opens or makes the files in a data directory.
     *
     * @throws MillraceException INVALID_CONFIG when they cannot be written
     */
    public static AuditTrail open(Path folder) {
        return open(folder, AuditLog.MAX_FILE_BYTES);
    }

    static AuditTrail open(Path folder, long maxFileBytes) {
        AuditLog users = AuditLog.open(folder, "audit.log", maxFileBytes);
        try {
            return new AuditTrail(users, AuditLog.open(folder, "audit-refused.log", maxFileBytes));
        } catch (RuntimeException e) {
            users.close();
            throw e;
        }
    }

    /**
     * Records an event.
     *
     * @param refusedToStranger whether nobody knows who asked, and got nothing
     * @param fields values are a text, a number, or a map of texts
     */
    public void add(Instant time, boolean refusedToStranger, Map<String, Object> fields) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("time", time);
        line.putAll(fields);
        (refusedToStranger ? strangers : users).add(line);
    }

    /** Events from the newest on, without the first {@code skip}. */
    public Events newest(long skip, int limit) {
        int wanted = (int) Math.min(Integer.MAX_VALUE, skip + limit);
        AuditLog.Lines ours = users.newest(0, wanted);
        AuditLog.Lines theirs = strangers.newest(0, wanted);
        List<String> page = new ArrayList<>();
        int a = 0;
        int b = 0;
        for (long i = 0; i < wanted; i++) {
            boolean first = a < ours.lines().size();
            boolean second = b < theirs.lines().size();
            if (!first && !second) {
                break;
            }
            boolean take =
                    first
                            && (!second
                                    || !time(ours.lines().get(a))
                                            .isBefore(time(theirs.lines().get(b))));
            String line = take ? ours.lines().get(a++) : theirs.lines().get(b++);
            if (i >= skip) {
                page.add(line);
            }
        }
        return new Events(page, ours.total() + theirs.total());
    }

    /** A line that is cut tells none, and comes first. */
    private static Instant time(String line) {
        int end = line.indexOf('"', TIME.length());
        if (!line.startsWith(TIME) || end < 0) {
            return Instant.MAX;
        }
        try {
            return Instant.parse(line.substring(TIME.length(), end));
        } catch (DateTimeParseException e) {
            return Instant.MAX;
        }
    }

    @Override
    public void close() {
        users.close();
        strangers.close();
    }
}
