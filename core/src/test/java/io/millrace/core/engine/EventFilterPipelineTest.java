package io.millrace.core.engine;

import static io.millrace.core.engine.Fixtures.ORDERS;
import static io.millrace.core.engine.Fixtures.at;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.engine.Fixtures.Batch;
import io.millrace.core.engine.Fixtures.HandSink;
import io.millrace.core.engine.Fixtures.MemoryStore;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.EventFilters;
import io.millrace.core.filter.EventRule;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SchemaChange.Change;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Event filters in the pipeline: which rows and DDL the sink gets, and that no mark is lost. */
class EventFilterPipelineTest {
    private final MemoryStore store = new MemoryStore();
    private final Intake intake = new Intake(new MemoryBudget(1 << 20));
    private final TestSinks sinks = new TestSinks(store.writes);
    private final AtomicInteger open = new AtomicInteger();

    /** Rows whose id is the cell before and after. */
    private final class Numbers extends Batch {
        private final int op;
        private final long[] ids;

        Numbers(int op, long tso, boolean last, long... ids) {
            super(ORDERS, tso, tso, last, new byte[0], 10, open);
            this.op = op;
            this.ids = ids;
        }

        @Override
        public int op() {
            return op;
        }

        @Override
        public int rowCount() {
            return ids.length;
        }

        @Override
        public int eventIndex() {
            return 4;
        }

        @Override
        public RowView rows() {
            return new Cells(op, ids);
        }
    }

    private static final class Cells extends RowView {
        private final int op;
        private final long[] ids;
        private int row = -1;

        Cells(int op, long[] ids) {
            this.op = op;
            this.ids = ids;
        }

        @Override
        public boolean next() {
            return ++row < ids.length;
        }

        @Override
        public void rewind() {
            row = -1;
        }

        @Override
        public int index() {
            return row;
        }

        @Override
        public boolean isPresent(int image, int column) {
            return op == RowBatch.UPDATE || (op == RowBatch.INSERT) == (image == AFTER);
        }

        @Override
        public boolean isNull(int image, int column) {
            return false;
        }

        /** The old row of an update has the negative number. */
        @Override
        public long longValue(int image, int column) {
            return op == RowBatch.UPDATE && image == BEFORE ? -ids[row] : ids[row];
        }

        @Override
        public double doubleValue(int image, int column) {
            throw new IllegalStateException();
        }

        @Override
        public void appendText(int image, int column, ByteSink out) {
            throw new IllegalStateException();
        }

        @Override
        public void appendBytes(int image, int column, ByteSink out) {
            throw new IllegalStateException();
        }

        @Override
        public boolean isUtf8(int column) {
            return true;
        }

        @Override
        public byte[] array() {
            throw new IllegalStateException();
        }

        @Override
        public int offset(int image, int column) {
            throw new IllegalStateException();
        }

        @Override
        public int length(int image, int column) {
            throw new IllegalStateException();
        }

        @Override
        public boolean isUnchanged(int column) {
            return false;
        }

        @Override
        public long hash(int image, int column) {
            return ids[row];
        }
    }

    private static EventRule rule(List<String> events, List<String> sql, String... expressions) {
        return new EventRule(
                List.of("shop.*"),
                events,
                sql,
                expressions.length > 0 ? expressions[0] : "",
                expressions.length > 1 ? expressions[1] : "",
                expressions.length > 2 ? expressions[2] : "",
                expressions.length > 3 ? expressions[3] : "");
    }

    private Pipeline open(List<Long> tsos, EventRule... rules) {
        return new Pipeline(
                Fixtures.plan(out -> {}, sinks, "hand://x", TableFilter.all(), 0, store)
                        .withEvents(EventFilters.compile(List.of(rules), tsos)),
                intake,
                () -> 0,
                AckLedger::new,
                checkpoint -> {});
    }

    private void emit(io.millrace.core.model.ChangeEvent event) throws InterruptedException {
        intake.emit(event);
    }

    private HandSink sink() {
        return sinks.opened();
    }

