package io.millrace.mysql.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.mysql.wire.WireRowBatch;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns rows into few multi-row statements. A row joins an earlier statement of its table and kind
 * only if no statement after that one touches one of the row's keys; so the result is the same as
 * that of one statement per row, in order. Belongs to one thread; reused.
 */
final class StatementBuilder {
    /** Longer lists gain nothing, and make MariaDB turn an IN list into a subquery. */
    private static final int MAX_DELETE_ROWS = 500;

    /** The first groups of each transaction are the large ones; what texts keep of their size. */
    private static final int LARGE_GROUPS = 8;

    private static final int KEEP_LARGE = 1 << 20;
    private static final int KEEP_SMALL = 1 << 16;

    /** How far back a statement to join is looked for. */
    private static final int LOOK_BACK = 48;

    /** Row size above which updates go one by one; see max-multi-update-row-size. */
    private final MySqlSinkConfig config;

    private final List<Group> groups = new ArrayList<>();
    private int used;
    private int rows;
    private int bytes;
    private final KeyGroups lastGroup = new KeyGroups();

    /** Last group that touches a key of the row that is being added, -1 when none does. */
    private int touched;

    /** No row may go before this group. */
    private int floor;

    private final ByteSink scratch = new ByteSink(1024);

    /** What a group's statements are. */
    enum Kind {
        INSERT,
        REPLACE,
        DELETE,
        UPDATE,
        /** Several rows by CASE expressions. */
        MULTI_UPDATE,
        /** Rows as they are in the upstream's binlog. */
        ROW_EVENT,
        /** One row after the other, each taking along the rows that refer to it. */
        CASCADE
    }

    /** One multi-row statement, or several single-row ones joined by semicolons. */
    static final class Group {
        /** SQL; of a {@link Kind#ROW_EVENT} the bare rows. */
        final ByteSink text = new ByteSink(1 << 14);

        /** What makes the rows an event; null for SQL. */
        byte @Nullable [] wireHead;

        @Nullable TablePlan plan;
        Kind kind = Kind.INSERT;
        long presence;
        boolean lenient;
        boolean safe;
        int rows;
        int statements;

        /** Of a {@link Kind#MULTI_UPDATE}: cases by column, and the keys. */
        final List<ByteSink> caseTexts = new ArrayList<>();

        final ByteSink keys = new ByteSink(64);
        int rowBytes;

        private boolean takesAnother(int limit, int meanSizeLimit) {
            return rows < limit && (kind != Kind.MULTI_UPDATE || rowBytes / rows <= meanSizeLimit);
        }

        /** Rows that the target should find. */
        boolean countsRows() {
            return !safe
                    && (kind == Kind.UPDATE
                            || kind == Kind.MULTI_UPDATE
                            || kind == Kind.DELETE
                            || kind == Kind.CASCADE);
        }
    }

    StatementBuilder(MySqlSinkConfig config) {
        this.config = config;
    }

    void clear() {
        for (int i = 0; i < used; i++) {
            groups.get(i).text.clearKeeping(i < LARGE_GROUPS ? KEEP_LARGE : KEEP_SMALL);
        }
        used = 0;
        rows = 0;
        bytes = 0;
        floor = 0;
        lastGroup.clear();
    }

    int rows() {
        return rows;
    }

    /** Length of all statements. */
    int bytes() {
        return bytes;
    }

    int groupCount() {
        return used;
    }

    /** Whether some rows go as events. */
    boolean hasRowEvents() {
        for (int i = 0; i < used; i++) {
            if (groups.get(i).kind == Kind.ROW_EVENT) {
                return true;
            }
        }
        return false;
    }

    Group group(int index) {
        return groups.get(index);
    }

    /** Closes the statements; after this only {@link #clear}. */
    void finish() {
        for (int i = 0; i < used; i++) {
            Group group = groups.get(i);
            if (group.kind == Kind.DELETE && group.statements == 1) {
                TablePlan plan = plan(group);
                if (plan.hasHandle() && plan.singleHandle() != null) {
                    group.text.put(')');
                }
            } else if (group.kind == Kind.MULTI_UPDATE) {
                plan(group).putMultiUpdate(group.text, group.presence, group.caseTexts, group.keys);
            } else if (group.kind == Kind.CASCADE) {
                group.statements += CascadingRows.end(group.text);
            }
        }
    }

