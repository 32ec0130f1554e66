/** Tests of the binlog stream against recorded bytes and real servers. */
@NullMarked
package io.millrace.mysql.capture;

import org.jspecify.annotations.NullMarked;