    private List<List<Integer>> indexes() {
        List<List<Integer>> all = new ArrayList<>();
        for (RowBatch batch : sink().batches) {
            List<Integer> of = new ArrayList<>();
            for (RowView row = batch.rows(); row.next(); ) {
                of.add(row.index());
            }
            assertThat(of).hasSize(batch.rowCount());
            assertThat(batch.eventIndex()).isEqualTo(4);
            all.add(of);
        }
        return all;
    }

    @AfterEach
    void everyBatchIsGivenBack() {
        if (sinks.isOpened()) {
            sink().close();
        }
        assertThat(open).hasValue(0);
    }

    @Test
    void rowsKeepTheirIndexWhenOthersAreLeftOut() throws InterruptedException {
        Pipeline pipeline = open(List.of(), rule(List.of(), List.of(), "id >= 10"));
        emit(new Numbers(RowBatch.INSERT, 10, true, 11, 2, 12, 3));
        emit(new Numbers(RowBatch.INSERT, 11, true, 1, 2));
        emit(new Numbers(RowBatch.DELETE, 12, true, 100));
        pipeline.doWork();
        assertThat(indexes()).containsExactly(List.of(1, 3), List.of(0, 1), List.of(0));
        RowBatch part = sink().batches.getFirst();
        assertThat(part.source()).isNotSameAs(part);
        assertThat(pipeline.progress(java.util.Set.of()).rows()).isEqualTo(5);
        pipeline.close();
    }

    @Test
    void updatesGoWhenTheOldOrTheNewRowSaysSo() throws InterruptedException {
        Pipeline pipeline =
                open(List.of(), rule(List.of(), List.of(), "", "id > 10", "id < -5", ""));
        emit(new Numbers(RowBatch.UPDATE, 10, true, 1, 6, 11, 4));
        pipeline.doWork();
        assertThat(indexes()).containsExactly(List.of(0, 3));
        pipeline.close();
    }

    @Test
    void aPartIsOfferedAgainWhenTheSinkIsFull() throws InterruptedException {
        Pipeline pipeline = open(List.of(), rule(List.of(), List.of(), "id = 1"));
        sink().full = true;
        emit(new Numbers(RowBatch.INSERT, 10, true, 1, 2));
        pipeline.doWork();
        assertThat(sink().batches).isEmpty();
        sink().full = false;
        pipeline.doWork();
        assertThat(indexes()).containsExactly(List.of(1));
        pipeline.close();
    }

    @Test
    void theEndOfATransactionIsToldWhenItsLastRowsAreLeftOut() throws InterruptedException {
        Pipeline pipeline = open(List.of(), rule(List.of("delete"), List.of()));
        emit(new Numbers(RowBatch.INSERT, 10, false, 1));
        emit(new Numbers(RowBatch.DELETE, 10, true, 1));
        pipeline.doWork();
        assertThat(sink().calls).endsWith("rows 0@10", "ended 10");
        sink().acks.ack(0);
        pipeline.doWork();
        assertThat(sink().calls).contains("resolved 10");
        assertThat(pipeline.progress(java.util.Set.of()).deliveredTso()).isEqualTo(10);
        pipeline.close();
    }

    @Test
    void whatIsLeftOutMovesTheCheckpointAndIsNotDelivered() throws InterruptedException {
        Pipeline pipeline = open(List.of(20L), rule(List.of("all dml"), List.of()));
        emit(new Numbers(RowBatch.INSERT, 10, true, 1));
        pipeline.doWork();
        pipeline.doWork();
        assertThat(sink().calls).contains("resolved 10");
        assertThat(pipeline.progress(java.util.Set.of()).deliveredTso()).isEqualTo(5);
        pipeline.close();
    }

    @Test
    void wholeTransactionsGoByTheirTso() throws InterruptedException {
        Pipeline pipeline = open(List.of(10L, 12L));
        emit(new Numbers(RowBatch.INSERT, 10, true, 1));
        emit(new Numbers(RowBatch.INSERT, 11, true, 2));
        emit(ddl(12, DdlKind.ADD_COLUMN, "ALTER TABLE orders ADD c INT", ORDERS));
        emit(new Numbers(RowBatch.INSERT, 13, true, 3));
        pipeline.doWork();
        assertThat(sink().calls).containsExactly("rows 0@11", "rows 1@13");
        pipeline.close();
    }

