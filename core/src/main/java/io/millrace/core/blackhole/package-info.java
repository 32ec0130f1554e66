/** A sink that counts and drops. */
@NullMarked
package io.millrace.core.blackhole;

import org.jspecify.annotations.NullMarked;
