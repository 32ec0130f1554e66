package io.millrace.mysql.capture;

import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.connect.UpstreamErrors;
import io.millrace.mysql.position.BinlogCoordinate;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a server says about itself and its binlogs.
 *
 * @param version such as {@code 8.0.33} or {@code 11.4.5-MariaDB-log}
 * @param mariaDb flavour
 * @param variables the global variables that capture looks at, by lower-case name
 */
public record ServerFacts(String version, boolean mariaDb, Map<String, String> variables) {
    private static final String NAMES =
            "'version','version_comment','log_bin','binlog_format','binlog_row_image','gtid_mode',"
                    + "'server_id','server_uuid','binlog_checksum','gtid_purged','gtid_executed',"
                    + "'binlog_row_value_options','binlog_row_metadata','gtid_binlog_pos',"
                    + "'tidb_version'";

    public ServerFacts {
        variables = Map.copyOf(variables);
    }

    /** Asks. */
    public static ServerFacts read(Connection connection, ServerAddress address) {
        Map<String, String> variables = new HashMap<>();
        String version;
        try (Statement statement = connection.createStatement()) {
            try (ResultSet rows =
                    statement.executeQuery(
                            "SHOW GLOBAL VARIABLES WHERE Variable_name IN (" + NAMES + ")")) {
                while (rows.next()) {
                    String value = rows.getString(2);
                    variables.put(
                            rows.getString(1).toLowerCase(Locale.ROOT), value == null ? "" : value);
                }
            }
            try (ResultSet rows = statement.executeQuery("SELECT VERSION()")) {
                rows.next();
                version = String.valueOf(rows.getString(1));
            }
        } catch (SQLException e) {
            throw UpstreamErrors.of(e, address);
        }
        return new ServerFacts(
                version, version.toLowerCase(Locale.ROOT).contains("mariadb"), variables);
    }

    /** A variable's value, empty when the server does not have it. */
    public String variable(String name) {
        return variables.getOrDefault(name, "");
    }

    /** Whether every transaction has a GTID. */
    public boolean gtids() {
        return mariaDb || variable("gtid_mode").equalsIgnoreCase("ON");
    }

    /** Whether it is TiDB, which has no binlog. */
    public boolean tidb() {
        return version.toLowerCase(Locale.ROOT).contains("tidb");
    }

    /** Major version times 100 plus minor version. */
    public int release() {
        String[] parts = version.split("[^0-9]+", 3);
        try {
            return Integer.parseInt(parts[0]) * 100 + Integer.parseInt(parts[1]);
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            return 0;
        }
    }

    /**
     * Whether commits are timed in microseconds; else in seconds, by the start of the statement.
     */
    public boolean microsecondCommits() {
        return !mariaDb && release() >= 800;
    }

    /** One binlog file; the size is that of the moment. */
    public record BinlogFile(String name, long size) {}

    /** All binlog files, oldest first. */
    public static List<BinlogFile> binlogs(Connection connection, ServerAddress address) {
        List<BinlogFile> files = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SHOW BINARY LOGS")) {
            while (rows.next()) {
                files.add(new BinlogFile(String.valueOf(rows.getString(1)), rows.getLong(2)));
            }
        } catch (SQLException e) {
            throw UpstreamErrors.of(e, address);
        }
        return files;
    }

    /** The end of the binlog; empty when it is off. */
    public Optional<BinlogCoordinate> end(Connection connection, ServerAddress address) {
        String sql = !mariaDb && release() >= 802 ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS";
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            if (!rows.next()) {
                return Optional.empty();
            }
            return Optional.of(
                    new BinlogCoordinate(String.valueOf(rows.getString(1)), rows.getLong(2)));
        } catch (SQLException e) {
            throw UpstreamErrors.of(e, address);
        }
    }

    /** Java's character set per collation number, as the server knows them. */
    public static Map<Integer, Charset> charsets(Connection connection, ServerAddress address) {
        Map<Integer, Charset> charsets = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SHOW COLLATION WHERE Id IS NOT NULL")) {
            while (rows.next()) {
                charsets.put(rows.getInt("Id"), charset(String.valueOf(rows.getString("Charset"))));
            }
        } catch (SQLException e) {
            throw UpstreamErrors.of(e, address);
        }
        return charsets;
    }

    private static Charset charset(String name) {
        String java =
                switch (name.toLowerCase(Locale.ROOT)) {
                    case "latin1" -> "windows-1252";
                    case "latin2" -> "ISO-8859-2";
                    case "latin5" -> "ISO-8859-9";
                    case "latin7" -> "ISO-8859-13";
                    case "greek" -> "ISO-8859-7";
                    case "hebrew" -> "ISO-8859-8";
                    case "cp850" -> "IBM850";
                    case "cp852" -> "IBM852";
                    case "cp866" -> "IBM866";
                    case "cp932" -> "windows-31j";
                    case "sjis" -> "Shift_JIS";
                    case "ujis", "eucjpms" -> "EUC-JP";
                    case "euckr" -> "EUC-KR";
                    case "koi8r" -> "KOI8-R";
                    case "koi8u" -> "KOI8-U";
                    case "tis620" -> "TIS-620";
                    case "cp1250", "cp1251", "cp1256", "cp1257" -> "windows-" + name.substring(2);
                    case "gbk", "gb2312", "gb18030", "big5" -> name;
                    default -> "UTF-8";
                };
        try {
            return Charset.forName(java);
        } catch (UnsupportedCharsetException | IllegalCharsetNameException e) {
            return StandardCharsets.UTF_8;
        }
    }
}