    /** Adds the k-th row of the item as an event; it needs no view. */
    void add(TablePlan plan, WorkItem item, int k, WireRowBatch batch, byte[] wireHead) {
        int at = earliest(plan, item, k);
        int index = find(plan, Kind.ROW_EVENT, wireHead, 0, false, at, Integer.MAX_VALUE);
        Group group = groups.get(index);
        int from = batch.wireStart(item.row(k));
        int length = batch.wireStart(item.row(k) + 1) - from;
        group.text.put(batch.wireBytes(), from, length);
        if (group.rows++ == 0) {
            group.statements = 1;
            bytes += RowEvents.base64Length(wireHead.length);
        }
        bytes += RowEvents.base64Length(length);
        rows++;
        placed(plan, item, k, index);
    }

    /** Adds the row that the view stands on, the k-th of the item. */
    void add(TablePlan plan, WorkItem item, int k, int op, RowView row) {
        int at = earliest(plan, item, k);
        int group =
                switch (op) {
                    case RowBatch.INSERT ->
                            item.safe && plan.hasHandle()
                                    ? replace(plan, at, row)
                                    : values(plan, Kind.INSERT, at, row);
                    case RowBatch.DELETE -> delete(plan, item.safe, RowView.BEFORE, at, row);
                    default -> update(plan, item.safe, at, row);
                };
        rows++;
        if (group >= 0) {
            placed(plan, item, k, group);
        }
    }

    /** First group that the row may join without overtaking one that touches its keys. */
    private int earliest(TablePlan plan, WorkItem item, int k) {
        if (isOrdered(plan, item, k)) {
            touched = used - 1;
            return Math.max(touched, 0);
        }
        touched = -1;
        for (int h = item.hashFrom(k); h < item.hashEnd(k); h++) {
            touched = Math.max(touched, lastGroup.get(item.hash(h)));
        }
        return Math.max(floor, touched);
    }

    /**
     * Adds the row that the view stands on, which takes others along: behind all that is here, and
     * nothing else may be added behind it in another way.
     */
    void addCascading(TablePlan plan, boolean safe, int op, RowView row) {
        boolean lenient =
                (op == RowBatch.UPDATE && plan.needsLenience(row, RowView.AFTER))
                        || (safe && plan.needsLenience(row, RowView.BEFORE));
        int last = Math.max(used - 1, 0);
        int index =
                find(
                        plan,
                        Kind.CASCADE,
                        null,
                        TablePlan.ALL_PRESENT,
                        lenient,
                        last,
                        Integer.MAX_VALUE);
        Group group = groups.get(index);
        group.safe |= safe;
        int before = group.text.length();
        if (before == 0) {
            group.statements = CascadingRows.begin(group.text);
        }
        int statements = CascadingRows.put(plan, op, safe, row, group.text, scratch);
        group.statements += statements;
        if (statements > 0) {
            group.rows++;
        }
        bytes += group.text.length() - before;
        rows++;
    }

    private static boolean isOrdered(TablePlan plan, WorkItem item, int k) {
        return item.isWild(k) || !plan.hasHandle();
    }

    private void placed(TablePlan plan, WorkItem item, int k, int group) {
        if (isOrdered(plan, item, k)) {
            floor = group;
        }
        for (int h = item.hashFrom(k); h < item.hashEnd(k); h++) {
            lastGroup.put(item.hash(h), group);
        }
    }

    /** Writes the row whatever is there; not before group {@code at}. */
    private int replace(TablePlan plan, int at, RowView row) {
        // REPLACE finds a row by the target's own keys only.
        int from =
                (plan.upsertable() && plan.replaces()) || !plan.holdsHandle(row, RowView.AFTER)
                        ? at
                        : delete(plan, true, RowView.AFTER, at, row);
        return values(plan, plan.replaces() ? Kind.REPLACE : Kind.INSERT, from, row);
    }

