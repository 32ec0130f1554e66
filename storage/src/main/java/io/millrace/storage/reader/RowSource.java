package io.millrace.storage.reader;

import java.io.Closeable;
import java.util.Iterator;

/** Rows of an open file; errors in them are IllegalArgumentExceptions or UncheckedIOExceptions. */
interface RowSource extends Iterator<StoredRow>, Closeable {}
