package io.millrace.codec.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.codec.Tables;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableCacheTest {
    private final List<TableSchema> made = new ArrayList<>();
    private final TableCache<Object> cache =
            new TableCache<>(
                    2,
                    schema -> {
                        made.add(schema);
                        return new Object();
                    });

    private static TableSchema table() {
        return Tables.table(List.of(Column.of("id", ColumnKind.INT)), 0);
    }

    @Test
    void makesAProgramOncePerTableVersion() {
        TableSchema one = table();
        TableSchema two = table();
        Object first = cache.select(one);
        assertThat(cache.select(one)).isSameAs(first).isSameAs(cache.current());
        Object second = cache.select(two);
        assertThat(second).isNotSameAs(first).isSameAs(cache.current());
        assertThat(cache.select(one)).isSameAs(first).isSameAs(cache.current());
        assertThat(made).containsExactly(one, two);
    }

    @Test
    void dropsAllOfThemWhenItIsFull() {
        TableSchema one = table();
        TableSchema two = table();
        TableSchema three = table();
        cache.select(one);
        cache.select(two);
        cache.select(three);
        cache.select(three);
        cache.select(one);
        cache.select(three);
        assertThat(made).containsExactly(one, two, three, one);
    }

    @Test
    void makesAProgramAnewWhenAsked() {
        TableSchema one = table();
        Object first = cache.select(one);
        Object renewed = cache.renew(one);
        assertThat(renewed).isNotSameAs(first).isSameAs(cache.current());
        assertThat(cache.select(one)).isSameAs(renewed);
    }

    @Test
    void forgetsAllWhenAsked() {
        TableSchema one = table();
        Object first = cache.select(one);
        cache.clear();
        assertThatThrownBy(cache::current).isInstanceOf(IllegalStateException.class);
        assertThat(cache.select(one)).isNotSameAs(first);
    }

    @Test
    void wantsATableFirst() {
        assertThatThrownBy(cache::current).isInstanceOf(IllegalStateException.class);
    }
}
