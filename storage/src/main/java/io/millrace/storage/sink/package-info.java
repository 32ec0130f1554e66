/** The sink that writes rows and schemas as files, in TiCDC's layout. */
@NullMarked
package io.millrace.storage.sink;

import org.jspecify.annotations.NullMarked;
