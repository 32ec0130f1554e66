package io.millrace.kafka;

import static io.millrace.testkit.rows.TestRowBatch.ABSENT;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.SinkSpec.DispatchRule;
import io.millrace.testkit.rows.TestRowBatch;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Expected partitions are the vectors of the reference's own tests. */
class DispatchRulesTest {
    private static final long TSO = 439749918821711874L;

    @Test
    void byTableIsTheDefault() {
        for (String rule : List.of("", "default", "TABLE", "never-heard-of")) {
            DispatchRules rules = rules(true, rule(List.of("*.*"), rule, "", List.of(), ""));
            assertThat(partition(rules, insert(table("test", "t1", "a"), 1), 16)).isEqualTo(15);
            assertThat(partition(rules, insert(table("test", "t2", "a"), 1), 16)).isEqualTo(5);
            for (int n : new int[] {3, 4, 16}) {
                assertThat(partition(rules, insert(table("shop", "orders", "id"), 1), n)).isZero();
            }
        }
        assertThat(partition(rules(true), insert(table("test", "t1", "a"), 1), 16)).isEqualTo(15);
    }

    @Test
    void byIndexValueHashesTheHandleKey() {
        for (String name : List.of("index-value", "rowid")) {
            DispatchRules rules = rules(true, rule(List.of("*.*"), name, "", List.of(), ""));
            TableSchema t1 = table("test", "t1", "a");
            assertThat(partition(rules, insert(t1, 11), 16)).isEqualTo(2);
            assertThat(partition(rules, insert(t1, 22), 16)).isEqualTo(11);
            TableSchema t2 = table("test", "t2", "a", "b");
            assertThat(partition(rules, insert(t2, 11, 22), 16)).isEqualTo(5);
            assertThat(partition(rules, insert(t2, 11, 0), 16)).isEqualTo(14);
            assertThat(partition(rules, insert(t2, 11, 33), 16)).isEqualTo(2);
            TableSchema orders = table("shop", "orders", "id");
            assertThat(partition(rules, insert(orders, 1), 3)).isEqualTo(2);
            assertThat(partition(rules, insert(orders, 1), 4)).isEqualTo(0);
            assertThat(partition(rules, insert(orders, 1), 16)).isEqualTo(4);
            assertThat(hash(rules, insert(orders, 1))).isEqualTo(1074383876L);
            assertThat(hash(rules, insert(t1, 11))).isEqualTo(1636506354L);
        }
    }

    @Test
    void byColumnsHashesTheTablesSpellingOfTheNames() {
        DispatchRules rules =
                rules(true, rule(List.of("*.*"), "columns", "", List.of("Col2", "col1"), ""));
        assertThat(partition(rules, insert(table("test", "t1", "col2", "col1"), 11, 22), 16))
                .isEqualTo(15);
        assertThat(partition(rules, insert(table("test", "t1", "COL2", "Col1"), 11, 22), 16))
                .isEqualTo(5);
    }

    @Test
    void byTsTakesTheCommitTso() {
        DispatchRules rules = rules(true, rule(List.of("*.*"), "ts", "", List.of(), ""));
        assertThat(partition(rules, insert(table("test", "t1", "a"), 1), 7))
                .isEqualTo((int) (TSO % 7));
    }

    @Test
    void deletesUseTheOldAndUpdatesTheNewImage() {
        DispatchRules rules = rules(true, rule(List.of("*.*"), "index-value", "", List.of(), ""));
        TableSchema t1 = table("test", "t1", "a");
        assertThat(partition(rules, TestRowBatch.delete(t1, TSO, 0, true, row(11)), 16))
                .isEqualTo(2);
        assertThat(partition(rules, TestRowBatch.update(t1, TSO, 0, true, row(22), row(11)), 16))
                .isEqualTo(2);
    }

