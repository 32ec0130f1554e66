package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.TableName;
import java.util.regex.Pattern;

/**
 * Where a dispatch rule sends a table: a fixed topic, or {@code prefix{schema}middle{table}suffix}
 * with the table part optional.
 */
final class TopicExpression {
    private static final int MAX_TOPIC_LENGTH = 249;
    private static final Pattern FIXED = Pattern.compile("[A-Za-z0-9._-]+");
    private static final Pattern TEMPLATE =
            Pattern.compile(
                    "[A-Za-z0-9._-]*\\{schema}(?:[A-Za-z0-9._-]*\\{table})?[A-Za-z0-9._-]*");
    private static final Pattern FOREIGN = Pattern.compile("[^A-Za-z0-9._-]");

    private final String text;

    private TopicExpression(String text) {
        this.text = text;
    }

    /** Whether Kafka takes it as a topic's name. */
    static boolean isTopicName(String name) {
        return FIXED.matcher(name).matches()
                && name.length() <= MAX_TOPIC_LENGTH
                && !name.equals(".")
                && !name.equals("..");
    }

    /**
     * @throws MillraceException KAFKA_TOPIC_EXPRESSION_INVALID
     */
    static TopicExpression parse(String text) {
        boolean valid =
                FIXED.matcher(text).matches()
                        ? isTopicName(text)
                        : TEMPLATE.matcher(text).matches();
        if (!valid) {
            throw new MillraceException(
                    ErrorCode.KAFKA_TOPIC_EXPRESSION_INVALID,
                    "invalid topic expression '"
                            + text
                            + "': it must be a topic name of letters, digits, '.', '_' and '-', or"
                            + " such text around {schema}, optionally followed by {table}");
        }
        return new TopicExpression(text);
    }

    /** Whether the topic depends on the table or its schema. */
    boolean hasPlaceholder() {
        return text.indexOf('{') >= 0;
    }

    /** Whether it names both schema and table. */
    boolean tellsTablesApart() {
        return text.contains("{schema}") && text.contains("{table}");
    }

    /** The topic of a table; for DDL of a schema the table is empty. */
    String topic(TableName name) {
        String topic =
                text.replace("{schema}", clean(name.schema()))
                        .replace("{table}", clean(name.table()));
        if (topic.length() > MAX_TOPIC_LENGTH) {
            topic = topic.substring(0, MAX_TOPIC_LENGTH);
        }
        return switch (topic) {
            case "." -> "_";
            case ".." -> "__";
            default -> topic;
        };
    }

    private static String clean(String name) {
        return FOREIGN.matcher(name).replaceAll("_");
    }
}
