/** Tests of the SQL sink. */
@NullMarked
package io.millrace.mysql.sink;

import org.jspecify.annotations.NullMarked;