    private int values(TablePlan plan, Kind kind, int at, RowView row) {
        long presence = plan.presence(row, RowView.AFTER);
        boolean lenient = plan.needsLenience(row, RowView.AFTER);
        int limit = !config.batchDml() || presence == TablePlan.ALONE ? 1 : Integer.MAX_VALUE;
        int index = find(plan, kind, null, presence, lenient, at, limit);
        Group group = groups.get(index);
        int before = group.text.length();
        if (group.rows == 0) {
            group.text.put(plan.valuesHead(row, kind == Kind.REPLACE, presence));
            group.statements = 1;
        } else {
            group.text.put(',');
        }
        plan.putValues(row, group.text, scratch);
        group.rows++;
        bytes += group.text.length() - before;
        return index;
    }

    private int delete(TablePlan plan, boolean safe, int image, int at, RowView row) {
        boolean list = plan.hasHandle();
        int index =
                find(
                        plan,
                        Kind.DELETE,
                        null,
                        TablePlan.ALL_PRESENT,
                        false,
                        at,
                        config.batchDml() ? MAX_DELETE_ROWS : 1);
        Group group = groups.get(index);
        group.safe |= safe;
        ByteSink text = group.text;
        int before = text.length();
        byte[] single = plan.singleHandle();
        if (!list) {
            if (group.rows > 0) {
                text.put(';');
            }
            text.put(plan.deleteHead());
            plan.putCondition(row, image, text, scratch);
            text.putUtf8(" LIMIT 1");
            group.statements++;
        } else if (single != null) {
            if (group.rows == 0) {
                text.put(plan.deleteHead());
                text.put(single);
                text.putUtf8(" IN (");
                group.statements = 1;
            } else {
                text.put(',');
            }
            plan.putSingleHandle(row, image, text, scratch);
        } else {
            // Row constructors would be shorter, but not every server finds rows by them.
            if (group.rows == 0) {
                text.put(plan.deleteHead());
                group.statements = 1;
            } else {
                text.putUtf8(" OR ");
            }
            text.put('(');
            plan.putCondition(row, image, text, scratch);
            text.put(')');
        }
        group.rows++;
        bytes += text.length() - before;
        return index;
    }

    private int update(TablePlan plan, boolean safe, int at, RowView row) {
        boolean full = plan.presence(row, RowView.AFTER) == TablePlan.ALL_PRESENT;
        if (safe && plan.hasHandle() && full) {
            int from = plan.sameHandle(row) ? at : delete(plan, true, RowView.BEFORE, at, row);
            return replace(plan, from, row);
        }
        boolean lenient = plan.needsLenience(row, RowView.AFTER);
        if (!lenient
                && plan.upsertable()
                && config.maxMultiUpdateRowSize() > 0
                && config.maxMultiUpdateRow() > 1
                && config.batchDml()
                && plan.sameHandle(row)) {
            long mask = plan.assignmentMask(row);
            if (mask != 0) {
                // Of two cases for one key the first would win: an earlier update of the row must
                // be in an earlier statement.
                return multiUpdate(plan, safe, Math.max(at, touched + 1), row, mask);
            }
        }
        int index =
                find(
                        plan,
                        Kind.UPDATE,
                        null,
                        TablePlan.ALL_PRESENT,
                        lenient,
                        at,
                        config.batchDml() ? Integer.MAX_VALUE : 1);
        Group group = groups.get(index);
        group.safe |= safe;
        ByteSink text = group.text;
        int before = text.length();
        if (group.rows > 0) {
            text.put(';');
        }
        text.put(plan.updateHead());
        if (!plan.putAssignments(row, text, scratch)) {
            text.length(before);
            return group.rows == 0 && index == used - 1 ? drop() : index;
        }
        text.putUtf8(" WHERE ");
        plan.putCondition(row, RowView.BEFORE, text, scratch);
        text.putUtf8(" LIMIT 1");
        group.rows++;
        group.statements++;
        bytes += text.length() - before;
        return index;
    }

