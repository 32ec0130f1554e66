package io.millrace.core.filter.expression;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.expression.Parser.Name;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A SQL condition on one row of a table. Immutable and thread-safe; what it binds to is not. */
public final class RowExpression {
    /** Longest text, in characters. */
    private static final int MAX_LENGTH = 1 << 16;

    private final String text;
    private final Node root;
    private final List<Name> columns;

    private RowExpression(String text, Parser.Parsed parsed) {
        this.text = text;
        this.root = parsed.root();
        this.columns = parsed.columns();
    }

    /**
     * Reads an expression.
     *
     * @throws MillraceException INVALID_EXPRESSION that names the place and what is wrong
     */
    public static RowExpression parse(String text) {
        if (text.length() > MAX_LENGTH) {
            throw new MillraceException(
                    ErrorCode.INVALID_EXPRESSION,
                    "invalid filter expression: it is longer than " + MAX_LENGTH + " characters");
        }
        return new RowExpression(text, Parser.parse(text));
    }

    /** The zones that TIMESTAMP texts are in, and are to be seen in. */
    public record Zones(ZoneId rows, ZoneId expression) {}

    /**
     * Looks its columns up in a table version.
     *
     * @throws MillraceException EXPRESSION_COLUMN_NOT_FOUND
     */
    public Bound bind(TableSchema schema, Zones zones) {
        int[] ordinals = new int[columns.size()];
        for (int i = 0; i < ordinals.length; i++) {
            ordinals[i] = find(schema, columns.get(i));
        }
        return new Bound(schema, ordinals, zones);
    }

    private int find(TableSchema schema, Name name) {
        List<String> qualifiers = name.qualifiers();
        int n = qualifiers.size();
        boolean here =
                (n < 1 || qualifiers.get(n - 1).equalsIgnoreCase(schema.name().table()))
                        && (n < 2 || qualifiers.get(0).equalsIgnoreCase(schema.name().schema()));
        for (int i = 0; here && i < schema.columns().size(); i++) {
            if (schema.column(i).name().equalsIgnoreCase(name.column())) {
                return i;
            }
        }
        throw new MillraceException(
                ErrorCode.EXPRESSION_COLUMN_NOT_FOUND,
                "cannot find column '"
                        + name.column()
                        + "' from table '"
                        + schema.name()
                        + "' in filter expression '"
                        + text
                        + "'");
    }

    /** An expression that knows where a table version has its columns. Belongs to one thread. */
    public final class Bound implements Node.Cells {
        private final TableSchema schema;
        private final int[] ordinals;
        private final Collation[] collations;
        private final Zones zones;
        private final ByteSink bytes = new ByteSink(64);
        private @Nullable RowView row;
        private int image;

        private Bound(TableSchema schema, int[] ordinals, Zones zones) {
            this.schema = schema;
            this.ordinals = ordinals;
            this.zones = zones;
            collations = new Collation[ordinals.length];
            for (int i = 0; i < ordinals.length; i++) {
                collations[i] = Collation.of(schema.column(ordinals[i]));
            }
        }

        /**
         * Whether it is true of one image of the view's current row; NULL is not true.
         *
         * @param ofImage {@link RowView#BEFORE} or {@link RowView#AFTER}
         * @throws MillraceException UPSTREAM_MISCONFIGURED when the row image lacks a column that
         *     counts
         */
        public boolean isTrue(RowView current, int ofImage) {
            return Values.isTrue(eval(current, ofImage));
        }

        @Nullable Object eval(RowView current, int ofImage) {
            row = current;
            image = ofImage;
            return root.eval(this);
        }

        @Override
        public @Nullable Object column(int slot) {
            RowView cells = row;
            if (cells == null) {
                throw new IllegalStateException("no row");
            }
            int ordinal = ordinals[slot];
            int from = imageOf(cells, ordinal);
            if (cells.isNull(from, ordinal)) {
                return null;
            }
            return value(cells, from, ordinal, collations[slot]);
        }

        @Override
        public Collation collation(int slot) {
            return collations[slot];
        }

