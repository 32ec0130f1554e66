/** What connections to several kinds of servers need for encryption. */
@NullMarked
package io.millrace.core.tls;

import org.jspecify.annotations.NullMarked;
