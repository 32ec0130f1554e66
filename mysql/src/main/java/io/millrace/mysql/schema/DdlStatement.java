package io.millrace.mysql.schema;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.TableName;
import java.util.List;
import java.util.Optional;

/**
 * What a statement says, before it meets a table definition. Closed: {@link DdlParser} makes it,
 * {@link DefinitionChanges} and {@link SchemaTracker} carry it out.
 */
public sealed interface DdlStatement {
    /** Changes no table that replicates: rights, routines, temporary tables, settings ... */
    record Irrelevant(String reason) implements DdlStatement {}

    /**
     * {@code CREATE TABLE}.
     *
     * @param like the table whose definition is copied
     * @param select columns (also) come from a query, so that the statement alone doesn't tell them
     * @param startTransaction where MySQL's {@code START TRANSACTION} clause of a logged {@code
     *     CREATE ... SELECT} begins and ends in the statement; no client may send it
     */
    record CreateTable(
            TableName name,
            boolean orReplace,
            boolean ifNotExists,
            Optional<TableName> like,
            boolean select,
            List<ColumnSpec> columns,
            List<IndexSpec> indexes,
            TableOptions options,
            boolean systemVersioned,
            Optional<TextRange> startTransaction)
            implements DdlStatement {}

    /** {@code CREATE SEQUENCE} (MariaDB): a table to the binlog. */
    record CreateSequence(TableName name) implements DdlStatement {}

    /** {@code DROP SEQUENCE}. */
    record DropSequences(List<TableName> names) implements DdlStatement {}

    /** {@code ALTER TABLE}, and {@code CREATE INDEX} and {@code DROP INDEX}, which are its like. */
    record AlterTable(TableName name, boolean ifExists, List<AlterAction> actions)
            implements DdlStatement {}

    /** {@code RENAME TABLE}, in order. */
    record RenameTables(List<Rename> renames, boolean ifExists) implements DdlStatement {
        /** One of them. */
        record Rename(TableName from, TableName to) {}
    }

    /** {@code DROP TABLE} or {@code DROP VIEW}. */
    record DropTables(List<TableName> names, boolean ifExists, boolean views)
            implements DdlStatement {}

    record TruncateTable(TableName name) implements DdlStatement {}

    /** {@code CREATE VIEW} or {@code ALTER VIEW}. */
    record CreateView(TableName name) implements DdlStatement {}

    record CreateDatabase(
            String name,
            boolean orReplace,
            boolean ifNotExists,
            Optional<String> charset,
            Optional<String> collation)
            implements DdlStatement {}

    record AlterDatabase(String name, Optional<String> charset, Optional<String> collation)
            implements DdlStatement {}

    record DropDatabase(String name, boolean ifExists) implements DdlStatement {}

    /**
     * Meant for a table or database, but not understood.
     *
     * @param name the table it names; empty when not even that was found
     * @param kind what the statement begins with
     * @param reason where understanding ended
     */
    record Unparsable(Optional<TableName> name, DdlKind kind, String reason)
            implements DdlStatement {}

    /** Offsets in the statement, end exclusive. */
    record TextRange(int start, int end) {}

    /** Options behind a table's column list that matter here. */
    record TableOptions(Optional<String> charset, Optional<String> collation) {
        static final TableOptions NONE = new TableOptions(Optional.empty(), Optional.empty());
    }

    /**
     * A column's type as written.
     *
     * @param kind its family; {@code BLOB} and {@code TEXT} with a length are still to be sized
     * @param word the type's name in {@code information_schema}
     * @param length first number in parentheses, -1 when absent
     * @param scale second number, -1 when absent
     * @param charset given or implied by the type ({@code NATIONAL}, {@code BYTE}, JSON in MariaDB)
     * @param binaryCollation {@code BINARY} attribute: the character set's {@code _bin} collation
     */
    record TypeSpec(
            ColumnKind kind,
            String word,
            int length,
            int scale,
            boolean unsigned,
            boolean zerofill,
            List<String> elements,
            Optional<String> charset,
            Optional<String> collation,
            boolean binaryCollation) {
        public TypeSpec {
            elements = List.copyOf(elements);
        }
    }

    /** Nullability as written. */
    enum Nullness {
        DEFAULT,
        NULL,
        NOT_NULL
    }

    /**
     * A column as written.
     *
     * @param defaultValue as SQL text; {@code NULL} counts as none
     * @param keys {@code PRIMARY KEY} and {@code UNIQUE} beside the column, unless they were moved
     *     to the statement's own list
     */
    record ColumnSpec(
            String name,
            TypeSpec type,
            Nullness nullness,
            Column.Generated generated,
            boolean invisible,
            Optional<String> defaultValue,
            List<IndexSpec> keys) {
        ColumnSpec inCharset(String charset, String collation) {
            TypeSpec converted =
                    new TypeSpec(
                            type.kind,
                            type.word,
                            type.length,
                            type.scale,
                            type.unsigned,
                            type.zerofill,
                            type.elements,
                            Optional.of(charset),
                            Optional.of(collation),
                            false);
            return new ColumnSpec(
                    name, converted, nullness, generated, invisible, defaultValue, keys);
        }

        ColumnSpec withNullness(Nullness written) {
            return new ColumnSpec(name, type, written, generated, invisible, defaultValue, keys);
        }

        ColumnSpec withoutKeys() {
            return new ColumnSpec(
                    name, type, nullness, generated, invisible, defaultValue, List.of());
        }
    }

