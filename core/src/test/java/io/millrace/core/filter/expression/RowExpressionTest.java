package io.millrace.core.filter.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.time.ZoneOffset;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RowExpressionTest {
    private static final Node.Cells NO_ROW =
            new Node.Cells() {
                @Override
                public @Nullable Object column(int slot) {
                    throw new IllegalStateException("there is no row");
                }

                @Override
                public Collation collation(int slot) {
                    return Collation.BINARY;
                }
            };

    private static String value(String expression) {
        Object value = Parser.parse(expression).root().eval(NO_ROW);
        return value == null ? "NULL" : Values.text(value).value();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "+",
                "OR",
                "AND",
                "XOR",
                "=",
                "<=>",
                "|",
                "&",
                "<<",
                "*",
                "^",
                "IS NOT TRUE ="
            })
    void aChainOfOperatorsIsNotLongerThanCanBeEvaluated(String operator) {
        String longest =
                "1" + (" " + operator + " 1").repeat(operator.startsWith("IS") ? 1000 : 2000);
        assertThat(value(longest)).isNotNull();
        assertThatThrownBy(() -> Parser.parse(longest + " + 1"))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_EXPRESSION))
                .hasMessageContaining("IN (...)");
    }

    @Test
    void negationsAndCollationsCountToo() {
        assertThat(value("NOT ".repeat(2000) + "1")).isEqualTo("1");
        assertThatThrownBy(() -> Parser.parse("NOT ".repeat(20_000) + "1"))
                .hasMessageContaining("operators");
        assertThatThrownBy(() -> Parser.parse("'a'" + " COLLATE utf8mb4_bin".repeat(20_000)))
                .hasMessageContaining("operators");
    }

    @Test
    void aListMayBeLong() {
        assertThat(value("5 IN (-1" + ", -2".repeat(50_000) + ", 5)")).isEqualTo("1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '@',
            value = {
                "1 + 2 * 3 | 7",
                "(1 + 2) * 3 | 9",
                "7 / 2 | 3.5000",
                "1 / 3 | 0.3333",
                "1 / 0 | NULL",
                "7 DIV 2 | 3",
                "-7 DIV 2 | -3",
                "-7 % 3 | -1",
                "7 MOD 0 | NULL",
                "2 - -3 | 5",
                "1e0 / 4 | 0.25",
                "'3' + 4 | 7",
                "'3abc' * 2 | 6",
                "18446744073709551615 + 1 | 18446744073709551616",
                "5 & 6 | 4",
                "5 ^ 1 | 4",
                "1 << 4 | 16",
                "~0 | 18446744073709551615",
                "1 = 1 | 1",
                "1 = NULL | NULL",
                "NULL <=> NULL | 1",
                "1 <=> NULL | 0",
                "1 <> 2 | 1",
                "1 < 2 < 3 | 1",
                "3 > 2 > 1 | 0",
                "'a' = 'A ' | 1",
                "'a' = BINARY 'A' | 0",
                "'a' COLLATE utf8mb4_bin = 'A' | 0",
                "'10' < 9 | 0",
                "'10' < '9' | 1",
                "0x41 = 'A' | 1",
                "0x10 + 0 | 16",
                "b'101' + 0 | 5",
                "NULL AND 0 | 0",
                "NULL AND 1 | NULL",
                "NULL OR 1 | 1",
                "NULL OR 0 | NULL",
                "1 XOR 1 | 0",
                "NOT 1 = 2 | 1",
                "!1 = 2 | 0",
                "NOT NULL | NULL",
                "1 OR 0 AND 0 | 1",
                "NULL IS NULL | 1",
                "NULL IS NOT TRUE | 1",
                "0 IS FALSE | 1",
                "2 IN (1, NULL, 2) | 1",
                "3 IN (1, NULL) | NULL",
                "3 NOT IN (1, 2) | 1",
                "2 BETWEEN 1 AND 3 | 1",
                "2 NOT BETWEEN 1 AND 3 | 0",
                "2 BETWEEN NULL AND 1 | 0",
                "'apple' LIKE 'A%e' | 1",
                "'50%' LIKE '50\\\\%' | 1",
                "'50x' LIKE '50\\\\%' | 0",
                "'a_b' LIKE 'a#_b' ESCAPE '#' | 1",
                "'apple' NOT LIKE '_pple' | 0",
                "'apple' REGEXP '^A.*E$' | 1",
                "'apple' RLIKE 'x' | 0",
                "CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END | b",
                "CASE WHEN NULL THEN 1 ELSE 2 END | 2",
                "IF(1 > 2, 'x', 'y') | y",
                "IFNULL(NULL, 5) | 5",
                "COALESCE(NULL, NULL, 3) | 3",
                "NULLIF(1, 1) | NULL",
                "GREATEST(1, 3, 2) | 3",
                "LENGTH('ä') | 2",
                "CHAR_LENGTH('ä') | 1",
                "UPPER('ab') | AB",
                "CONCAT('a', 1, 'b') | a1b",
                "CONCAT('a', NULL) | NULL",
                "CONCAT_WS(',', 'a', NULL, 'b') | a,b",
                "SUBSTRING('abcd', 2, 2) | bc",
                "SUBSTRING('abcd' FROM -2) | cd",
                "LEFT('abc', 2) | ab",
                "RIGHT('abc', 2) | bc",
                "TRIM(BOTH 'x' FROM 'xxaxx') | a",
                "TRIM('  a ') | a",
                "LOCATE('b', 'abc') | 2",
                "REPLACE('aXa', 'X', '-') | a-a",
                "LPAD('7', 3, '0') | 007",
                "SUBSTRING_INDEX('a.b.c', '.', 2) | a.b",
                "SUBSTRING_INDEX('a.b.c', '.', -1) | c",
                "FIND_IN_SET('b', 'a,b') | 2",
                "HEX('A') | 41",
                "HEX(255) | FF",
                "ABS(-3) | 3",
                "ROUND(2.5) | 3",
                "ROUND(-2.45, 1) | -2.5",
                "FLOOR(-1.5) | -2",
                "CEIL(1.2) | 2",
                "TRUNCATE(1.99, 1) | 1.9",
                "SIGN(-4) | -1",
                "POW(2, 10) | 1024",
                "YEAR('2024-02-29') | 2024",
                "MONTH('2024-02-29 10:11:12') | 2",
                "DAY(DATE'2024-02-29') | 29",
                "HOUR('10:11:12') | 10",
                "DATE('2024-02-29 10:11:12') | 2024-02-29",
                "DATE'2024-02-29' + INTERVAL 1 YEAR | 2025-02-28",
                "DATE_SUB('2024-03-01', INTERVAL 1 DAY) | 2024-02-29",
                "DATEDIFF('2024-03-01', '2024-02-28') | 2",
                "TIMESTAMPDIFF(HOUR, '2024-01-01', '2024-01-02 05:00:00') | 29",
                "DATE_FORMAT('2024-02-03', '%Y/%m/%e') | 2024/02/3",
                "DATE'2024-01-02' > '2024-1-1' | 1",
                "YEAR('nonsense') | NULL",
                "CAST('12.7abc' AS SIGNED) | 12",
                "CAST(12.7 AS SIGNED) | 13",
                "CAST(1.005 AS DECIMAL(5,2)) | 1.01",
                "CONVERT('2024-02-29 10:00:00', DATE) | 2024-02-29",
                "'it''s' | it's",
                "'a' 'b' | ab",
                "TRUE + TRUE | 2"
            })
    void hasTheValueThatMySqlGives(String expression, String expected) {
        assertThat(value(expression)).as(expression).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a >",
                "= 1",
                "a = 'x",
                "a IN ()",
                "a BETWEEN 1",
                "(a = 1",
                "a = 1)",
                "a b",
                "nosuch(a)",
                "LENGTH(a, b)",
                "a IN (SELECT 1)",
                "EXISTS (SELECT 1)",
                "a = ?",
                "@v = 1",
                "CASE a END",
                "a REGEXP '('",
                "a > NOW()",
                "a = 0xZZ",
                "DATE'2024-13-01' = a",
                "a IS 5",
                "1; DROP TABLE t"
            })
    void saysWhereAnExpressionIsWrong(String expression) {
        assertThatThrownBy(() -> RowExpression.parse(expression))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_EXPRESSION))
                .hasMessageContaining("invalid filter expression")
                .hasMessageContaining("at character");
    }

    @Test
    void deepNestingIsAnErrorAndNotACrash() {
        String deep = "(".repeat(5_000) + "1" + ")".repeat(5_000);
        assertThatThrownBy(() -> RowExpression.parse(deep)).hasMessageContaining("nested");
        assertThatThrownBy(() -> RowExpression.parse("-".repeat(5_000) + "1"))
                .hasMessageContaining("nested");
    }

    @Test
    void columnsAreFoundWithoutCaseAndByTable() {
        TableSchema table =
                new TableSchema(
                        1,
                        1,
                        new TableName("shop", "Orders"),
                        List.of(Column.of("Id", ColumnKind.INT), Column.of("a b", ColumnKind.INT)),
                        List.of());
        RowExpression.Zones zones = new RowExpression.Zones(ZoneOffset.UTC, ZoneOffset.UTC);
        RowExpression.parse("ID = 1 AND orders.id = 2 AND `shop`.`orders`.`A B` > id")
                .bind(table, zones);
        for (String wrong : List.of("nope = 1", "other.id = 1", "db.orders.id = 1")) {
            assertThatThrownBy(() -> RowExpression.parse(wrong).bind(table, zones))
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e ->
                                    assertThat(e.code())
                                            .isEqualTo(ErrorCode.EXPRESSION_COLUMN_NOT_FOUND))
                    .hasMessageContaining("shop.Orders");
        }
    }
}
