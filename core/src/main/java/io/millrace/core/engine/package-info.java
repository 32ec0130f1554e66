/**
 * The path of a row: ring, dispatcher, barrier, ledger, checkpoint. Does not see {@code control}.
 */
@NullMarked
package io.millrace.core.engine;

import org.jspecify.annotations.NullMarked;
