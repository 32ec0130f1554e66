package io.millrace.mysql.position;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BinlogPositionTest {
    private static final String A = "0a000000-0000-0000-0000-000000000001";

    private static BinlogPosition gtid(String set, int index, String inside) {
        return new BinlogPosition(
                new BinlogCoordinate("b.000001", 4),
                index,
                inside.isEmpty() ? Optional.empty() : Optional.of(Gtid.parse(inside)),
                Optional.of(MySqlGtidSet.parse(set)),
                Optional.empty(),
                5,
                7);
    }

    @Test
    void textFormReadsBack() {
        BinlogPosition position =
                new BinlogPosition(
                        new BinlogCoordinate("od;d%|.000123", 5_000_000_000L),
                        3,
                        Optional.of(Gtid.parse(A + ":8")),
                        Optional.of(MySqlGtidSet.parse(A + ":1-7")),
                        Optional.of(
                                new HeldXa(
                                        new BinlogCoordinate("b.000120", 99),
                                        Optional.of(MySqlGtidSet.parse(A + ":1-3")),
                                        List.of("X'61',X'7c3b',1", "X'25',X'',-1"))),
                        -2L,
                        -3L);
        assertThat(BinlogPosition.decode(position.encode())).isEqualTo(position);
        BinlogPosition plain = BinlogPosition.at("binlog.000001", 4, 0);
        assertThat(plain.encode()).isEqualTo("v=1;f=binlog.000001;o=4;t=0;s=0");
        assertThat(BinlogPosition.decode(plain.encode())).isEqualTo(plain);
        BinlogPosition maria =
                new BinlogPosition(
                        new BinlogCoordinate("m.1", 4),
                        0,
                        Optional.empty(),
                        Optional.of(MariaDbGtidSet.parse("0-1-2,5-6-7")),
                        Optional.empty(),
                        1,
                        1);
        assertThat(BinlogPosition.decode(maria.encode())).isEqualTo(maria);
    }

    @Test
    void malformedTextIsRefused() {
        for (String text : List.of("", "v=1", "v=2;f=a.1;o=4;t=0;s=0", "v=1;f=a;o=x;t=0;s=0")) {
            assertThatThrownBy(() -> BinlogPosition.decode(text))
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PARAMETER));
        }
    }

    @Test
    void filesAreOrderedByNumber() {
        BinlogPosition early = BinlogPosition.at("binlog.999999", 500, 0);
        BinlogPosition late = BinlogPosition.at("binlog.1000000", 4, 0);
        assertThat(late.covers(early)).isTrue();
        assertThat(early.covers(late)).isFalse();
        assertThat(early.covers(early)).isTrue();
        BinlogPosition elsewhere = BinlogPosition.at("other.000001", 4, 0);
        assertThat(elsewhere.covers(early) || early.covers(elsewhere)).isFalse();
    }

    @Test
    void gtidSetsMayBeIncomparable() {
        assertThat(gtid(A + ":1-5", 0, "").covers(gtid(A + ":1-4", 0, ""))).isTrue();
        assertThat(gtid(A + ":1-4", 0, "").covers(gtid(A + ":1-5", 0, ""))).isFalse();
        assertThat(gtid(A + ":1-3:5", 0, "").covers(gtid(A + ":1-4", 0, ""))).isFalse();
        assertThat(gtid(A + ":1-4", 0, "").covers(gtid(A + ":1-3:5", 0, ""))).isFalse();
    }

    @Test
    void insideATransactionIsBehindItsStartAndBeforeItsEnd() {
        BinlogPosition start = gtid(A + ":1-4", 0, "");
        BinlogPosition one = gtid(A + ":1-4", 1, A + ":5");
        BinlogPosition two = gtid(A + ":1-4", 2, A + ":5");
        BinlogPosition end = gtid(A + ":1-5", 0, "");
        List<BinlogPosition> order = List.of(start, one, two, end);
        for (int i = 0; i < order.size(); i++) {
            for (int k = 0; k < order.size(); k++) {
                assertThat(order.get(i).covers(order.get(k))).isEqualTo(i >= k);
            }
        }
        // Another transaction came instead: what was inside of 5 is not covered.
        assertThat(gtid(A + ":1-4:6", 0, "").covers(one)).isFalse();
    }
}
