/** Reading a MySQL or MariaDB binlog stream: connection, framing, transactions. */
@NullMarked
package io.millrace.mysql.capture;

import org.jspecify.annotations.NullMarked;
