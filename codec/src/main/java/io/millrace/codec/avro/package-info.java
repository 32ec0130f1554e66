/** Avro with a schema registry: one schema per table version, rows in Avro's binary encoding. */
@NullMarked
package io.millrace.codec.avro;

import org.jspecify.annotations.NullMarked;
