/**
 * Hosts the real Kafka Connect runtime, and with it real connectors, in this process: a distributed
 * worker with its own REST server, on a Kafka broker in this process or on a Kafka cluster
 * elsewhere.
 *
 * <p>{@link io.millrace.connect.host.ConnectHost} is the only way in. What needs Kafka's classes
 * that are not public lies in {@code runtime}, and nothing else may use them.
 */
@NullMarked
package io.millrace.connect.host;

import org.jspecify.annotations.NullMarked;
