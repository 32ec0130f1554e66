/** The debezium format: JSON as Kafka Connect's JsonConverter reads it, encoder and decoder. */
@NullMarked
package io.millrace.codec.debezium;

import org.jspecify.annotations.NullMarked;
