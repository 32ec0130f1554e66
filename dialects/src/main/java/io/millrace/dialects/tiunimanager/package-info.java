/**
 * The TiUniManager API under {@code /api/v1}: routes, request and answer shapes, and the pure
 * mappings between them and what the core keeps. No state, no threads.
 */
@NullMarked
package io.millrace.dialects.tiunimanager;

import org.jspecify.annotations.NullMarked;
