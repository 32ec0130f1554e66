package io.millrace.mysql.position;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GtidSetTest {
    private static final UUID A = UUID.fromString("0a000000-0000-0000-0000-000000000001");
    private static final UUID B = UUID.fromString("fb000000-0000-0000-0000-000000000002");

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void behavesLikeASetOfNames(long seed) {
        Random random = new Random(seed);
        MySqlGtidSet set = MySqlGtidSet.EMPTY;
        MySqlGtidSet other = MySqlGtidSet.EMPTY;
        Set<Gtid> model = new HashSet<>();
        Set<Gtid> otherModel = new HashSet<>();
        for (int step = 0; step < 400; step++) {
            Gtid.MySql gtid = new Gtid.MySql(random.nextBoolean() ? A : B, 1 + random.nextInt(60));
            MySqlGtidSet before = set;
            String text = before.toString();
            set = set.with(gtid);
            model.add(gtid);
            assertThat(before.toString()).isEqualTo(text);
            if (random.nextInt(3) == 0) {
                other = other.with(gtid);
                otherModel.add(gtid);
            }
            if (random.nextInt(5) == 0) {
                long from = 1 + random.nextInt(60);
                long to = from + random.nextInt(4);
                other = other.with(A, from, to);
                for (long n = from; n <= to; n++) {
                    otherModel.add(new Gtid.MySql(A, n));
                }
            }
            assertThat(names(set)).isEqualTo(model);
            assertThat(names(other)).isEqualTo(otherModel);
            assertThat(set.containsAll(other)).isEqualTo(model.containsAll(otherModel));
            Set<Gtid> rest = new HashSet<>(otherModel);
            rest.removeAll(model);
            assertThat(names(other.minus(set))).isEqualTo(rest);
            assertThat(MySqlGtidSet.parse(set.toString())).isEqualTo(set);
            byte[] wire = set.toWire();
            assertThat(MySqlGtidSet.fromWire(wire, 0, wire.length)).isEqualTo(set);
        }
    }

    private static Set<Gtid> names(MySqlGtidSet set) {
        Set<Gtid> names = new HashSet<>();
        for (UUID uuid : new UUID[] {A, B}) {
            for (int n = 0; n < 70; n++) {
                Gtid gtid = new Gtid.MySql(uuid, n);
                if (set.contains(gtid)) {
                    names.add(gtid);
                }
            }
        }
        return names;
    }

    @Test
    void neighboursMerge() {
        MySqlGtidSet set = MySqlGtidSet.parse(A + ":1-3:5-7:9");
        assertThat(set.with(new Gtid.MySql(A, 4)).with(new Gtid.MySql(A, 8)))
                .hasToString(A + ":1-9");
    }

    @Test
    void readsWhatServersPrint() {
        assertThat(MySqlGtidSet.parse(A + ":1-5:\n7,\n" + B + ":3"))
                .hasToString(B + ":3," + A + ":1-5:7");
        assertThat(MySqlGtidSet.parse("").isEmpty()).isTrue();
        assertThatThrownBy(() -> MySqlGtidSet.parse(A + ":tag:1"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void mariaDbKeepsTheLastOfEachDomain(long seed) {
        Random random = new Random(seed);
        MariaDbGtidSet set = MariaDbGtidSet.EMPTY;
        Map<Long, Long> model = new HashMap<>();
        for (int step = 0; step < 200; step++) {
            long domain = random.nextInt(4);
            long sequence = random.nextInt(100);
            set = set.with(new Gtid.MariaDb(domain, 1, sequence));
            model.merge(domain, sequence, Math::max);
            for (long d = 0; d < 4; d++) {
                long last = model.getOrDefault(d, -1L);
                assertThat(set.contains(new Gtid.MariaDb(d, 9, last + 1))).isFalse();
                if (last >= 0) {
                    assertThat(set.contains(new Gtid.MariaDb(d, 9, last))).isTrue();
                }
            }
            assertThat(MariaDbGtidSet.parse(set.toString())).isEqualTo(set);
        }
        assertThat(set.containsAll(MariaDbGtidSet.EMPTY)).isTrue();
        assertThat(set.containsAll(MySqlGtidSet.EMPTY)).isFalse();
    }
}
