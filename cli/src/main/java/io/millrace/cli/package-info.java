/** The command line. Speaks HTTP to a server and nothing else; sees no other module. */
@NullMarked
package io.millrace.cli;

import org.jspecify.annotations.NullMarked;