    /** A statement with several parts is rewritten, but what a user wrote counts too. */
    @Test
    void sqlIsLookedForInWhatTheUserWrote() {
        EventFilters filters =
                EventFilters.compile(
                        List.of(rule(List.of(), List.of("no-cdc|^drop table a, b$"))), List.of());
        Change part =
                new Change(
                        DdlKind.DROP_TABLE,
                        new TableName("shop", "a"),
                        Optional.empty(),
                        Optional.of(ORDERS),
                        Optional.empty(),
                        "DROP TABLE `shop`.`a`");
        for (String query : List.of("DROP TABLE a, b", "/* no-cdc */ DROP TABLE b, a")) {
            SchemaChange statement =
                    new SchemaChange(
                            1,
                            ddl(1, DdlKind.DROP_TABLE, "x", ORDERS).positionAfter(),
                            query,
                            "shop",
                            List.of(part, part));
            assertThat(filters.ignores(statement, part)).as(query).isTrue();
        }
        SchemaChange other = ddl(1, DdlKind.DROP_TABLE, "DROP TABLE a", ORDERS);
        assertThat(filters.ignores(other, other.changes().getFirst())).isFalse();
    }

    /** TiCDC's names, and which kinds each is about. */
    @Test
    void everyNameOfAnEventIgnoresItsKind() {
        java.util.Map<String, DdlKind> others =
                java.util.Map.of(
                        "create database", DdlKind.CREATE_SCHEMA,
                        "drop database", DdlKind.DROP_SCHEMA);
        Set<String> tidbOnly = Set.of("recover table", "alter ttl info", "alter ttl remove");
        String names =
                "create schema, create database, drop schema, drop database, modify schema"
                        + " charset and collate, create table, drop table, truncate table,"
                        + " rename table, recover table, modify table comment, modify table"
                        + " charset and collate, create view, drop view, add table"
                        + " partition, drop table partition, truncate table partition,"
                        + " exchange table partition, reorganize table partition, alter"
                        + " table partitioning, remove table partitioning, add column, drop"
                        + " column, modify column, set default value, rebase auto id, add"
                        + " primary key, drop primary key, create index, drop index, rename"
                        + " index, alter index visibility, alter ttl info, alter ttl"
                        + " remove, multi schema change, add foreign key, drop foreign key";
        Set<DdlKind> seen = java.util.EnumSet.of(DdlKind.ALTER_TABLE);
        for (String name : names.split(", ")) {
            EventFilters filters =
                    EventFilters.compile(List.of(rule(List.of(name), List.of())), List.of());
            List<DdlKind> ignored = new ArrayList<>();
            for (DdlKind kind : DdlKind.values()) {
                SchemaChange statement = ddl(1, kind, "x", ORDERS);
                if (filters.ignores(statement, statement.changes().getFirst())) {
                    ignored.add(kind);
                }
            }
            if (tidbOnly.contains(name)) {
                assertThat(ignored).as(name).isEmpty();
                continue;
            }
            assertThat(ignored).as(name).hasSize(1);
            DdlKind kind = ignored.getFirst();
            assertThat(others.getOrDefault(name, kind)).as(name).isEqualTo(kind);
            if (!others.containsKey(name)) {
                assertThat(kind.filterName()).isEqualTo(name);
            }
            seen.add(kind);
        }
        assertThat(seen).containsExactlyInAnyOrder(DdlKind.values());
        for (String rows : List.of("all dml", "all ddl", "insert", "update", "delete")) {
            EventFilters.compile(List.of(rule(List.of(rows), List.of())), List.of());
        }
    }

    private static SchemaChange ddl(long tso, DdlKind kind, String query, TableSchema after) {
        return new SchemaChange(
                tso,
                at(tso),
                query,
                "shop",
                List.of(
                        new Change(
                                kind,
                                new TableName("shop", "orders"),
                                Optional.empty(),
                                Optional.of(ORDERS),
                                Optional.of(after),
                                query)));
    }

