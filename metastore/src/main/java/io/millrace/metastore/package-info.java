/** MetaStore implementations. */
@NullMarked
package io.millrace.metastore;

import org.jspecify.annotations.NullMarked;
