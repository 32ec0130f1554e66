/** Real servers, fault proxies, simulator, contract suites. */
@NullMarked
package io.millrace.testkit;

import org.jspecify.annotations.NullMarked;
