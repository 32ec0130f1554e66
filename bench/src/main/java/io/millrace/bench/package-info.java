/** Benchmarks and peers; never shipped. */
@NullMarked
package io.millrace.bench;

import org.jspecify.annotations.NullMarked;
