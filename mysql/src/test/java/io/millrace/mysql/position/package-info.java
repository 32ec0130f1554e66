/** Tests of positions. */
@NullMarked
package io.millrace.mysql.position;

import org.jspecify.annotations.NullMarked;
