package io.millrace.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RateWindowTest {
    private final RateWindow rate = new RateWindow(10_000);

    @Test
    void countsOfOneTimeTellNothing() {
        assertThat(rate.perSecond()).isEmpty();
        rate.add(1_000, 5);
        assertThat(rate.perSecond()).isEmpty();
        rate.add(1_000, 9);
        assertThat(rate.perSecond()).isEmpty();
    }

    @Test
    void growthIsOverTheWindowOnly() {
        rate.add(0, 0);
        rate.add(5_000, 1_000);
        assertThat(rate.perSecond()).hasValue(200);
        rate.add(14_000, 1_000);
        assertThat(rate.perSecond()).hasValue(0);
        rate.add(15_000, 1_100);
        assertThat(rate.perSecond()).hasValue(10);
    }

    @Test
    void aLongPauseStillHasTwoTimes() {
        rate.add(0, 0);
        rate.add(100_000, 500);
        assertThat(rate.perSecond()).hasValue(5);
    }

    @Test
    void aSmallerCountBeginsAnew() {
        rate.add(0, 1_000_000);
        rate.add(1_000, 10);
        assertThat(rate.perSecond()).isEmpty();
        rate.add(2_000, 30);
        assertThat(rate.perSecond()).hasValue(20);
        rate.clear();
        assertThat(rate.perSecond()).isEmpty();
    }
}
