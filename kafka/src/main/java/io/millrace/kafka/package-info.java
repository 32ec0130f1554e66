/**
 * The Kafka sink: topics, dispatch of rows to partitions, and a producer that never blocks the
 * engine's thread for long.
 */
@NullMarked
package io.millrace.kafka;

import org.jspecify.annotations.NullMarked;
