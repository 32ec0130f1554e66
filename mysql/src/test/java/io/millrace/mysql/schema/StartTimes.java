package io.millrace.mysql.schema;

import io.millrace.testkit.servers.DbServer;

/** Times to start a capture at, with no more waiting than a server's clock makes necessary. */
final class StartTimes {
    private static final long APART_MS = 10;

    private StartTimes() {}

    /**
     * A TSO behind all that has happened on the server and before all that will. MySQL's commit
     * times have microseconds; MariaDB's have whole seconds, so that a new one has to begin.
     */
    static long now(DbServer server) throws InterruptedException {
        if (server.flavor() == DbServer.Flavor.MARIADB) {
            return laterSecond(1) - 1;
        }
        Thread.sleep(APART_MS);
        long tso = System.currentTimeMillis() << 18;
        Thread.sleep(APART_MS);
        return tso;
    }

    /** The same, in a binlog file that begins here. */
    static long newFile(DbServer server) throws InterruptedException {
        server.execute("FLUSH BINARY LOGS");
        return inNewFile(server);
    }

    /** The same, in the file that began last; the time of files has whole seconds on both. */
    static long inNewFile(DbServer server) throws InterruptedException {
        return server.flavor() == DbServer.Flavor.MARIADB ? laterSecond(2) - 1 : laterSecond(1);
    }

    /** The begin of a second that is so many ahead; returns in it. */
    private static long laterSecond(int seconds) throws InterruptedException {
        long start = (System.currentTimeMillis() / 1000 + seconds) * 1000;
        while (System.currentTimeMillis() < start + APART_MS) {
            Thread.sleep(start + APART_MS - System.currentTimeMillis());
        }
        return start << 18;
    }
}
