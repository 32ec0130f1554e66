@NullMarked
package io.millrace.storage.parquet;

import org.jspecify.annotations.NullMarked;
