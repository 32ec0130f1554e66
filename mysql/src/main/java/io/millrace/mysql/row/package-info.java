/**
 * Row values in the form in which MySQL and MariaDB write them to the binary log: table-map
 * metadata, character sets, the row decoder and the cursor over its batches.
 */
@NullMarked
package io.millrace.mysql.row;

import org.jspecify.annotations.NullMarked;
