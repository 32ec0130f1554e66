package io.millrace.testkit.servers;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A MariaDB server process, 11.4.5 unless told otherwise; see {@link DbServer}. */
public final class MariaDbServer extends DbProcess implements DbServer {
    /** The system tables and their content, in the order of {@code mariadb-install-db}. */
    private static final List<String> SYSTEM_SCRIPTS =
            List.of(
                    "mariadb_system_tables.sql",
                    "mariadb_performance_tables.sql",
                    "mariadb_system_tables_data.sql",
                    "maria_add_gis_sp_bootstrap.sql",
                    "mariadb_sys_schema.sql");

    /** Before MariaDB 11 the scripts carry the old name. */
    private static Path script(Path share, String name) {
        Path script = share.resolve(name);
        return Files.exists(script) ? script : share.resolve(name.replace("mariadb_", "mysql_"));
    }

    MariaDbServer(Builder builder) {
        super(Flavor.MARIADB, Distribution.mariaDb(), builder);
    }

    @Override
    Path server() {
        return program("mariadbd");
    }

    @Override
    void addDefaults(Map<String, String> options, Builder builder) {
        options.put("lc_messages_dir", distribution().home().resolve("share").toString());
        options.put("gtid_strict_mode", builder.gtid ? "ON" : "OFF");
        options.put("expire_logs_days", "0");
        options.put("innodb_log_file_size", "64M");
        if (!builder.tls) {
            // Since 11.4 the server otherwise makes itself an RSA key at each start, which takes
            // seconds.
            options.put("ssl", "OFF");
        }
    }

    @Override
    void initialise(Path dataDir, Map<String, String> options) throws IOException {
        Path share = distribution().home().resolve("share");
        StringBuilder sql =
                new StringBuilder(
                        "create database if not exists mysql;\nuse mysql;\n"
                                + "SET @auth_root_socket=NULL;\n");
        for (String script : SYSTEM_SCRIPTS) {
            sql.append(Files.readString(script(share, script), StandardCharsets.UTF_8))
                    .append('\n');
        }
        // The bootstrap reads one statement per line from here on.
        String password = quoted(rootPassword());
        sql.append("use mysql;\n")
                .append("FLUSH PRIVILEGES;\n")
                .append(
                        "CREATE OR REPLACE USER 'root'@'localhost' IDENTIFIED BY "
                                + password
                                + ";\n")
                .append("CREATE OR REPLACE USER 'root'@'%' IDENTIFIED BY " + password + ";\n")
                .append("GRANT ALL ON *.* TO 'root'@'localhost' WITH GRANT OPTION;\n")
                .append("GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;\n")
                .append(
                        "DELETE FROM mysql.global_priv WHERE User='' OR (User='root' AND Host NOT IN"
                                + " ('localhost','%'));\n");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                server().toString(),
                                "--no-defaults",
                                "--bootstrap",
                                "--basedir=" + distribution().home(),
                                "--lc-messages-dir=" + share,
                                "--datadir=" + dataDir,
                                "--innodb-log-file-size=64M",
                                "--log-warnings=0",
                                "--enforce-storage-engine=",
                                "--max-allowed-packet=8M"));
        options.forEach((name, value) -> command.add("--" + name.replace('_', '-') + "=" + value));
        Commands.output(RunAs.wrap(command), Map.of(), sql.toString());
    }

    @Override
    void afterCopy(Path dataDir) {
        // Nothing in a MariaDB data folder names the instance.
    }
}
