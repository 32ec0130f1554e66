@NullMarked
package io.millrace.storage.redo;

import org.jspecify.annotations.NullMarked;
