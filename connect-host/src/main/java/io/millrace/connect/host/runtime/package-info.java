/**
 * The broker and the Connect worker, built by hand from Kafka's own classes.
 *
 * <p>The only package that uses classes of Kafka outside its public API; written for Kafka 4.3.
 */
@NullMarked
package io.millrace.connect.host.runtime;

import org.jspecify.annotations.NullMarked;
