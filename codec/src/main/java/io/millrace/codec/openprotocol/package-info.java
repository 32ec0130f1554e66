/** The open-protocol format: encoder and decoder. */
@NullMarked
package io.millrace.codec.openprotocol;

import org.jspecify.annotations.NullMarked;
