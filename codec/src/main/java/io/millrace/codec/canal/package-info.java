/** The canal format: Alibaba Canal's protobuf messages, encoder and decoder. */
@NullMarked
package io.millrace.codec.canal;

import org.jspecify.annotations.NullMarked;
