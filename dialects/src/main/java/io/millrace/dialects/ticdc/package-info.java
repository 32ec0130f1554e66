/**
 * The TiCDC OpenAPI v2: routes, request and answer shapes, and the pure mappings between them and
 * the control plane. No state, no threads.
 */
@NullMarked
package io.millrace.dialects.ticdc;

import org.jspecify.annotations.NullMarked;
