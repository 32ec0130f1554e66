@NullMarked
package io.millrace.mysql.row;

import org.jspecify.annotations.NullMarked;
