/** A plug-in of Kafka Connect, put into a jar by tests. */
@NullMarked
package io.millrace.server.plugin;

import org.jspecify.annotations.NullMarked;
