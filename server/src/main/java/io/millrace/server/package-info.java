/** Main: configuration, wiring, listeners. */
@NullMarked
package io.millrace.server;

import org.jspecify.annotations.NullMarked;
