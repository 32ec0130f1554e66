/** The format that TiCDC calls maxwell: encoder and decoder. */
@NullMarked
package io.millrace.codec.maxwell;

import org.jspecify.annotations.NullMarked;
