package io.millrace.mysql.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
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

    /** How far back a statement to join is looked for. */
    private static final int LOOK_BACK = 48;

    /** Row size above which updates go one by one; see max-multi-update-row-size. */
    private final MySqlSinkConfig config;

    private final List<Group> groups = new ArrayList<>();
    private int used;
    private int rows;
    private int bytes;
    private final KeyGroups lastGroup = new KeyGroups();

    /** No row may go before this group. */
    private int floor;

    private final ByteSink scratch = new ByteSink(1024);

    /** What a group's statements are. */
    enum Kind {
        INSERT,
        REPLACE,
        UPSERT,
        DELETE,
        UPDATE
    }

    /** One multi-row statement, or several single-row ones joined by semicolons. */
    static final class Group {
        final ByteSink text = new ByteSink(1 << 14);
        @Nullable TablePlan plan;
        Kind kind = Kind.INSERT;
        long presence;
        boolean lenient;
        boolean safe;
        int rows;
        int statements;

        /** Rows that the target should find. */
        boolean countsRows() {
            return !safe && (kind == Kind.UPDATE || kind == Kind.DELETE);
        }
    }

    StatementBuilder(MySqlSinkConfig config) {
        this.config = config;
    }

    void clear() {
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
            } else if (group.kind == Kind.UPSERT) {
                plan(group).putUpsertTail(group.text);
            }
        }
    }

    /** Adds the row that the view stands on, the k-th of the item. */
    void add(TablePlan plan, WorkItem item, int k, int op, RowView row) {
        int at = floor;
        boolean ordered = item.isWild(k) || !plan.hasHandle();
        if (ordered) {
            at = Math.max(used - 1, 0);
        } else {
            for (int h = item.hashFrom(k); h < item.hashEnd(k); h++) {
                at = Math.max(at, lastGroup.get(item.hash(h)));
            }
        }
        int group =
                switch (op) {
                    case RowBatch.INSERT -> insert(plan, item.safe && plan.hasHandle(), at, row);
                    case RowBatch.DELETE -> delete(plan, item.safe, at, row);
                    default -> update(plan, item.safe, at, row);
                };
        rows++;
        if (group < 0) {
            return;
        }
        if (ordered) {
            floor = group;
        }
        for (int h = item.hashFrom(k); h < item.hashEnd(k); h++) {
            lastGroup.put(item.hash(h), group);
        }
    }

    private int insert(TablePlan plan, boolean replace, int at, RowView row) {
        return values(plan, replace ? Kind.REPLACE : Kind.INSERT, at, row);
    }

    private int values(TablePlan plan, Kind kind, int at, RowView row) {
        long presence = plan.presence(row, RowView.AFTER);
        boolean lenient = plan.needsLenience(row, RowView.AFTER);
        int limit =
                !config.batchDml() || presence == TablePlan.ALONE
                        ? 1
                        : kind == Kind.UPSERT ? config.maxMultiUpdateRow() : Integer.MAX_VALUE;
        int index = find(plan, kind, presence, lenient, at, limit);
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

    private int delete(TablePlan plan, boolean safe, int at, RowView row) {
        boolean list = plan.hasHandle();
        int index =
                find(
                        plan,
                        Kind.DELETE,
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
            plan.putCondition(row, text, scratch);
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
            plan.putSingleHandle(row, text, scratch);
        } else {
            // Row constructors would be shorter, but not every server finds rows by them.
            if (group.rows == 0) {
                text.put(plan.deleteHead());
                group.statements = 1;
            } else {
                text.putUtf8(" OR ");
            }
            text.put('(');
            plan.putCondition(row, text, scratch);
            text.put(')');
        }
        group.rows++;
        bytes += text.length() - before;
        return index;
    }

    private int update(TablePlan plan, boolean safe, int at, RowView row) {
        boolean full = plan.presence(row, RowView.AFTER) == TablePlan.ALL_PRESENT;
        if (safe && plan.hasHandle() && full) {
            int from = at;
            if (!plan.sameHandle(row)) {
                from = delete(plan, true, at, row);
            }
            return values(plan, Kind.REPLACE, from, row);
        }
        if (full
                && plan.upsertable()
                && config.maxMultiUpdateRowSize() > 0
                && config.maxMultiUpdateRow() > 1
                && config.batchDml()
                && plan.sameHandle(row)) {
            return values(plan, Kind.UPSERT, at, row);
        }
        boolean lenient = plan.needsLenience(row, RowView.AFTER);
        int index =
                find(
                        plan,
                        Kind.UPDATE,
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
        plan.putCondition(row, text, scratch);
        text.putUtf8(" LIMIT 1");
        group.rows++;
        group.statements++;
        bytes += text.length() - before;
        return index;
    }

    private int drop() {
        used--;
        return -1;
    }

    /** A group at or behind {@code at} that takes the row, or a new last one. */
    private int find(TablePlan plan, Kind kind, long presence, boolean lenient, int at, int limit) {
        int last = Math.max(at, used - LOOK_BACK);
        for (int i = used - 1; i >= last; i--) {
            Group group = groups.get(i);
            if (group.plan == plan
                    && group.kind == kind
                    && group.presence == presence
                    && group.lenient == lenient
                    && group.rows < limit) {
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
        group.presence = presence;
        group.lenient = lenient;
        group.safe = false;
        group.rows = 0;
        group.statements = 0;
        return used++;
    }

    private static TablePlan plan(Group group) {
        return java.util.Objects.requireNonNull(group.plan);
    }

    /** The statement text of a group for messages, cut to a readable length. */
    static String excerpt(Group group, int limit) {
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
            return generations[slot] == generation ? values[slot] : 0;
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
