package io.millrace.codec.types;

import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.codec.Tables;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.rows.TestRowBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Every column type at its edges through every wire format and back, and the documentation that
 * says how each looks.
 */
class TypeRoundTripTest {
    private static final long TSO = 439749918821711874L;

    /** Set to true, it makes the test write the documentation instead of comparing it. */
    private static final String WRITE = "millrace.types.write";

    private static final int LONGEST_CELL = 90;

    private static TableSchema table(Column column) {
        return Tables.table(List.of(Column.of("id", ColumnKind.BIGINT), column), 0);
    }

    @Test
    void everyKindHasCases() {
        Set<ColumnKind> kinds = EnumSet.allOf(ColumnKind.class);
        TypeCase.all().forEach(each -> kinds.remove(each.column().kind()));
        assertThat(kinds).isEmpty();
    }

    @Test
    void everyValueComesBack() {
        List<String> wrong = new ArrayList<>();
        int checked = 0;
        for (ProtocolUnderTest format : ProtocolsUnderTest.ALL_FORMATS) {
            for (TypeCase each : TypeCase.all()) {
                TableSchema schema = table(each.column());
                for (Object value : each.valuesAndNull()) {
                    Object expected =
                            Canonical.expected(
                                    each.column(),
                                    value == null ? null : format.afterLoss(each.column(), value));
                    String what = format.name() + ", " + each.title() + ", " + shorten(value);
                    try {
                        checked++;
                        checkColumn(
                                what + ", insert",
                                format,
                                each.column(),
                                expected,
                                format.roundTrip(
                                                TestRowBatch.insert(
                                                        schema, TSO, 0, true, row(1, value)))
                                        .row()
                                        .after(),
                                wrong);
                        // Formats that write deletes by key alone have no column to compare.
                        Map<String, @Nullable Object> deleted =
                                format.roundTrip(
                                                TestRowBatch.delete(
                                                        schema, TSO, 0, true, row(1, value)))
                                        .row()
                                        .before();
                        if (deleted.containsKey("c")) {
                            checkColumn(
                                    what + ", delete",
                                    format,
                                    each.column(),
                                    expected,
                                    deleted,
                                    wrong);
                        }
                    } catch (RuntimeException e) {
                        wrong.add(what + ": " + e);
                    }
                }
            }
        }
        assertThat(wrong).as("%d values checked", checked).isEmpty();
        assertThat(checked).isGreaterThan(200 * ProtocolsUnderTest.ALL_FORMATS.size());
    }

    private static void checkColumn(
            String what,
            ProtocolUnderTest format,
            Column column,
            @Nullable Object expected,
            Map<String, @Nullable Object> columns,
            List<String> wrong) {
        Object decoded = columns.get("c");
        Object read = decoded == null ? null : format.canonical(column, decoded);
        if (!columns.containsKey("c")) {
            wrong.add(what + ": the column is missing");
        } else if (expected == null ? read != null : !expected.equals(read)) {
            wrong.add(what + ": expected " + shorten(expected) + ", read " + shorten(read));
        }
    }

    private static String shorten(@Nullable Object value) {
        String text = String.valueOf(Canonical.comparable(value));
        return text.length() <= LONGEST_CELL ? text : text.substring(0, LONGEST_CELL - 3) + "...";
    }

    @Test
    void theDocumentationSaysWhatIsWritten() throws IOException {
        Path file = Path.of(System.getProperty("basedir", "."), "..", "docs", "types.md");
        String text = document();
        if (Boolean.getBoolean(WRITE)) {
            Files.writeString(file, text);
            return;
        }
        assertThat(Files.readString(file))
                .as(
                        "docs/types.md; to write it anew: mvn -pl codec -am test"
                                + " -Dtest=TypeRoundTripTest -Dsurefire.failIfNoSpecifiedTests=false"
                                + " -D"
                                + WRITE
                                + "=true")
                .isEqualTo(text);
    }

    private static String document() {
        StringBuilder out = new StringBuilder();
        out.append("# Column types in the wire formats\n\n");
        out.append(
                "How one value of each column type looks in each format, as the encoders write it"
                        + " with default options. Written by `TypeRoundTripTest`, which also sends"
                        + " the edges of each type through encoder and decoder and compares what"
                        + " comes back.\n\n");
        out.append(
                "canal, avro and simple (Avro) show the value that the decoder reads from the binary"
                        + " message. `bytes` are in hexadecimal digits. Values of ENUM and SET are"
                        + " their numbers where a format has numbers.\n\n");
        out.append("| type | value |");
        for (ProtocolUnderTest format : ProtocolsUnderTest.ALL_FORMATS) {
            out.append(' ').append(format.name()).append(" |");
        }
        out.append("\n|---|---|").append("---|".repeat(ProtocolsUnderTest.ALL_FORMATS.size()));
        out.append('\n');
        for (TypeCase each : TypeCase.all()) {
            Object value = each.values().getFirst();
            out.append("| ").append(cell(each.title())).append(" | ");
            out.append(cell(String.valueOf(Canonical.expected(each.column(), value))));
            out.append(" |");
            for (ProtocolUnderTest format : ProtocolsUnderTest.ALL_FORMATS) {
                String shown =
                        format.roundTrip(
                                        TestRowBatch.insert(
                                                table(each.column()), TSO, 0, true, row(1, value)))
                                .shown();
                out.append(' ').append(cell(shown)).append(" |");
            }
            out.append('\n');
        }
        out.append("\n## What formats cannot hold\n\n");
        for (ProtocolUnderTest format : ProtocolsUnderTest.ALL_FORMATS) {
            for (String loss : format.losses()) {
                out.append("* ").append(format.name()).append(": ").append(loss).append('\n');
            }
        }
        out.append(
                "\nAll formats leave virtual generated columns out. A column that a minimal row"
                        + " image leaves out is missing in the message; csv, whose lines have a"
                        + " fixed number of fields, writes NULL.\n");
        return out.toString();
    }

    /** A table cell of code; the bar would end it, and long elements tell nothing more. */
    private static String cell(String text) {
        String shown = shorten(text).replace("|", "\\|");
        String fence = shown.contains("`") ? "``" : "`";
        return fence + shown + fence;
    }
}
