/** MySQL and MariaDB: binlog capture, schema tracker, SQL sink. */
@NullMarked
package io.millrace.mysql;

import org.jspecify.annotations.NullMarked;
