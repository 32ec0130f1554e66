/** Where in a binlog: files and offsets, GTIDs and GTID sets of both flavours. */
@NullMarked
package io.millrace.mysql.position;

import org.jspecify.annotations.NullMarked;
