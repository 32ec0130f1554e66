/** Table filter rules. */
@NullMarked
package io.millrace.core.filter;

import org.jspecify.annotations.NullMarked;
