/** Command line; speaks HTTP only. */
@NullMarked
package io.millrace.cli;

import org.jspecify.annotations.NullMarked;
