/** Clients of schema registries. */
@NullMarked
package io.millrace.codec.avro.registry;

import org.jspecify.annotations.NullMarked;
