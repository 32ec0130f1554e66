/** Changes as files in folders and buckets. */
@NullMarked
package io.millrace.storage;

import org.jspecify.annotations.NullMarked;
