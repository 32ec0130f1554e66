/** Model, engine, filter, control plane, SPIs, blackhole sink. */
@NullMarked
package io.millrace.core;

import org.jspecify.annotations.NullMarked;
