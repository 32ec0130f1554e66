/** Bytes in and out: readers of wire integers and a growable output buffer. */
@NullMarked
package io.millrace.core.bytes;

import org.jspecify.annotations.NullMarked;
