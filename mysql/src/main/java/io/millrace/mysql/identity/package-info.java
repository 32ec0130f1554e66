/** Telling one database server from another. */
@NullMarked
package io.millrace.mysql.identity;

import org.jspecify.annotations.NullMarked;
