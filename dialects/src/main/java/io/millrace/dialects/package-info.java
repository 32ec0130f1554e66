/** REST dialects: routes, DTOs, mappings. */
@NullMarked
package io.millrace.dialects;

import org.jspecify.annotations.NullMarked;
