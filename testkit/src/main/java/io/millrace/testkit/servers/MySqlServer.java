package io.millrace.testkit.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A MySQL 8.0.33 server process; see {@link DbServer}. */
public final class MySqlServer extends DbProcess implements DbServer {
    MySqlServer(Builder builder) {
        super(Flavor.MYSQL, Distribution.mysql(), builder);
    }

    @Override
    Path server() {
        return program("mysqld");
    }

    @Override
    void addDefaults(Map<String, String> options, Builder builder) {
        options.put("lc_messages_dir", distribution().home().resolve("share").toString());
        options.put("plugin_dir", distribution().home().resolve("lib/plugin").toString());
        options.put("mysqlx", "OFF");
        options.put("gtid_mode", builder.gtid ? "ON" : "OFF");
        options.put("enforce_gtid_consistency", builder.gtid ? "ON" : "OFF");
        options.put("binlog_expire_logs_seconds", "0");
        options.put("innodb_redo_log_capacity", "64M");
        options.put("auto_generate_certs", "OFF");
    }

    @Override
    void initialise(Path dataDir, Map<String, String> options) throws IOException {
        // root keeps the simplest plug-in, so that any client can connect without TLS; tests of
        // other plug-ins
        // create users for them.
        Path sql = Files.createTempFile("millrace-init", ".sql");
        try {
            String password = quoted(rootPassword());
            Files.writeString(
                    sql,
                    "ALTER USER 'root'@'localhost' IDENTIFIED WITH mysql_native_password BY "
                            + password
                            + ";\n"
                            + "CREATE USER 'root'@'%' IDENTIFIED WITH mysql_native_password BY "
                            + password
                            + ";\n"
                            + "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;\n"
                            + "GRANT SUPER, SYSTEM_USER, BINLOG_ADMIN, XA_RECOVER_ADMIN ON *.* TO 'root'@'%' WITH GRANT"
                            + " OPTION;\n");
            RunAs.own(sql);
            List<String> command =
                    new ArrayList<>(
                            List.of(
                                    server().toString(),
                                    "--no-defaults",
                                    "--initialize-insecure",
                                    "--basedir=" + distribution().home(),
                                    "--lc-messages-dir=" + distribution().home().resolve("share"),
                                    "--datadir=" + dataDir,
                                    "--innodb-redo-log-capacity=64M",
                                    "--skip-log-bin",
                                    "--init-file=" + sql));
            options.forEach(
                    (name, value) -> command.add("--" + name.replace('_', '-') + "=" + value));
            Commands.output(RunAs.wrap(command));
        } finally {
            Files.deleteIfExists(sql);
        }
    }

    /** Each server needs its own UUID, or GTIDs of copies of one template would be the same. */
    @Override
    void afterCopy(Path dataDir) throws IOException {
        Files.deleteIfExists(dataDir.resolve("auto.cnf"));
    }
}
