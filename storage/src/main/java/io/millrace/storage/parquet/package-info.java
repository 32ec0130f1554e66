/**
 * Rows as Parquet files, by Apache Parquet's Java library without Hadoop: the column types that a
 * table's columns become, a writer and a reader.
 */
@NullMarked
package io.millrace.storage.parquet;

import org.jspecify.annotations.NullMarked;
