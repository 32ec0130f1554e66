/** JSON text written straight to bytes: string escaping and plain decimal floats. */
@NullMarked
package io.millrace.codec.json;

import org.jspecify.annotations.NullMarked;
