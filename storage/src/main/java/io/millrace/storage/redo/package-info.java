/** The redo log: what a job delivers, kept in an object store until the target has it. */
@NullMarked
package io.millrace.storage.redo;

import org.jspecify.annotations.NullMarked;
