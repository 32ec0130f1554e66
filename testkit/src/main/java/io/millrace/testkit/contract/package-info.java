/** Test suites that every implementation of a contract in core must pass. */
@NullMarked
package io.millrace.testkit.contract;

import org.jspecify.annotations.NullMarked;
