/** The control plane: commands, image, controller, metadata store contract. */
@NullMarked
package io.millrace.core.control;

import org.jspecify.annotations.NullMarked;
