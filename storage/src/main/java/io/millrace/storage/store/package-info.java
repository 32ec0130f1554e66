/** Folders and the buckets of three providers behind one contract. */
@NullMarked
package io.millrace.storage.store;

import org.jspecify.annotations.NullMarked;
