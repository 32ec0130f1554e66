package io.millrace.core.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.Projection;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec.ColumnSelector;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ColumnSelectionTest {
    private static Column notNull(String name, Column.Generated generated) {
        return new Column(
                name,
                ColumnKind.INT,
                "int",
                false,
                false,
                0,
                0,
                "binary",
                "",
                List.of(),
                generated,
                false,
                Optional.empty());
    }

    private static TableSchema table(String name) {
        return new TableSchema(
                7,
                3,
                new TableName("shop", name),
                List.of(
                        Column.of("Note", ColumnKind.TEXT),
                        notNull("id", Column.Generated.NONE),
                        notNull("code", Column.Generated.NONE),
                        notNull("calc", Column.Generated.VIRTUAL)),
                List.of(
                        new TableSchema.Key("PRIMARY", true, List.of(1)),
                        new TableSchema.Key("u_code", false, List.of(2)),
                        new TableSchema.Key("u_calc", false, List.of(3))));
    }

    private static ColumnSelection selection(ColumnSelector... selectors) {
        return selection(true, selectors);
    }

    private static ColumnSelection selection(boolean caseSensitive, ColumnSelector... selectors) {
        return ColumnSelection.of(
                new SinkSpec(
                        SinkSpec.parseUri("kafka://h/t"),
                        Map.of(),
                        List.of(),
                        List.of(selectors),
                        caseSensitive,
                        false,
                        "UTC"));
    }

    private static List<String> names(Projection projection) {
        return projection.schema().columns().stream().map(Column::name).toList();
    }

    @Test
    void theFirstMatchingSelectorDecidesAndOthersStayWhole() {
        ColumnSelection selection =
                selection(
                        new ColumnSelector(List.of("shop.a*"), List.of("*", "!NOTE")),
                        new ColumnSelector(List.of("shop.*", "!shop.z"), List.of("/^(id|no)/")));
        assertThat(names(selection.of(table("a1")))).containsExactly("id", "code", "calc");
        assertThat(names(selection.of(table("b")))).containsExactly("Note", "id");
        TableSchema other = table("z");
        assertThat(selection.of(other).isWhole()).isTrue();
        assertThat(selection.of(other).schema()).isSameAs(other);
        assertThat(selection().isEmpty()).isTrue();
    }

    @Test
    void tableNamesMatchWithTheCaseThatIsAskedFor() {
        ColumnSelector selector = new ColumnSelector(List.of("SHOP.T"), List.of("id"));
        assertThat(selection(true, selector).of(table("t")).isWhole()).isTrue();
        assertThat(names(selection(false, selector).of(table("t")))).containsExactly("id");
    }

    @Test
    void keysThatLoseAColumnAreGone() {
        Projection codes =
                selection(new ColumnSelector(List.of("*.*"), List.of("code", "note")))
                        .of(table("t"));
        assertThat(codes.schema().handleKey()).containsExactly(1);
        assertThat(codes.schema().keys()).extracting(TableSchema.Key::name).containsOnly("u_code");
        assertThat(codes.schema().tableId()).isEqualTo(7);
        assertThat(codes.schema().version()).isEqualTo(3);
    }

    @Test
    void aKeyMustStay() {
        ColumnSelection selection =
                selection(new ColumnSelector(List.of("*.*"), List.of("note", "calc")));
        assertThatThrownBy(() -> selection.of(table("t")))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.COLUMN_SELECTOR_INVALID);
                            assertThat(e)
                                    .hasMessageContaining("shop.t")
                                    .hasMessageContaining("Note");
                        });
    }

    @Test
    void aBadPatternIsNamed() {
        assertThatThrownBy(() -> selection(new ColumnSelector(List.of("*.*"), List.of("a.b"))))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_FILTER))
                .hasMessageContaining("a.b");
    }
}
