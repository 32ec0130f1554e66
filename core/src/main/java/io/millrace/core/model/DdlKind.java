package io.millrace.core.model;

/** Kinds of DDL, with the action codes and event filter names that TiDB's tools use for them. */
public enum DdlKind {
    CREATE_SCHEMA(1, "create schema"),
    DROP_SCHEMA(2, "drop schema"),
    CREATE_TABLE(3, "create table"),
    DROP_TABLE(4, "drop table"),
    ADD_COLUMN(5, "add column"),
    DROP_COLUMN(6, "drop column"),
    ADD_INDEX(7, "create index"),
    DROP_INDEX(8, "drop index"),
    ADD_FOREIGN_KEY(9, "add foreign key"),
    DROP_FOREIGN_KEY(10, "drop foreign key"),
    TRUNCATE_TABLE(11, "truncate table"),
    MODIFY_COLUMN(12, "modify column"),
    REBASE_AUTO_ID(13, "rebase auto id"),
    RENAME_TABLE(14, "rename table"),
    SET_DEFAULT(15, "set default value"),
    TABLE_COMMENT(17, "modify table comment"),
    RENAME_INDEX(18, "rename index"),
    ADD_PARTITION(19, "add table partition"),
    DROP_PARTITION(20, "drop table partition"),
    CREATE_VIEW(21, "create view"),
    TABLE_CHARSET(22, "modify table charset and collate"),
    TRUNCATE_PARTITION(23, "truncate table partition"),
    DROP_VIEW(24, "drop view"),
    SCHEMA_CHARSET(26, "modify schema charset and collate"),
    ADD_PRIMARY_KEY(32, "add primary key"),
    DROP_PRIMARY_KEY(33, "drop primary key"),
    INDEX_VISIBILITY(41, "alter index visibility"),
    EXCHANGE_PARTITION(42, "exchange table partition"),
    /** Several changes of one table in one ALTER. */
    MULTI_SCHEMA_CHANGE(61, "multi schema change"),
    REORGANIZE_PARTITION(64, "reorganize table partition"),
    ALTER_PARTITIONING(71, "alter table partitioning"),
    REMOVE_PARTITIONING(72, "remove table partitioning"),
    /** An ALTER TABLE whose effect has no code of its own (engine, row format ...). */
    ALTER_TABLE(0, "alter table");

    private final int actionCode;
    private final String filterName;

    DdlKind(int actionCode, String filterName) {
        this.actionCode = actionCode;
        this.filterName = filterName;
    }

    /** TiDB's DDL action code; 0 when there is none. */
    public int actionCode() {
        return actionCode;
    }

    /** The name used in {@code ignore_event}. */
    public String filterName() {
        return filterName;
    }
}
