/** Encoders and decoders of the wire formats. */
@NullMarked
package io.millrace.codec;

import org.jspecify.annotations.NullMarked;
