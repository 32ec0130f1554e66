/** Binary values as text, and what else encoders of several wire formats have in common. */
@NullMarked
package io.millrace.codec.text;

import org.jspecify.annotations.NullMarked;
