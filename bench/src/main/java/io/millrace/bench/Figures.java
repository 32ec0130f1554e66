package io.millrace.bench;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What one run of one subject measured.
 *
 * @param values by figure name, such as rows_per_s or cpu_s; a figure that a subject cannot tell is
 *     absent
 */
record Figures(Map<String, Double> values) {
    Figures {
        values = Map.copyOf(values);
    }

    /** A figure that every subject has; fails for one that is absent. */
    double value(String figure) {
        Double value = values.get(figure);
        if (value == null) {
            throw new IllegalArgumentException("no figure " + figure);
        }
        return value;
    }

    /** Collects figures in the order in which they are printed. */
    static final class Builder {
        private final Map<String, Double> values = new LinkedHashMap<>();

        Builder put(String figure, double value) {
            values.put(figure, value);
            return this;
        }

        Figures build() {
            return new Figures(values);
        }
    }
}
