/** One exception, one catalogue of error codes, one notion of whose fault it is. */
@NullMarked
package io.millrace.core.error;

import org.jspecify.annotations.NullMarked;
