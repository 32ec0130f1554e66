package io.millrace.mysql.sink;

import io.millrace.testkit.servers.DbServer;

/** The sink's contract on MySQL 8.0. */
final class MySqlSinkOnMySqlIT extends SinkContract {
    @Override
    DbServer startServer() {
        return DbServer.mysql().start();
    }
}