        /** A new image without a column that did not change: the old one has it. */
        private int imageOf(RowView cells, int ordinal) {
            if (cells.isPresent(image, ordinal)) {
                return image;
            }
            if (image == RowView.AFTER && cells.isPresent(RowView.BEFORE, ordinal)) {
                return RowView.BEFORE;
            }
            throw new MillraceException(
                    ErrorCode.UPSTREAM_MISCONFIGURED,
                    "the filter expression '"
                            + text
                            + "' needs column "
                            + schema.column(ordinal).name()
                            + " of "
                            + schema.name()
                            + ", which a row in the binlog does not have; set binlog_row_image=FULL"
                            + " in all sessions, and do not filter by virtual columns that the"
                            + " server leaves out");
        }

        private Object value(RowView cells, int from, int ordinal, Collation collation) {
            Column column = schema.column(ordinal);
            return switch (column.kind()) {
                case ENUM -> element(column, cells.longValue(from, ordinal), collation);
                case SET -> set(column, cells.longValue(from, ordinal), collation);
                case BIT -> Values.unsigned(cells.longValue(from, ordinal));
                case DATE, DATETIME, TIMESTAMP -> date(column, text(cells, from, ordinal));
                case TIME -> {
                    String text = text(cells, from, ordinal);
                    Moment time = Moment.parseTime(text);
                    yield time == null ? Text.literal(text) : time;
                }
                case DECIMAL -> new BigDecimal(text(cells, from, ordinal));
                default ->
                        switch (column.kind().access()) {
                            case LONG -> {
                                long value = cells.longValue(from, ordinal);
                                yield column.unsigned()
                                        ? Values.unsigned(value)
                                        : BigDecimal.valueOf(value);
                            }
                            case FLOAT, DOUBLE -> cells.doubleValue(from, ordinal);
                            case BYTES -> {
                                bytes.clear();
                                cells.appendBytes(from, ordinal, bytes);
                                yield new Text(
                                        new String(
                                                bytes.array(),
                                                0,
                                                bytes.length(),
                                                StandardCharsets.ISO_8859_1),
                                        Collation.BINARY,
                                        Text.COLUMN,
                                        null);
                            }
                            case ASCII, TEXT ->
                                    new Text(
                                            text(cells, from, ordinal),
                                            column.kind().access() == ColumnKind.Access.TEXT
                                                            && column.kind() != ColumnKind.JSON
                                                    ? collation
                                                    : Collation.DEFAULT,
                                            Text.COLUMN,
                                            null);
                        };
            };
        }

        private String text(RowView cells, int from, int ordinal) {
            bytes.clear();
            cells.appendText(from, ordinal, bytes);
            return new String(bytes.array(), 0, bytes.length(), StandardCharsets.UTF_8);
        }

        private Object date(Column column, String text) {
            Moment moment = Moment.parseDate(text);
            if (moment == null) {
                return Text.literal(text);
            }
            LocalDateTime shown = moment.calendar();
            if (column.kind() != ColumnKind.TIMESTAMP
                    || shown == null
                    || zones.rows().equals(zones.expression())) {
                return moment;
            }
            return Moment.of(
                    shown.atZone(zones.rows())
                            .withZoneSameInstant(zones.expression())
                            .toLocalDateTime(),
                    Moment.Kind.DATETIME,
                    moment.scale());
        }

        private static Object element(Column column, long index, Collation collation) {
            List<String> elements = column.elements();
            BigDecimal number = BigDecimal.valueOf(index);
            if (elements.isEmpty()) {
                return number;
            }
            String name = index < 1 || index > elements.size() ? "" : elements.get((int) index - 1);
            return new Text(name, collation, Text.COLUMN, number);
        }

        private static Object set(Column column, long mask, Collation collation) {
            List<String> elements = column.elements();
            BigDecimal number = Values.unsigned(mask);
            if (elements.isEmpty()) {
                return number;
            }
            StringBuilder names = new StringBuilder();
            for (int i = 0; i < elements.size(); i++) {
                if ((mask >>> i & 1) != 0) {
                    names.append(names.isEmpty() ? "" : ",").append(elements.get(i));
                }
            }
            return new Text(names.toString(), collation, Text.COLUMN, number);
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