    @Test
    void ddlGoesByKindAndByText() throws InterruptedException {
        Pipeline pipeline =
                open(
                        List.of(),
                        rule(List.of("add column"), List.of("drop\\s+index", "^alter .* engine")));
        emit(ddl(10, DdlKind.ADD_COLUMN, "ALTER TABLE orders ADD c INT", ORDERS));
        emit(ddl(11, DdlKind.DROP_INDEX, "DROP  INDEX i ON orders", ORDERS));
        emit(ddl(12, DdlKind.ALTER_TABLE, " ALTER TABLE orders ENGINE=InnoDB", ORDERS));
        pipeline.doWork();
        assertThat(sink().calls).noneMatch(call -> call.startsWith("ddl"));
        emit(ddl(13, DdlKind.MODIFY_COLUMN, "ALTER TABLE orders MODIFY id BIGINT", ORDERS));
        pipeline.doWork();
        assertThat(sink().calls).anyMatch(call -> call.startsWith("ddl 0@13"));
        pipeline.close();
    }

    @Test
    void alterTableMeansAllKindsOfIt() {
        EventFilters filters =
                EventFilters.compile(List.of(rule(List.of("alter table"), List.of())), List.of());
        for (DdlKind kind : DdlKind.values()) {
            boolean alter =
                    switch (kind) {
                        case CREATE_SCHEMA,
                                DROP_SCHEMA,
                                SCHEMA_CHARSET,
                                CREATE_TABLE,
                                DROP_TABLE,
                                TRUNCATE_TABLE,
                                RENAME_TABLE,
                                CREATE_VIEW,
                                DROP_VIEW ->
                                false;
                        default -> true;
                    };
            SchemaChange statement = ddl(1, kind, "x", ORDERS);
            assertThat(filters.ignores(statement, statement.changes().getFirst()))
                    .as(kind.toString())
                    .isEqualTo(alter);
        }
    }

    @Test
    void aTableWithoutTheColumnOfAnExpressionStopsTheJobBeforeItsDdl() throws InterruptedException {
        Pipeline pipeline = open(List.of(), rule(List.of("all ddl"), List.of(), "id = 3"));
        TableSchema renamed =
                ORDERS.with(
                        2,
                        ORDERS.name(),
                        List.of(Column.of("number", ColumnKind.BIGINT)),
                        ORDERS.keys());
        emit(ddl(10, DdlKind.MODIFY_COLUMN, "ALTER TABLE orders CHANGE id number INT", renamed));
        assertThatThrownBy(pipeline::doWork)
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.EXPRESSION_COLUMN_NOT_FOUND));
        pipeline.close();
    }

    @Test
    void wrongRulesAreNamed() {
        assertThatThrownBy(() -> open(List.of(), rule(List.of("Insert"), List.of())))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_EVENT_TYPE))
                .hasMessageContaining("'Insert'");
        assertThatThrownBy(() -> open(List.of(), rule(List.of(), List.of("a(b"))))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_FILTER))
                .hasMessageContaining("a(b");
        for (String known : List.of("recover table", "alter ttl remove", "create database")) {
            EventFilters.compile(List.of(rule(List.of(known), List.of())), List.of());
        }
        Pipeline pipeline =
                open(
                        List.of(),
                        new EventRule(List.of(), List.of("insert"), List.of(), "1", "1", "1", "1"),
                        new EventRule(
                                List.of("SHOP.*"), List.of("insert"), List.of(), "1", "", "", ""));
        pipeline.close();
        assertThat(EventFilters.compile(List.of(), List.of()).of(ORDERS, ZONES)).isEmpty();
        assertThat(
                        EventFilters.compile(
                                        List.of(
                                                new EventRule(
                                                        List.of("SHOP.*"),
                                                        List.of("insert"),
                                                        List.of(),
                                                        "",
                                                        "",
                                                        "",
                                                        "")),
                                        List.of())
                                .of(ORDERS, ZONES))
                .as("matchers of event filters are about case")
                .isEmpty();
    }

    private static final io.millrace.core.filter.expression.RowExpression.Zones ZONES =
            new io.millrace.core.filter.expression.RowExpression.Zones(
                    java.time.ZoneOffset.UTC, java.time.ZoneOffset.UTC);
}
