/** TiCDC's "simple" format: messages that carry their table's schema, as JSON or Avro. */
@NullMarked
package io.millrace.codec.simple;

import org.jspecify.annotations.NullMarked;
