package io.millrace.codec.text;

import io.millrace.core.model.DdlKind;

/**
 * Canal's words for the kinds of DDL, which canal, canal-json and simple share; in the order of the
 * enum in the Avro schema of simple.
 */
public enum DdlType {
    CREATE,
    ALTER,
    ERASE,
    RENAME,
    TRUNCATE,
    CINDEX,
    DINDEX,
    QUERY;

    /** The word for what a statement does. */
    public static DdlType of(DdlKind kind) {
        return switch (kind) {
            case CREATE_TABLE -> CREATE;
            case DROP_TABLE -> ERASE;
            case RENAME_TABLE -> RENAME;
            case TRUNCATE_TABLE -> TRUNCATE;
            case ADD_INDEX, ADD_FOREIGN_KEY, ADD_PRIMARY_KEY -> CINDEX;
            case DROP_INDEX, DROP_FOREIGN_KEY, DROP_PRIMARY_KEY -> DINDEX;
            case ADD_COLUMN,
                    DROP_COLUMN,
                    MODIFY_COLUMN,
                    REBASE_AUTO_ID,
                    SET_DEFAULT,
                    TABLE_COMMENT,
                    RENAME_INDEX,
                    ADD_PARTITION,
                    DROP_PARTITION,
                    TABLE_CHARSET,
                    TRUNCATE_PARTITION,
                    INDEX_VISIBILITY,
                    MULTI_SCHEMA_CHANGE,
                    REORGANIZE_PARTITION,
                    ALTER_PARTITIONING,
                    REMOVE_PARTITIONING,
                    ALTER_TABLE ->
                    ALTER;
            case CREATE_SCHEMA,
                    DROP_SCHEMA,
                    SCHEMA_CHARSET,
                    CREATE_VIEW,
                    DROP_VIEW,
                    EXCHANGE_PARTITION ->
                    QUERY;
        };
    }
}
