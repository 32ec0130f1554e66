/**
 * Consumers that turn what a sink delivered back into tables, independent of the code that wrote
 * it.
 */
@NullMarked
package io.millrace.testkit.replay;

import org.jspecify.annotations.NullMarked;