    private int multiUpdate(TablePlan plan, boolean safe, int at, RowView row, long mask) {
        int index =
                find(plan, Kind.MULTI_UPDATE, null, mask, false, at, config.maxMultiUpdateRow());
        Group group = groups.get(index);
        group.safe |= safe;
        if (group.rows == 0) {
            group.keys.clear();
            for (int i = Long.bitCount(mask) - group.caseTexts.size(); i > 0; i--) {
                group.caseTexts.add(new ByteSink(256));
            }
            for (ByteSink text : group.caseTexts) {
                text.clear();
            }
            group.statements = 1;
        } else {
            group.keys.put(',');
        }
        int before = group.keys.length();
        plan.putSingleHandle(row, RowView.BEFORE, group.keys, scratch);
        int size =
                group.keys.length() - before + plan.putCases(row, mask, group.caseTexts, scratch);
        group.rowBytes += size;
        group.rows++;
        bytes += size;
        return index;
    }

    private int drop() {
        used--;
        return -1;
    }

    /** A group at or behind {@code at} that takes the row, or a new last one. */
    private int find(
            TablePlan plan,
            Kind kind,
            byte @Nullable [] wireHead,
            long presence,
            boolean lenient,
            int at,
            int limit) {
        int last = Math.max(at, used - LOOK_BACK);
        for (int i = used - 1; i >= last; i--) {
            Group group = groups.get(i);
            if (group.plan == plan
                    && group.kind == kind
                    && group.wireHead == wireHead
                    && group.presence == presence
                    && group.lenient == lenient
                    && group.takesAnother(limit, config.maxMultiUpdateRowSize())) {
                return i;
            }
        }
        if (used == groups.size()) {
            groups.add(new Group());
        }
        Group group = groups.get(used);
        group.text.clear();
        group.plan = plan;
        group.kind = kind;
        group.wireHead = wireHead;
        group.presence = presence;
        group.lenient = lenient;
        group.safe = false;
        group.rows = 0;
        group.statements = 0;
        group.rowBytes = 0;
        return used++;
    }

    private static TablePlan plan(Group group) {
        return java.util.Objects.requireNonNull(group.plan);
    }

    /** The statement text of a group for messages, cut to a readable length. */
    static String excerpt(Group group, int limit) {
        if (group.kind == Kind.ROW_EVENT) {
            TablePlan plan = group.plan;
            return group.rows
                    + " rows as an event for "
                    + (plan == null ? "" : plan.schema().name());
        }
        int length = Math.min(group.text.length(), limit);
        String text = new String(group.text.array(), 0, length, StandardCharsets.UTF_8);
        return length < group.text.length() ? text + "…" : text;
    }

    /** Last group that touches a key; open addressing, cleared by a new generation. */
    private static final class KeyGroups {
        private long[] keys = new long[1 << 12];
        private int[] values = new int[1 << 12];
        private int[] generations = new int[1 << 12];
        private int generation = 1;
        private int used;

        int get(long key) {
            int slot = slot(key);
            return generations[slot] == generation ? values[slot] : -1;
        }

        void put(long key, int value) {
            int slot = slot(key);
            if (generations[slot] != generation) {
                if (++used > keys.length / 2) {
                    grow();
                    slot = slot(key);
                }
                generations[slot] = generation;
                keys[slot] = key;
            }
            values[slot] = value;
        }

        void clear() {
            used = 0;
            generation++;
        }

        private int slot(long key) {
            int mask = keys.length - 1;
            int slot = (int) (key ^ (key >>> 32)) & mask;
            while (generations[slot] == generation && keys[slot] != key) {
                slot = (slot + 1) & mask;
            }
            return slot;
        }

        private void grow() {
            long[] oldKeys = keys;
            int[] oldValues = values;
            int[] oldGenerations = generations;
            keys = new long[oldKeys.length * 2];
            values = new int[keys.length];
            generations = new int[keys.length];
            for (int i = 0; i < oldKeys.length; i++) {
                if (oldGenerations[i] == generation) {
                    int slot = slot(oldKeys[i]);
                    generations[slot] = generation;
                    keys[slot] = oldKeys[i];
                    values[slot] = oldValues[i];
                }
            }
        }
    }
}
