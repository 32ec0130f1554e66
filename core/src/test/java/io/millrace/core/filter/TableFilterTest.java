package io.millrace.core.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilters.NameLists;
import io.millrace.core.model.TableName;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TableFilterTest {
    private static TableFilter exact(String... rules) {
        return TableFilters.parse(List.of(rules), true);
    }

    private static TableFilter folded(String... rules) {
        return TableFilters.parse(List.of(rules), false);
    }

    @Test
    void referenceExampleHolds() {
        TableFilter filter = folded("test*.*", "!test1.t?", "test1./^t[12]$/");
        assertThat(filter.matches("test1", "t1")).isTrue();
        assertThat(filter.matches("test1", "t3")).isFalse();
        assertThat(filter.matches("TEST1", "tab")).isTrue();
        assertThat(filter.matches("prod", "x")).isFalse();
    }

    @Test
    void lastMatchingRuleDecides() {
        assertThat(exact("a.*", "!a.t", "a.t").matches("a", "t")).isTrue();
        assertThat(exact("a.*", "a.t", "!a.t").matches("a", "t")).isFalse();
        assertThat(exact("!a.t", "a.*").matches("a", "t")).isTrue();
    }

    @Test
    void exclusionsAloneSelectNothing() {
        assertThat(exact("!a.*").matches("b", "t")).isFalse();
        assertThat(exact().matches("b", "t")).isFalse();
    }

    @Test
    void blanksAndCommentsAreNoRules() {
        TableFilter filter = exact("", "   ", "# a.b", "  x.y  ");
        assertThat(filter.matches("x", "y")).isTrue();
        assertThat(filter.matches("a", "b")).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "t*, t, true",
        "t*, table_1, true",
        "*x*y, axbycy, true",
        "*x*y, axbycz, false",
        "t?, t1, true",
        "t?, t, false",
        "t?, t12, false",
        "t?, tä, true",
        "t?, t😀, true",
        "**, anything, true",
        "[abc]x, bx, true",
        "[abc]x, dx, false",
        "[a-c0-2]x, 1x, true",
        "[a-c0-2]x, 3x, false",
        "[!a-c]x, dx, true",
        "[!a-c]x, ax, false",
        "[^a]x, ^x, true",
        "[^a]x, ax, true",
        "[^a]x, bx, false",
        "[a-]x, -x, true",
        "[a\\]]x, ]x, true",
        "a\\.b, a.b, true",
        "a\\*b, a*b, true",
        "a\\*b, axb, false",
        "a\\-b, a-b, true",
        "$_9, $_9, true",
        "テーブル, テーブル, true",
        "t, tt, false",
    })
    void wildcards(String pattern, String name, boolean expected) {
        assertThat(exact("s." + pattern).matches("s", name)).isEqualTo(expected);
        assertThat(exact(pattern + ".t").matches(name, "t")).isEqualTo(expected);
    }

    @Test
    void quotedNamesAreLiteral() {
        assertThat(exact("\"a.b\".`c*`").matches("a.b", "c*")).isTrue();
        assertThat(exact("\"a.b\".`c*`").matches("a.b", "cd")).isFalse();
        assertThat(exact("\"say \"\"hi\"\"\".`back``tick`").matches("say \"hi\"", "back`tick"))
                .isTrue();
        assertThat(exact("\"a-b\".*").matches("a-b", "t")).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "/t/, a_table, true",
        "/^t$/, a_table, false",
        "/^t\\d+$/, t42, true",
        "/^a\\/b$/, a/b, true",
        "/^(?P<x>a|b)c$/, bc, true",
        "/^[[:alpha:]]+$/, abc, true",
        "/^[[:alpha:]]+$/, ab1, false",
        "/^[a&&b]$/, &, true",
        "/^[[x]$/, [, true",
        "'/^a{,2}$/', 'a{,2}', true",
        "/^\\Qa.b\\E$/, a.b, true",
        "/(?i)^ABC$/, abc, true",
        "/^a\\.b$/, a.b, true",
        "/^(?P<my_name>a|b)c$/, bc, true",
        "/^(?<my_name>a|b)c$/, bc, true",
        "/^\\p{Greek}+$/, αβγ, true",
        "/^\\p{Greek}+$/, abc, false",
        "/^\\P{Greek}+$/, abc, true",
        "/^\\p{^Greek}+$/, abc, true",
        "/^\\p{Lu}\\pN$/, A1, true",
        "'/^a.b$/', 'a\u0085b', true",
        "'/^a.b$/', 'a\u2028b', true",
    })
    void regexes(String pattern, String name, boolean expected) {
        assertThat(exact("s." + pattern).matches("s", name)).isEqualTo(expected);
    }

    @Test
    void caseMattersOnlyWhenAsked() {
        assertThat(exact("Shop.Orders").matches("shop", "orders")).isFalse();
        assertThat(folded("Shop.Orders").matches("sHOP", "oRDERS")).isTrue();
        assertThat(folded("`Shop`.\"Orders\"").matches("SHOP", "ORDERS")).isTrue();
        assertThat(folded("Shop./^OR\\D+$/").matches("SHOP", "orders")).isTrue();
        assertThat(folded("Shop.[A-C]").matches("shop", "B")).isTrue();
        assertThat(folded("Shop.[!A-C]").matches("shop", "B")).isFalse();
        assertThat(exact("Shop.[A-C]").matches("Shop", "b")).isFalse();
        assertThat(folded("ÄÖ.*").matches("äö", "x")).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a | dot",
                "a. | table pattern is missing",
                ".b | schema pattern is missing",
                "! | schema pattern is missing",
                "a.b.c | nothing may follow",
                "a.b c | ' ' needs a backslash",
                "a-b.c | '-' needs a backslash",
                "a,b.c | ',' needs a backslash",
                "a.b\\ | nothing follows the backslash",
                "a.\\b | backslash may only precede",
                "a.\\1 | backslash may only precede",
                "a.[bc | class is not closed",
                "a.[] | class is empty",
                "a.[z-a] | from high to low",
                "a.\"b | quote is not closed",
                "a.`b | quote is not closed",
                "a.\"b\"c | nothing may follow",
                "a./b | not closed by a slash",
                "a./(/ | bad regex",
                "a./(?=b)/ | not supported",
                "a./(?<!b)/ | not supported",
                "a./(a)\\1/ | back references",
                "a./a++/ | possessive",
                "a./(?U)a/ | flag 'U'",
                "a./[[:nope:]]/ | no class",
                "@rules.txt | importing rules",
            })
    void malformedRulesAreRefusedByName(String rule, String reason) {
        assertThatThrownBy(() -> exact("ok.*", rule))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.INVALID_FILTER);
                            assertThat(e.text()).contains("'" + rule + "'").contains(reason);
                        });
    }

    @Test
    void messageNamesThePlace() {
        assertThatThrownBy(() -> exact("shop.or-ders")).hasMessageContaining("at character 8");
    }

    @Test
    void veryLongRulesAreRefused() {
        assertThatThrownBy(() -> exact("a.".concat("b".repeat(2000))))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("1024");
    }

    @Test
    void runawayRegexIsStoppedAndNamed() {
        TableFilter filter = exact("s./(.*a){12}x/");
        assertThatThrownBy(() -> filter.matches("s", "a".repeat(64)))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("too many steps");
    }

    @ParameterizedTest
    @ValueSource(strings = {"mysql", "SYS", "Information_Schema", "millrace", "tidb_cdc"})
    void systemSchemasNeverMatch(String schema) {
        TableFilter filter = exact("*.*", "mysql.*", "SYS.*");
        assertThat(filter.matches(schema, "t")).isFalse();
        assertThat(filter.matchesSchema(schema)).isFalse();
    }

    @Test
    void schemaQuestionIgnoresExclusionsOfSingleTables() {
        assertThat(exact("a.*", "!a.t").matchesSchema("a")).isTrue();
        assertThat(exact("a.*", "!a.*").matchesSchema("a")).isFalse();
        assertThat(exact("a.*", "!a.**").matchesSchema("a")).isTrue();
        assertThat(exact("a.t").matchesSchema("a")).isTrue();
        assertThat(exact("!a.*", "a.t").matchesSchema("a")).isTrue();
        assertThat(exact("a.t").matchesSchema("b")).isFalse();
        assertThat(folded("A.t").matchesSchema("a")).isTrue();
    }

    @Test
    void doListsAreTheAllowList() {
        TableFilter filter = lists(List.of("shop", "~^log_"), List.of(), List.of(), List.of());
        assertThat(filter.matches("shop", "t")).isTrue();
        assertThat(filter.matches("log_2026", "t")).isTrue();
        assertThat(filter.matches("shop2", "t")).isFalse();
        assertThat(filter.matchesSchema("shop2")).isFalse();
    }

    @Test
    void ignoreListsExclude() {
        TableFilter filter =
                lists(
                        List.of(),
                        List.of(),
                        List.of("junk"),
                        List.of(new TableName("shop", "~^tmp_")));
        assertThat(filter.matches("junk", "t")).isFalse();
        assertThat(filter.matchesSchema("junk")).isFalse();
        assertThat(filter.matches("shop", "tmp_1")).isFalse();
        assertThat(filter.matches("shop", "orders")).isTrue();
        assertThat(filter.matchesSchema("shop")).isTrue();
    }

    @Test
    void doTablesNarrowAndIgnoreWins() {
        TableFilter filter =
                lists(
                        List.of(),
                        List.of(new TableName("shop", "orders"), new TableName("shop", "items")),
                        List.of(),
                        List.of(new TableName("shop", "items")));
        assertThat(filter.matches("shop", "orders")).isTrue();
        assertThat(filter.matches("shop", "items")).isFalse();
        assertThat(filter.matches("shop", "other")).isFalse();
        assertThat(filter.matchesSchema("shop")).isTrue();
        assertThat(filter.matchesSchema("bank")).isFalse();
    }

    @Test
    void listEntriesAreChecked() {
        assertThatThrownBy(() -> lists(List.of(""), List.of(), List.of(), List.of()))
                .hasMessageContaining("do_dbs");
        assertThatThrownBy(() -> lists(List.of(), List.of(), List.of("~("), List.of()))
                .hasMessageContaining("ignore_dbs");
    }

    @Test
    void decisionsAreStableWhenAskedAgain() {
        TableFilter filter = exact("a.t*", "!a.t9*");
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 100; i++) {
                assertThat(filter.matches("a", "t" + i)).isEqualTo(i != 9 && i / 10 != 9);
            }
        }
    }

    private static TableFilter lists(
            List<String> doDbs,
            List<TableName> doTables,
            List<String> ignoreDbs,
            List<TableName> ignoreTables) {
        return TableFilters.parse(
                List.of("*.*"), true, new NameLists(doDbs, doTables, ignoreDbs, ignoreTables));
    }
}
