/** Row batches made of Java objects, for tests of sinks and encoders. */
@NullMarked
package io.millrace.testkit.rows;

import org.jspecify.annotations.NullMarked;
