/** The canal-json format, with and without the TiDB extension: encoder and decoder. */
@NullMarked
package io.millrace.codec.canaljson;

import org.jspecify.annotations.NullMarked;