    @Test
    void aMinimalUpdateTakesUnchangedKeysFromTheOldImage() {
        DispatchRules rules = rules(true, rule(List.of("*.*"), "index-value", "", List.of(), ""));
        TableSchema t1 = table("test", "t1", "a");
        assertThat(
                        partition(
                                rules,
                                TestRowBatch.update(t1, TSO, 0, true, row(11), row(ABSENT)),
                                16))
                .isEqualTo(2);
        assertThatThrownBy(() ->
                        partition(rules, TestRowBatch.delete(t1, TSO, 0, true, row(ABSENT)), 16))
                .hasMessageContaining("binlog_row_image=FULL");
    }

    @Test
    void aNamedIndexMustExist() {
        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("test", "t1"),
                        List.of(Column.of("a", ColumnKind.INT), Column.of("b", ColumnKind.INT)),
                        List.of(
                                new TableSchema.Key("PRIMARY", true, List.of(1)),
                                new TableSchema.Key("uk", false, List.of(0))));
        DispatchRules rules = rules(true, rule(List.of("*.*"), "index-value", "UK", List.of(), ""));
        assertThat(partition(rules, insert(schema, 11, 5), 16)).isEqualTo(2);
        refused(
                () ->
                        rules(true, rule(List.of("*.*"), "index-value", "no", List.of(), ""))
                                .partitioner(schema),
                "'no'");
        refused(
                () ->
                        rules(true, rule(List.of("*.*"), "columns", "", List.of("z"), ""))
                                .partitioner(schema),
                "'z'");
    }

    @Test
    void wrongRulesAreRefused() {
        refused(() -> rules(true, rule(List.of("*.*"), "columns", "", List.of(), "")), "columns");
        // Logged and without effect, as in TiCDC.
        rules(true, rule(List.of("*.*"), "ts", "i", List.of(), ""))
                .partitioner(table("a", "b", "c"));
        rules(true, rule(List.of("*.*"), "table", "", List.of("x"), ""))
                .partitioner(table("a", "b", "c"));
        assertThatThrownBy(() -> rules(true, rule(List.of("a"), "", "", List.of(), "")))
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.INVALID_FILTER);
    }

    @Test
    void theFirstMatchingRuleWins() {
        DispatchRules rules =
                rules(
                        true,
                        rule(List.of("test.t1"), "", "", List.of(), "first"),
                        rule(List.of("test.*"), "", "", List.of(), "{schema}_{table}"),
                        rule(List.of("*.*", "!other.*"), "", "", List.of(), "p.{schema}-x"));
        assertThat(rules.topic(new TableName("test", "t1"))).isEqualTo("first");
        assertThat(rules.topic(new TableName("test", "T1"))).isEqualTo("test_T1");
        assertThat(rules.topic(new TableName("te st", "t"))).isEqualTo("p.te_st-x");
        assertThat(rules.topic(new TableName("other", "t"))).isEqualTo("main");
        assertThat(
                        rules(false, rule(List.of("test.t1"), "", "", List.of(), "first"))
                                .topic(new TableName("TEST", "T1")))
                .isEqualTo("first");
    }

    @Test
    void topicExpressionsFollowTheirGrammar() {
        for (String good :
                List.of("a", "{schema}", "a{schema}b{table}c", "{schema}{table}", "x.{schema}-y")) {
            TopicExpression.parse(good);
        }
        for (String bad :
                List.of(
                        "{table}",
                        "a b",
                        "{table}{schema}",
                        "{schema}{schema}",
                        "é",
                        "..",
                        "{s}")) {
            assertThatThrownBy(() -> TopicExpression.parse(bad))
                    .as(bad)
                    .hasMessageContaining(bad)
                    .extracting(e -> ((MillraceException) e).code())
                    .isEqualTo(ErrorCode.KAFKA_TOPIC_EXPRESSION_INVALID);
        }
        TopicExpression both = TopicExpression.parse("{schema}.{table}");
        assertThat(both.topic(new TableName("é/x", "ü"))).isEqualTo("__x._");
        assertThat(both.topic(new TableName("s".repeat(300), "t"))).hasSize(249);
        assertThat(TopicExpression.parse("{schema}").topic(new TableName(".", ""))).isEqualTo("_");
        assertThat(TopicExpression.parse("{schema}").topic(new TableName("..", "")))
                .isEqualTo("__");
    }

    @Test
    void aFormatWithASchemaPerTopicNeedsTopicsThatTellTablesApart() {
        for (String good : List.of("", "fixed", "{schema}_{table}", "a.{schema}{table}")) {
            topicPerTable(good);
        }
        for (String bad : List.of("{schema}", "a_{schema}_b")) {
            assertThatThrownBy(() -> topicPerTable(bad))
                    .as(bad)
                    .hasMessageContaining("{table}")
                    .extracting(e -> ((MillraceException) e).code())
                    .isEqualTo(ErrorCode.KAFKA_TOPIC_EXPRESSION_INVALID);
        }
    }

    private static void topicPerTable(String topic) {
        DispatchRules.compile(
                new SinkSpec(
                        URI.create("kafka://h/main"),
                        Map.of(),
                        List.of(rule(List.of("*.*"), "", "", List.of(), topic)),
                        true,
                        false,
                        "UTC"),
                "main",
                true);
    }

    @Test
    void allocatesNothingPerRow() {
        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("test", "t1"),
                        List.of(
                                Column.of("a", ColumnKind.BIGINT),
                                Column.of("b", ColumnKind.VARCHAR),
                                Column.of("c", ColumnKind.DOUBLE)),
                        List.of(new TableSchema.Key("PRIMARY", true, List.of(0, 1, 2))));
        RowBatch batch =
                TestRowBatch.insert(
                        schema,
                        TSO,
                        0,
                        true,
                        row(1L, "x", 1.5),
                        row(2L, "y", 2.25),
                        row(3L, "z", 3));
        RowPartitioner partitioner =
                rules(true, rule(List.of("*.*"), "index-value", "", List.of(), ""))
                        .partitioner(schema);
        RowView view = batch.rows();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().threadId();
        long allocated = Long.MAX_VALUE;
        int sum = 0;
        for (int round = 0; round < 200; round++) {
            long before = threads.getThreadAllocatedBytes(thread);
            view.rewind();
            while (view.next()) {
                sum += partitioner.partition(view, RowView.AFTER, false, TSO, 16);
            }
            allocated = Math.min(allocated, threads.getThreadAllocatedBytes(thread) - before);
        }
        assertThat(sum).isPositive();
        assertThat(allocated).isZero();
    }

    private static void refused(
            org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String named) {
        assertThatThrownBy(call)
                .hasMessageContaining(named)
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.DISPATCHER_INVALID);
    }

    private static int partition(DispatchRules rules, RowBatch batch, int count) {
        RowView view = batch.rows();
        view.next();
        int image = batch.op() == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER;
        return rules.partitioner(batch.schema())
                .partition(view, image, batch.op() == RowBatch.UPDATE, batch.commitTso(), count);
    }

    private static long hash(DispatchRules rules, RowBatch batch) {
        RowView view = batch.rows();
        view.next();
        return rules.partitioner(batch.schema()).hash(view, RowView.AFTER, false);
    }

    private static RowBatch insert(TableSchema schema, Object... cells) {
        return TestRowBatch.insert(schema, TSO, 0, true, cells);
    }

    private static DispatchRule rule(
            List<String> matcher, String by, String index, List<String> columns, String topic) {
        return new DispatchRule(matcher, by, index, columns, topic);
    }

    private static DispatchRules rules(boolean caseSensitive, DispatchRule... rules) {
        return DispatchRules.compile(
                new SinkSpec(
                        URI.create("kafka://h/main"),
                        Map.of(),
                        List.of(rules),
                        caseSensitive,
                        false,
                        "UTC"),
                "main",
                false);
    }

    /** A table of INT columns whose primary key are all of them. */
    private static TableSchema table(String schema, String name, String... columns) {
        List<Column> list = new java.util.ArrayList<>();
        List<Integer> key = new java.util.ArrayList<>();
        for (String column : columns) {
            key.add(list.size());
            list.add(Column.of(column, ColumnKind.INT));
        }
        return new TableSchema(
                1,
                1,
                new TableName(schema, name),
                list,
                List.of(new TableSchema.Key("PRIMARY", true, key)));
    }
}
