/** What the decoders of all wire formats make of a message, in one vocabulary. */
@NullMarked
package io.millrace.codec.decode;

import org.jspecify.annotations.NullMarked;
