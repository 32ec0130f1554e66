/** Rows as lines of delimited text, for files: encoder and decoder. */
@NullMarked
package io.millrace.codec.csv;

import org.jspecify.annotations.NullMarked;
