/**
 * The SQL sink for MySQL, MariaDB and TiDB: conflict-free parallel workers that write literal
 * multi-row SQL, with their progress in the same transaction as the rows.
 */
@NullMarked
package io.millrace.mysql.sink;

import org.jspecify.annotations.NullMarked;
