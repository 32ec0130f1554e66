package io.millrace.mysql.position;

import java.util.UUID;

/** The name of one transaction. */
public sealed interface Gtid {
    /**
     * MySQL's: {@code source:number}.
     *
     * @param source UUID of the server that committed first
     * @param number counts from 1
     */
    record MySql(UUID source, long number) implements Gtid {
        @Override
        public String toString() {
            return source + ":" + number;
        }
    }

    /**
     * MariaDB's: {@code domain-server-sequence}.
     *
     * @param domain replication domain, unsigned 32 bits
     * @param server server id, unsigned 32 bits
     * @param sequence grows within the domain
     */
    record MariaDb(long domain, long server, long sequence) implements Gtid {
        @Override
        public String toString() {
            return domain + "-" + server + "-" + sequence;
        }
    }

    /**
     * Reads either form back.
     *
     * @throws IllegalArgumentException when it is neither
     */
    static Gtid parse(String text) {
        int colon = text.indexOf(':');
        if (colon > 0) {
            return new MySql(
                    UUID.fromString(text.substring(0, colon)),
                    Long.parseLong(text.substring(colon + 1)));
        }
        String[] parts = text.split("-", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException("not a GTID: " + text);
        }
        return new MariaDb(
                Long.parseLong(parts[0]), Long.parseLong(parts[1]), Long.parseLong(parts[2]));
    }
}