    /**
     * An index as written.
     *
     * @param name empty when the server is to choose one
     * @param foreignKey the index that a foreign key needs and gets when there is none
     */
    record IndexSpec(
            Optional<String> name,
            KeyDefinition.Kind kind,
            List<KeyDefinition.Part> parts,
            boolean foreignKey,
            boolean ifNotExists,
            boolean orReplace) {}

    /** Where a column goes. */
    sealed interface Place {
        /** At the end, or where it is. */
        record Unsaid() implements Place {}

        record First() implements Place {}

        record After(String column) implements Place {}
    }

    /** One part of an {@code ALTER TABLE}. */
    sealed interface AlterAction {
        /** TiDB's word for it. */
        DdlKind kind();

        record AddColumn(ColumnSpec column, Place place, boolean ifNotExists)
                implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.ADD_COLUMN;
            }
        }

        record DropColumn(String name, boolean ifExists) implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.DROP_COLUMN;
            }
        }

        /** {@code CHANGE} and {@code MODIFY}. */
        record ChangeColumn(String oldName, ColumnSpec column, Place place, boolean ifExists)
                implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.MODIFY_COLUMN;
            }
        }

        record RenameColumn(String oldName, String newName, boolean ifExists)
                implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.MODIFY_COLUMN;
            }
        }

        /** {@code ALTER COLUMN ... SET DEFAULT} and {@code DROP DEFAULT}. */
        record SetDefault(String column, Optional<String> defaultValue, boolean ifExists)
                implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.SET_DEFAULT;
            }
        }

        /** {@code ALTER COLUMN ... SET VISIBLE} and {@code SET INVISIBLE}. */
        record SetVisibility(String column, boolean invisible) implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.MODIFY_COLUMN;
            }
        }

        record AddIndex(IndexSpec index) implements AlterAction {
            @Override
            public DdlKind kind() {
                if (index.foreignKey()) {
                    return DdlKind.ADD_FOREIGN_KEY;
                }
                return index.kind() == KeyDefinition.Kind.PRIMARY
                        ? DdlKind.ADD_PRIMARY_KEY
                        : DdlKind.ADD_INDEX;
            }
        }

        record DropIndex(String name, boolean ifExists) implements AlterAction {
            @Override
            public DdlKind kind() {
                return name.equalsIgnoreCase("PRIMARY")
                        ? DdlKind.DROP_PRIMARY_KEY
                        : DdlKind.DROP_INDEX;
            }
        }

        /**
         * {@code DROP CONSTRAINT}: a unique key of that name goes, other constraints don't count.
         */
        record DropConstraint(String name) implements AlterAction {
            @Override
            public DdlKind kind() {
                return name.equalsIgnoreCase("PRIMARY")
                        ? DdlKind.DROP_PRIMARY_KEY
                        : DdlKind.ALTER_TABLE;
            }
        }

        record RenameIndex(String oldName, String newName) implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.RENAME_INDEX;
            }
        }

        record ConvertCharset(Optional<String> charset, Optional<String> collation)
                implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.TABLE_CHARSET;
            }
        }

        record SetOptions(TableOptions options) implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.TABLE_CHARSET;
            }
        }

        record RenameTo(TableName newName) implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.RENAME_TABLE;
            }
        }

        /**
         * {@code ADD SYSTEM VERSIONING} (MariaDB): two hidden columns unless the table has its own.
         */
        record AddSystemVersioning() implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.ALTER_TABLE;
            }
        }

        /** {@code ADD PERIOD FOR} (MariaDB): its two columns become NOT NULL. */
        record AddPeriod(String start, String end) implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.ALTER_TABLE;
            }
        }

        record DropSystemVersioning() implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.ALTER_TABLE;
            }
        }

        /** {@code CONVERT PARTITION ... TO TABLE} (MariaDB): a new table like this one. */
        record PartitionToTable(TableName table) implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.ALTER_PARTITIONING;
            }
        }

        /** {@code CONVERT TABLE ... TO PARTITION} (MariaDB): that table is gone. */
        record TableToPartition(TableName table) implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.ALTER_PARTITIONING;
            }
        }

        /**
         * {@code EXCHANGE PARTITION ... WITH TABLE}: the rows of both change places.
         *
         * @param validation what was said of WITH or WITHOUT VALIDATION, or empty
         */
        record ExchangePartition(String partition, TableName table, String validation)
                implements AlterAction {
            @Override
            public DdlKind kind() {
                return DdlKind.EXCHANGE_PARTITION;
            }
        }

        /** No effect on rows, columns or keys. */
        record Neutral(DdlKind kind) implements AlterAction {}
    }
}
