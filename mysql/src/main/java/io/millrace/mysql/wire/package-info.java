/**
 * The seams inside this module: what the stream reader, the row decoder and the schema tracker hand
 * to each other.
 */
@NullMarked
package io.millrace.mysql.wire;

import org.jspecify.annotations.NullMarked;
