package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.Column;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which topic and partition a row goes to: rules in order, the first match wins; tables that no
 * rule names go to the default topic, partitioned by table. Immutable.
 */
final class DispatchRules {
    private static final Logger LOG = LoggerFactory.getLogger(DispatchRules.class);

    private final List<Rule> rules;
    private final Rule otherwise;

    /** What the partition depends on. */
    enum By {
        TABLE,
        TS,
        INDEX_VALUE,
        COLUMNS
    }

    private record Rule(
            Optional<TableFilter> filter,
            By by,
            String index,
            List<String> columns,
            TopicExpression topic) {}

    private DispatchRules(List<Rule> rules, Rule otherwise) {
        this.rules = List.copyOf(rules);
        this.otherwise = otherwise;
    }

    /** Compiles the rules of a sink; throws a USER error that names the rule. */
    static DispatchRules compile(SinkSpec spec, KafkaSinkConfig config) {
        return compile(spec, config.topic(), config.protocol().needsTopicPerTable());
    }

    /**
     * Compiles the rules of a sink.
     *
     * @param topicPerTable topic expressions must tell all tables apart
     */
    static DispatchRules compile(SinkSpec spec, String defaultTopic, boolean topicPerTable) {
        TopicExpression fallback = TopicExpression.parse(defaultTopic);
        List<Rule> rules = new ArrayList<>();
        for (SinkSpec.DispatchRule rule : spec.dispatchers()) {
            By by = by(rule);
            if (!rule.index().isEmpty() && by != By.INDEX_VALUE) {
                unused(rule, "index", "index-value");
            }
            if (!rule.columns().isEmpty() && by != By.COLUMNS) {
                unused(rule, "columns", "columns");
            }
            if (by == By.COLUMNS && rule.columns().isEmpty()) {
                throw invalid(rule, "the partition rule columns needs columns");
            }
            rules.add(
                    new Rule(
                            Optional.of(TableFilters.parse(rule.matcher(), spec.caseSensitive())),
                            by,
                            rule.index(),
                            rule.columns(),
                            rule.topic().isEmpty() ? fallback : topic(rule, topicPerTable)));
        }
        return new DispatchRules(
                rules, new Rule(Optional.empty(), By.TABLE, "", List.of(), fallback));
    }

    private static void unused(SinkSpec.DispatchRule rule, String what, String wanted) {
        LOG.warn(
                "dispatcher {}: {} has no effect with the partition rule '{}', only with {}",
                rule.matcher(),
                what,
                rule.partition(),
                wanted);
    }

    private static TopicExpression topic(SinkSpec.DispatchRule rule, boolean topicPerTable) {
        TopicExpression topic = TopicExpression.parse(rule.topic());
        // A fixed topic is the user's own promise that its tables fit together.
        if (topicPerTable && topic.hasPlaceholder() && !topic.tellsTablesApart()) {
            throw new MillraceException(
                    ErrorCode.KAFKA_TOPIC_EXPRESSION_INVALID,
                    "topic expression '"
                            + rule.topic()
                            + "' must hold both {schema} and {table}: the protocol keeps one schema"
                            + " per topic");
        }
        return topic;
    }

    private static By by(SinkSpec.DispatchRule rule) {
        return switch (rule.partition().toLowerCase(Locale.ROOT)) {
            case "", "default", "table" -> By.TABLE;
            case "ts" -> By.TS;
            case "index-value", "rowid" -> By.INDEX_VALUE;
            case "columns" -> By.COLUMNS;
            default -> {
                LOG.warn(
                        "partition rule {} of matcher {} is unknown, using default",
                        rule.partition(),
                        rule.matcher());
                yield By.TABLE;
            }
        };
    }

    private static MillraceException invalid(SinkSpec.DispatchRule rule, String message) {
        return new MillraceException(
                ErrorCode.DISPATCHER_INVALID, "dispatcher " + rule.matcher() + ": " + message);
    }

    private Rule rule(TableName name) {
        for (Rule rule : rules) {
            if (rule.filter().isPresent() && rule.filter().get().matches(name)) {
                return rule;
            }
        }
        return otherwise;
    }

    /** Whether there may be other topics than the default one. */
    boolean namesTopics() {
        return rules.stream().anyMatch(rule -> rule.topic() != otherwise.topic());
    }

    /** The topic of a table's rows, and of DDL that has this table as its old name. */
    String topic(TableName name) {
        return rule(name).topic().topic(name);
    }

    /**
     * How rows of a table version find their partition.
     *
     * @throws MillraceException DISPATCHER_INVALID when the rule names an index or a column that
     *     the table does not have
     */
    RowPartitioner partitioner(TableSchema schema) {
        Rule rule = rule(schema.name());
        return new RowPartitioner(
                schema,
                rule.by(),
                switch (rule.by()) {
                    case TABLE, TS -> new int[0];
                    case INDEX_VALUE -> indexColumns(schema, rule.index());
                    case COLUMNS -> columns(schema, rule.columns());
                });
    }

    private static int[] indexColumns(TableSchema schema, String index) {
        if (index.isEmpty()) {
            return schema.handleKey();
        }
        for (TableSchema.Key key : schema.keys()) {
            if (key.name().equalsIgnoreCase(index)) {
                return key.columns().stream().mapToInt(Integer::intValue).toArray();
            }
        }
        throw new MillraceException(
                ErrorCode.DISPATCHER_INVALID,
                "dispatcher index-value: table "
                        + schema.name()
                        + " has no primary or unique index '"
                        + index
                        + "'");
    }

    private static int[] columns(TableSchema schema, List<String> names) {
        int[] ordinals = new int[names.size()];
        for (int i = 0; i < ordinals.length; i++) {
            ordinals[i] = ordinalOf(schema, names.get(i));
        }
        return ordinals;
    }

    private static int ordinalOf(TableSchema schema, String name) {
        for (int i = 0; i < schema.columns().size(); i++) {
            Column column = schema.column(i);
            if (column.name().equalsIgnoreCase(name)) {
                if (column.generated() == Column.Generated.VIRTUAL) {
                    throw new MillraceException(
                            ErrorCode.DISPATCHER_INVALID,
                            "dispatcher columns: column "
                                    + name
                                    + " of table "
                                    + schema.name()
                                    + " is a virtual generated column");
                }
                return i;
            }
        }
        throw new MillraceException(
                ErrorCode.DISPATCHER_INVALID,
                "dispatcher columns: table " + schema.name() + " has no column '" + name + "'");
    }
}
