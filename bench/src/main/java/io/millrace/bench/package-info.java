/**
 * Benchmarks: what Millrace and its peers do with the same rows, on the same machine, in the same
 * run. Never shipped.
 */
@NullMarked
package io.millrace.bench;

import org.jspecify.annotations.NullMarked;
