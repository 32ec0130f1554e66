package io.millrace.core.model;

/** The SQL type family of a column, and how a {@link RowView} hands out its values. */
public enum ColumnKind {
    TINYINT(Access.LONG),
    SMALLINT(Access.LONG),
    MEDIUMINT(Access.LONG),
    INT(Access.LONG),
    BIGINT(Access.LONG),
    YEAR(Access.LONG),
    /** Unsigned integer of up to 64 bits. */
    BIT(Access.LONG),
    /** 1-based index of the element, 0 for the invalid value. */
    ENUM(Access.LONG),
    /** Bit mask of the elements. */
    SET(Access.LONG),
    FLOAT(Access.FLOAT),
    DOUBLE(Access.DOUBLE),
    /** Text with the column's full scale, such as {@code -12.30}. */
    DECIMAL(Access.ASCII),
    /** {@code yyyy-MM-dd}. */
    DATE(Access.ASCII),
    /** {@code [-]hh:mm:ss[.ffffff]}, as many fraction digits as the column has. */
    TIME(Access.ASCII),
    /** {@code yyyy-MM-dd HH:mm:ss[.ffffff]}. */
    DATETIME(Access.ASCII),
    /** As DATETIME, in the time zone the capture was opened with. */
    TIMESTAMP(Access.ASCII),
    CHAR(Access.TEXT),
    VARCHAR(Access.TEXT),
    TINYTEXT(Access.TEXT),
    TEXT(Access.TEXT),
    MEDIUMTEXT(Access.TEXT),
    LONGTEXT(Access.TEXT),
    /** Canonical JSON text, a blank after each colon and comma, UTF-8. */
    JSON(Access.TEXT),
    BINARY(Access.BYTES),
    VARBINARY(Access.BYTES),
    TINYBLOB(Access.BYTES),
    BLOB(Access.BYTES),
    MEDIUMBLOB(Access.BYTES),
    LONGBLOB(Access.BYTES),
    /** Four bytes of SRID, little-endian, then WKB, as the server stores it. */
    GEOMETRY(Access.BYTES),
    VECTOR(Access.BYTES),
    /** Lower-case text with dashes. */
    UUID(Access.ASCII),
    INET4(Access.ASCII),
    INET6(Access.ASCII);

    /** How a value is read: which of {@link RowView}'s getters is meant for it. */
    public enum Access {
        /** {@link RowView#longValue}. */
        LONG,
        /** {@link RowView#doubleValue}, exact in a float. */
        FLOAT,
        /** {@link RowView#doubleValue}. */
        DOUBLE,
        /** {@link RowView#appendText}: printable ASCII that needs no escaping in JSON or SQL. */
        ASCII,
        /** {@link RowView#appendText}: UTF-8 text. */
        TEXT,
        /** {@link RowView#appendBytes}: raw bytes. */
        BYTES
    }

    private final Access access;

    ColumnKind(Access access) {
        this.access = access;
    }

    /** How values of this kind are read. */
    public Access access() {
        return access;
    }
}
