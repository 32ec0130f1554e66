/** Tests of servers as upstreams. */
@NullMarked
package io.millrace.mysql.upstream;

import org.jspecify.annotations.NullMarked;
