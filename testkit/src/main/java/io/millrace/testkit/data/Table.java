package io.millrace.testkit.data;

/**
 * A table of a MySQL or MariaDB server.
 *
 * @param schema database name, as the server spells it
 * @param name table name
 */
public record Table(String schema, String name) implements Comparable<Table> {
    /** The quoted name for SQL. */
    public String sql() {
        return quoted(schema) + "." + quoted(name);
    }

    static String quoted(String identifier) {
        return "`" + identifier.replace("`", "``") + "`";
    }

    @Override
    public int compareTo(Table other) {
        int bySchema = schema.compareTo(other.schema);
        return bySchema != 0 ? bySchema : name.compareTo(other.name);
    }

    @Override
    public String toString() {
        return schema + "." + name;
    }
}
