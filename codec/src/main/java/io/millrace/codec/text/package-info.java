/** Binary values as text, and what else several wire formats write the same way. */
@NullMarked
package io.millrace.codec.text;

import org.jspecify.annotations.NullMarked;
