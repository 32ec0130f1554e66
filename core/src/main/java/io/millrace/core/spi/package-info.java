/** What a source and a sink implement, and what the engine lends them. */
@NullMarked
package io.millrace.core.spi;

import org.jspecify.annotations.NullMarked;
