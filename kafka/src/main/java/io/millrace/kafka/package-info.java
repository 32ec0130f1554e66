/** Kafka sink. */
@NullMarked
package io.millrace.kafka;

import org.jspecify.annotations.NullMarked;
