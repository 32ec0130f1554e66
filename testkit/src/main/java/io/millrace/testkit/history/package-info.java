/** What a job remembers of its tables, without a metadata store. */
@NullMarked
package io.millrace.testkit.history;

import org.jspecify.annotations.NullMarked;
