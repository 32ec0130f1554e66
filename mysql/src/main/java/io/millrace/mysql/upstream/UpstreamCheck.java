package io.millrace.mysql.upstream;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.capture.BinlogFiles;
import io.millrace.mysql.capture.ServerFacts;
import io.millrace.mysql.connect.ServerAddress;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Whether a server's settings and the user's rights let it be captured. */
final class UpstreamCheck {
    private UpstreamCheck() {}

    /**
     * Checks everything and reports all that is missing at once, each with the statement that mends
     * it. Rights are tried out rather than read from the grants, so that roles count too.
     *
     * @throws MillraceException UPSTREAM_MISCONFIGURED or UPSTREAM_ACCESS_DENIED
     */
    static void run(Connection connection, ServerAddress address) {
        ServerFacts facts = ServerFacts.read(connection, address);
        if (facts.tidb()) {
            throw MySqlUpstreamFactory.tidb();
        }
        List<String> missing = new ArrayList<>();
        if (!facts.variable("log_bin").equalsIgnoreCase("ON")) {
            missing.add("the binlog is off: set log_bin in the server's configuration and restart");
        }
        String format = facts.variable("binlog_format");
        if (!format.equalsIgnoreCase("ROW")) {
            missing.add("binlog_format is " + format + ": SET GLOBAL binlog_format = 'ROW'");
        }
        String image = facts.variable("binlog_row_image").toUpperCase(Locale.ROOT);
        if (!image.isEmpty() && !List.of("FULL", "MINIMAL", "NOBLOB").contains(image)) {
            missing.add("binlog_row_image is " + image + ": SET GLOBAL binlog_row_image = 'FULL'");
        }
        if (facts.variable("server_id").equals("0")) {
            missing.add("server_id is 0: SET GLOBAL server_id = 1");
        }
        if (!missing.isEmpty()) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_MISCONFIGURED,
                    "Upstream "
                            + address
                            + " cannot be captured: "
                            + String.join("; ", missing)
                            + ".");
        }
        String user = "'" + address.user() + "'@'%'";
        List<String> rights = new ArrayList<>();
        List<ServerFacts.BinlogFile> files = List.of();
        try {
            facts.end(connection, address);
            files = ServerFacts.binlogs(connection, address);
        } catch (MillraceException e) {
            if (e.code() != ErrorCode.UPSTREAM_ACCESS_DENIED) {
                throw e;
            }
            rights.add(
                    "GRANT "
                            + (facts.mariaDb() ? "BINLOG MONITOR" : "REPLICATION CLIENT")
                            + " ON *.* TO "
                            + user);
        }
        try {
            BinlogFiles.tryDump(files, facts, address);
        } catch (MillraceException e) {
            if (e.code() != ErrorCode.UPSTREAM_ACCESS_DENIED) {
                throw e;
            }
            rights.add("GRANT REPLICATION SLAVE ON *.* TO " + user);
        }
        if (!rights.isEmpty()) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_ACCESS_DENIED,
                    "Upstream "
                            + address
                            + ": the user lacks rights: "
                            + String.join("; ", rights)
                            + ".");
        }
    }
}
