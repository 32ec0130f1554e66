/**
 * SQL conditions on rows, with MySQL's semantics: parsed once, bound to each table version,
 * evaluated on a row's cells. No sub-queries, no variables, nothing whose value depends on the
 * moment of the evaluation.
 *
 * <p>In memory a value is {@code null} for SQL's NULL, a {@link java.math.BigDecimal} for exact
 * numbers (booleans are 0 and 1), a {@link java.lang.Double}, a {@code Text} or a {@code Moment}.
 * Two things are done better than in the server: exact numbers never overflow, and an exact number
 * is compared with a text exactly, without a detour by floating point.
 */
@NullMarked
package io.millrace.core.filter.expression;

import org.jspecify.annotations.NullMarked;
