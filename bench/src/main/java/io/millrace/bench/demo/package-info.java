/** {@code ./millrace demo}: the main job on real servers, shown and verified. */
@NullMarked
package io.millrace.bench.demo;

import org.jspecify.annotations.NullMarked;
