/**
 * What flows: tables, rows, schema changes, positions, timestamps. Sees only the JDK and {@code
 * core.bytes}.
 */
@NullMarked
package io.millrace.core.model;

import org.jspecify.annotations.NullMarked;
