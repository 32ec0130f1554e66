/** Network faults between a client and a server. */
@NullMarked
package io.millrace.testkit.net;

import org.jspecify.annotations.NullMarked;
