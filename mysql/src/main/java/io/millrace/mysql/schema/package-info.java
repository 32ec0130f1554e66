/**
 * Table versions by position: what MySQL and MariaDB DDL does to table definitions, and which
 * definition the rows at a place in the binlog have.
 *
 * <p>{@link io.millrace.mysql.schema.DdlParser} turns a statement into a typed one, {@link
 * io.millrace.mysql.schema.DefinitionChanges} applies it to an immutable {@link
 * io.millrace.mysql.schema.TableDefinition}, and {@link io.millrace.mysql.schema.SchemaTracker}
 * keeps the definitions of one job in step with its stream and its durable history.
 */
@NullMarked
package io.millrace.mysql.schema;

import org.jspecify.annotations.NullMarked;
