/** MySQL and MariaDB servers as upstreams: addresses, checks, captures. */
@NullMarked
package io.millrace.mysql.upstream;

import org.jspecify.annotations.NullMarked;
