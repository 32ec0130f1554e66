/** Wire formats of message sinks: the encoder SPI; each format has a package of its own. */
@NullMarked
package io.millrace.codec;

import org.jspecify.annotations.NullMarked;
