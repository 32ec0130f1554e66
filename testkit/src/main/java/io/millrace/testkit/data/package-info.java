/** Random workloads and comparison of data between servers. */
@NullMarked
package io.millrace.testkit.data;

import org.jspecify.annotations.NullMarked;
