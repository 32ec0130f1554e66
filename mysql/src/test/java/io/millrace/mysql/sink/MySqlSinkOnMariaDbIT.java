package io.millrace.mysql.sink;

import io.millrace.testkit.servers.DbServer;

/** The sink's contract on MariaDB 11.4. */
final class MySqlSinkOnMariaDbIT extends SinkContract {
    @Override
    DbServer startServer() {
        return DbServer.mariadb().start();
    }
}
