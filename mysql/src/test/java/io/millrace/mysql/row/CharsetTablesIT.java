package io.millrace.mysql.row;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.servers.DbServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The character set tables, code by code, against what the servers convert to. Also where the
 * tables come from: they hold the servers' answers to these same queries.
 */
final class CharsetTablesIT {
    @ParameterizedTest
    @EnumSource
    void everyCodeDecodesAsTheServerConvertsIt(DbServer.Flavor flavor) throws Exception {
        try (DbServer server = DbServer.of(flavor).start();
                Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            sql.execute("SET NAMES utf8mb4");
            sql.execute("SET sql_log_bin=0");
            sql.execute("SET sql_mode=''");
            sql.execute("CREATE DATABASE codes");
            sql.execute("USE codes");
            sql.execute("CREATE TABLE one (b VARBINARY(4))");
            sql.execute("CREATE TABLE two (b VARBINARY(4))");
            sql.execute("CREATE TABLE three (b VARBINARY(4))");
            sql.execute("CREATE TABLE four (b VARBINARY(4))");
            insert(sql, "one", 0, 0x100, 1, "");
            insert(sql, "two", 0x8140, 0xFF00, 2, "");
            insert(sql, "three", 0xA1A1, 0xFEFF, 2, "8f");
            for (int lead = 0x8130; lead <= 0x8439; lead += (lead & 0xF) == 9 ? 0xF7 : 1) {
                StringBuilder rows = new StringBuilder("INSERT INTO four VALUES ");
                for (int b3 = 0x81; b3 <= 0xFE; b3++) {
                    for (int b4 = 0x30; b4 <= 0x39; b4++) {
                        rows.append(String.format("(x'%04x%02x%02x'),", lead, b3, b4));
                    }
                }
                sql.execute(rows.substring(0, rows.length() - 1));
            }
            List<String[]> charsets = new ArrayList<>();
            try (ResultSet result = sql.executeQuery("SHOW CHARACTER SET")) {
                while (result.next()) {
                    charsets.add(new String[] {result.getString(1), result.getString(4)});
                }
            }
            for (String[] charset : charsets) {
                switch (charset[0]) {
                    // Passed through as they are: the servers let nothing ill-formed in.
                    case "binary", "ascii", "utf8mb3", "utf8mb4", "utf16", "utf16le", "utf32" -> {}
                    case "ucs2" -> assertThat(compare(sql, "ucs2", "two")).isGreaterThan(20_000);
                    default -> {
                        assertThat(compare(sql, charset[0], "one")).isGreaterThan(100);
                        if (!charset[1].equals("1")) {
                            assertThat(compare(sql, charset[0], "two")).isGreaterThan(5_000);
                        }
                        if (charset[1].equals("3")) {
                            assertThat(compare(sql, charset[0], "three")).isGreaterThan(5_000);
                        }
                        if (charset[1].equals("4")) {
                            assertThat(compare(sql, charset[0], "four")).isGreaterThan(39_000);
                        }
                    }
                }
            }
        }
    }

    private static void insert(
            Statement sql, String table, int from, int to, int bytes, String prefix)
            throws Exception {
        for (int start = from; start < to; start += 4096) {
            StringBuilder rows = new StringBuilder("INSERT INTO " + table + " VALUES ");
            for (int code = start; code < Math.min(to, start + 4096); code++) {
                rows.append("(x'")
                        .append(prefix)
                        .append(String.format("%0" + 2 * bytes + "x", code))
                        .append("'),");
            }
            sql.execute(rows.substring(0, rows.length() - 1));
        }
    }

    /** Ill-formed text, which each server treats in its own way. */
    private static boolean isNoCharacter(String charset, byte[] code) {
        int lead = code[0] & 0xFF;
        return switch (charset) {
            // A half-width katakana, and half of something.
            case "cp932", "sjis" -> code.length == 2 && lead >= 0xA1 && lead <= 0xDF;
            // Surrogates.
            case "ucs2" -> lead >= 0xD8 && lead <= 0xDF;
            default -> false;
        };
    }

    /** Compares the codes that are one character to the server; returns how many those are. */
    private static int compare(Statement sql, String charset, String table) throws Exception {
        int compared = 0;
        List<String> wrong = new ArrayList<>();
        try (ResultSet result =
                sql.executeQuery(
                        "SELECT HEX(b), HEX(CONVERT(CONVERT(b USING "
                                + charset
                                + ") USING utf8mb4)) FROM "
                                + table
                                + " WHERE CHAR_LENGTH(CONVERT(b USING "
                                + charset
                                + ")) = 1")) {
            while (result.next()) {
                byte[] code = HexFormat.of().parseHex(result.getString(1));
                // MySQL stops at what it finds ill-formed.
                if (isNoCharacter(charset, code) || result.getString(2).isEmpty()) {
                    continue;
                }
                String expected = result.getString(2);
                String read =
                        HexFormat.of()
                                .withUpperCase()
                                .formatHex(
                                        CharsetMap.decode(charset, code, 0, code.length)
                                                .getBytes(java.nio.charset.StandardCharsets.UTF_8));
                if (!read.equals(expected)) {
                    wrong.add(result.getString(1) + " is " + expected + ", read " + read);
                }
                compared++;
            }
        }
        assertThat(wrong.subList(0, Math.min(20, wrong.size())))
                .as(charset + " " + table + ", " + wrong.size() + " wrong")
                .isEmpty();
        return compared;
    }
}
