package io.millrace.mysql.row;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowView;
import java.util.HexFormat;

/** Reads cells through every getter that fits their kind. */
final class CellText {
    private CellText() {}

    /** A cell in the form that tests compare: numbers and ASCII as text, text and bytes as hex. */
    static String of(RowView row, int image, int i, Column column) {
        if (row.isNull(image, i)) {
            return "NULL";
        }
        ByteSink out = new ByteSink(64);
        switch (column.kind().access()) {
            case LONG, ASCII -> row.appendText(image, i, out);
            case FLOAT, DOUBLE -> {
                return Double.toString(row.doubleValue(image, i));
            }
            case TEXT -> {
                row.appendText(image, i, out);
                if (row.isUtf8(i)) {
                    assertThat(
                                    new String(
                                            row.array(),
                                            row.offset(image, i),
                                            row.length(image, i),
                                            java.nio.charset.StandardCharsets.UTF_8))
                            .isEqualTo(out.toString());
                }
                if (column.kind() == ColumnKind.JSON) {
                    return out.toString();
                }
                return HexFormat.of().withUpperCase().formatHex(out.array(), 0, out.length());
            }
            case BYTES -> {
                row.appendBytes(image, i, out);
                return HexFormat.of().withUpperCase().formatHex(out.array(), 0, out.length());
            }
        }
        return out.toString();
    }
}
