package io.millrace.connect.host.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RestartBackoffTest {
    private final RestartBackoff backoff =
            new RestartBackoff(Duration.ofSeconds(10), Duration.ofSeconds(60));

    private boolean failedAt(long second) {
        return backoff.failed("shop/0", second * 1000).isPresent();
    }

    @Test
    void waitsTwiceAsLongEachTimeUpToTheGreatestWait() {
        List<Integer> tries = new ArrayList<>();
        for (int second = 0; second <= 300; second++) {
            if (failedAt(second)) {
                tries.add(second);
            }
        }
        // 10, 20, 40, then 60 each
        assertThat(tries).containsExactly(10, 30, 70, 130, 190, 250);
        assertThat(backoff.nextTry("shop/0")).isEqualTo(7);
        assertThat(backoff.dueMs("shop/0")).hasValue(310_000);
    }

    @Test
    void aFailureSoonAfterARestartWaitsLonger() {
        failedAt(0);
        assertThat(failedAt(10)).isTrue();
        backoff.well("shop/0", 11_000);
        assertThat(backoff.dueMs("shop/0")).isEmpty();
        assertThat(failedAt(15)).isFalse();
        assertThat(failedAt(34)).isFalse();
        assertThat(backoff.failed("shop/0", 35_000)).contains(2);
    }

    @Test
    void afterAStretchOfHealthItBeginsAnew() {
        failedAt(0);
        assertThat(failedAt(10)).isTrue();
        backoff.well("shop/0", 11_000);
        backoff.well("shop/0", 70_000);
        assertThat(backoff.nextTry("shop/0")).isEqualTo(2);
        backoff.well("shop/0", 71_000);
        assertThat(backoff.nextTry("shop/0")).isEqualTo(1);
        failedAt(100);
        assertThat(failedAt(109)).isFalse();
        assertThat(backoff.failed("shop/0", 110_000)).contains(1);
    }

    @Test
    void aTryThatIsUnderWayIsLeftAloneAndThenGivenItsWait() {
        failedAt(0);
        assertThat(failedAt(10)).isTrue();
        for (int second = 11; second <= 200; second++) {
            backoff.starting("shop/0", second * 1000);
        }
        assertThat(failedAt(201)).as("its start took long and failed").isFalse();
        assertThat(failedAt(219)).isFalse();
        assertThat(backoff.failed("shop/0", 220_000)).contains(2);
    }

    @Test
    void aStartByHandIsNoTry() {
        backoff.starting("shop/0", 0);
        assertThat(backoff.dueMs("shop/0")).isEmpty();
        assertThat(failedAt(5)).isFalse();
        assertThat(backoff.failed("shop/0", 15_000)).contains(1);
    }

    @Test
    void theUnitsOfAConnectorAreItAndItsTasks() {
        for (String unit : List.of("shop", "shop/0", "shop/1", "shop2", "shop2/0")) {
            backoff.failed(unit, 0);
        }
        assertThat(backoff.unitsOf("shop")).containsExactlyInAnyOrder("shop", "shop/0", "shop/1");
        assertThat(backoff.unitsOf("sho")).isEmpty();
    }

    @Test
    void unitsWaitForThemselves() {
        failedAt(0);
        assertThat(backoff.failed("shop/1", 10_000)).isEmpty();
        assertThat(failedAt(10)).isTrue();
        backoff.retain(Set.of("shop/1"));
        assertThat(backoff.nextTry("shop/0")).as("deleted and made again").isEqualTo(1);
        assertThat(backoff.failed("shop/1", 20_000)).contains(1);
    }
}
