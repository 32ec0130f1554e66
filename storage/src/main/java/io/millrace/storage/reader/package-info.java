/** Reads what the storage sink has written. */
@NullMarked
package io.millrace.storage.reader;

import org.jspecify.annotations.NullMarked;
