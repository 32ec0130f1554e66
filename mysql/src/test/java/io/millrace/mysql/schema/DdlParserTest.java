package io.millrace.mysql.schema;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.TableName;
import io.millrace.mysql.schema.DdlStatement.AlterAction;
import io.millrace.mysql.schema.DdlStatement.AlterTable;
import io.millrace.mysql.schema.DdlStatement.CreateTable;
import io.millrace.mysql.schema.DdlStatement.Irrelevant;
import io.millrace.mysql.schema.DdlStatement.Unparsable;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DdlParserTest {
    private static final long ANSI_QUOTES = 4;
    private static final long ORACLE = 512;

    private static DdlStatement mysql(String sql) {
        return DdlParser.parse(sql, false, 80033, 0, "db");
    }

    private static DdlStatement mariaDb(String sql) {
        return DdlParser.parse(sql, true, 110405, 0, "db");
    }

    private static ServerTraits traits(boolean mariaDb) {
        return new ServerTraits(
                mariaDb,
                mariaDb ? 110405 : 80033,
                0,
                true,
                "utf8mb4",
                "utf8mb4_general_ci",
                Map.of(
                        "utf8mb4", "utf8mb4_general_ci",
                        "utf8mb3", "utf8mb3_general_ci",
                        "latin1", "latin1_swedish_ci",
                        "ucs2", "ucs2_general_ci",
                        "binary", "binary"),
                Map.of("utf8mb4", 4, "utf8mb3", 3, "latin1", 1, "ucs2", 2, "binary", 1),
                Map.of());
    }

    private static TableDefinition defined(DdlStatement statement, boolean mariaDb) {
        assertThat(statement).isInstanceOf(CreateTable.class);
        return new DefinitionChanges(traits(mariaDb))
                .create(
                        (CreateTable) statement,
                        new DefinitionChanges.Text("utf8mb4", "utf8mb4_general_ci"));
    }

    private static String columns(TableDefinition table) {
        return table.columns().stream()
                .map(c -> c.name() + " " + c.typeText() + (c.nullable() ? "" : "!"))
                .collect(Collectors.joining(", "));
    }

    private static String altered(String create, String alter, boolean mariaDb) {
        TableDefinition before = defined(mariaDb ? mariaDb(create) : mysql(create), mariaDb);
        DdlStatement statement = mariaDb ? mariaDb(alter) : mysql(alter);
        assertThat(statement).isInstanceOf(AlterTable.class);
        return columns(
                new DefinitionChanges(traits(mariaDb))
                        .alter(before, ((AlterTable) statement).actions()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "INT | int",
                "int(11) unsigned zerofill | int(11) unsigned zerofill",
                "TINYINT(1) | tinyint(1)",
                "BOOLEAN | tinyint(1)",
                "INT8 UNSIGNED | bigint unsigned",
                "MIDDLEINT | mediumint",
                "SERIAL | bigint unsigned!",
                "BIT | bit(1)",
                "DEC(5) | decimal(5,0)",
                "NUMERIC(10,2) UNSIGNED | decimal(10,2) unsigned",
                "FLOAT(24) | float",
                "FLOAT(25) | double",
                "FLOAT(7,3) | float(7,3)",
                "DOUBLE PRECISION | double",
                "REAL | double",
                "YEAR(4) | year",
                "TIME(0) | time",
                "DATETIME(6) | datetime(6)",
                "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE NOW(3) | timestamp!",
                "CHAR | char(1)",
                "CHAR(10) BYTE | binary(10)",
                "CHARACTER VARYING(9) | varchar(9)",
                "NATIONAL VARCHAR(3) | varchar(3)",
                "VARCHAR(10) CHARACTER SET binary | varbinary(10)",
                "TEXT(10) | tinytext",
                "TEXT(70000) | mediumtext",
                "BLOB(300) | blob",
                "LONG | mediumtext",
                "LONG VARBINARY | mediumblob",
                "LONG CHAR VARYING | mediumtext",
                "ENUM('a','it''s','b  ') | enum('a','it''s','b')",
                "SET(N'x',_latin1'y') | set('x','y')",
                "JSON | json",
                "GEOMETRYCOLLECTION | geomcollection",
                "POINT NOT NULL SRID 4326 | point!",
                "VARCHAR(5) COLLATE latin1_bin NOT NULL DEFAULT 'a, b) NOT NULL' COMMENT 'it''s' | varchar(5)!",
                "INT GENERATED ALWAYS AS (a * (1 + 2)) STORED NOT NULL COMMENT 'x' | int!",
                "INT DEFAULT (uuid_to_bin(')')) INVISIBLE | int",
                "INT AUTO_INCREMENT PRIMARY KEY | int!",
                "INT NOT NULL REFERENCES o (id) ON DELETE SET NULL ON UPDATE CASCADE | int!",
                "INT CONSTRAINT c CHECK (x > 0) NOT ENFORCED NOT NULL | int!",
                "VARCHAR(3) NOT NULL COLUMN_FORMAT FIXED STORAGE DISK ENGINE_ATTRIBUTE='{}' | varchar(3)!"
            })
    void readsColumns(String written, String shown) {
        assertThat(columns(defined(mysql("CREATE TABLE t (x " + written + ")"), false)))
                .isEqualTo("x " + shown);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "INT | int(11)",
                "BIGINT UNSIGNED | bigint(20) unsigned",
                "YEAR | year(4)",
                "JSON | longtext",
                "UUID NOT NULL DEFAULT uuid() | uuid!",
                "INET6 | inet6",
                "INET4 | inet4",
                "GEOMETRYCOLLECTION REF_SYSTEM_ID=101 | geometrycollection",
                "VARCHAR(100) COMPRESSED=zlib NOT NULL | varchar(100)!",
                "VARCHAR(100) /*M!100301 COMPRESSED*/ NOT NULL | varchar(100)!",
                "INT DEFAULT NEXT VALUE FOR s NOT NULL | int(11)!",
                "INT DEFAULT nextval(`db`.`s`) CHECK (x > 1) | int(11)",
                "INT AS (a + 1) PERSISTENT | int(11)",
                "INT WITHOUT SYSTEM VERSIONING NOT NULL | int(11)!",
                "INT `ietf_quotes`=YES NOT NULL | int(11)!",
                "DATETIME DEFAULT CURRENT_TIMESTAMP() + INTERVAL 1 DAY NOT NULL | datetime!",
                "VARCHAR(3) DEFAULT 'a' 'b' NOT NULL | varchar(3)!",
                "TIMESTAMP(6) GENERATED ALWAYS AS ROW START INVISIBLE | timestamp(6)"
            })
    void readsColumnsOfMariaDb(String written, String shown) {
        assertThat(columns(defined(mariaDb("CREATE TABLE t (x " + written + ")"), true)))
                .isEqualTo("x " + shown);
    }

    @Test
    void readsKeysAndNamesThemAsTheServerDoes() {
        TableDefinition table =
                defined(
                        mysql(
                                "CREATE TABLE t (a INT UNIQUE, b INT, c VARCHAR(20), KEY (b),"
                                        + " UNIQUE (b, a), CONSTRAINT u2 UNIQUE KEY (c(5)),"
                                        + " UNIQUE INDEX f ((a + 1)), FULLTEXT (c) WITH PARSER ngram,"
                                        + " CONSTRAINT PRIMARY KEY USING BTREE (b DESC, a),"
                                        + " CONSTRAINT fk FOREIGN KEY (a) REFERENCES o.p (x) MATCH FULL"
                                        + " ON UPDATE NO ACTION, CHECK (a > (1)) NOT ENFORCED)"),
                        false);
        assertThat(
                        table.keys().stream()
                                .map(k -> k.kind() + " " + k.name() + " " + k.parts().size()))
                .containsExactly(
                        "UNIQUE a 1",
                        "PLAIN b 1",
                        "UNIQUE b_2 2",
                        "UNIQUE u2 1",
                        "UNIQUE f 1",
                        "PLAIN c 1",
                        "PRIMARY PRIMARY 2");
        assertThat(
                        table.schemaKeys().stream()
                                .map(k -> k.name() + k.columns() + (k.onPrefix() ? " prefix" : "")))
                .containsExactly("PRIMARY[1, 0]", "a[0]", "b_2[1, 0]", "u2[2] prefix");
        assertThat(columns(table)).isEqualTo("a int!, b int!, c varchar(20)");
    }

    /** Rows go by whole columns where they can, and by a key on a prefix before having none. */
    @Test
    void aKeyOnAPrefixTellsRowsApart() {
        assertThat(handle("b TEXT, PRIMARY KEY (b(3))")).containsExactly(0);
        assertThat(handle("b TEXT NOT NULL, UNIQUE (b(3))")).containsExactly(0);
        assertThat(handle("b TEXT, UNIQUE (b(3))")).isEmpty();
        assertThat(
                        handle(
                                "b TEXT NOT NULL, x INT NOT NULL, y INT NOT NULL, UNIQUE (b(3)),"
                                        + " UNIQUE (x, y)"))
                .containsExactly(1, 2);
    }

    private static int[] handle(String definition) {
        return defined(mysql("CREATE TABLE t (" + definition + ")"), false)
                .toSchema(1, 1)
                .handleKey();
    }

    @Test
    void inheritsCharacterSets() {
        TableDefinition table =
                defined(
                        mysql(
                                "CREATE TABLE t (a TEXT, b CHAR(1) CHARACTER SET ucs2, c CHAR(1) BINARY,"
                                        + " d CHAR(1) COLLATE utf8_bin) DEFAULT CHARACTER SET = latin1"
                                        + " COMMENT 'CHARSET=ucs2' PARTITION BY KEY(a) (PARTITION p0 COMMENT"
                                        + " 'x')"),
                        false);
        assertThat(table.columns().stream().map(c -> c.collation()))
                .containsExactly(
                        "latin1_swedish_ci", "ucs2_general_ci", "latin1_bin", "utf8mb3_bin");
        assertThat(table.charset()).isEqualTo("latin1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "ADD c INT FIRST | c int, a int!, b varchar(9)",
                "ADD COLUMN c INT AFTER a | a int!, c int, b varchar(9)",
                "ADD COLUMN (c INT, d INT UNIQUE) | a int!, b varchar(9), c int, d int",
                "DROP b | a int!",
                "DROP COLUMN b, ADD b TEXT FIRST | b text, a int!",
                "MODIFY a BIGINT | a bigint!, b varchar(9)",
                "MODIFY COLUMN a BIGINT AFTER b | b varchar(9), a bigint!",
                "CHANGE b B2 CHAR(3) NOT NULL FIRST | B2 char(3)!, a int!",
                "RENAME COLUMN a TO b, RENAME COLUMN b TO a | b int!, a varchar(9)",
                "ADD x INT AFTER a, ADD y INT AFTER x, DROP b | a int!, x int, y int",
                "DROP PRIMARY KEY, MODIFY a INT NULL | a int, b varchar(9)",
                "ORDER BY a, b DESC, ADD c INT | a int!, b varchar(9), c int",
                "ALTER b SET DEFAULT 'x,', ALTER COLUMN b DROP DEFAULT | a int!, b varchar(9)",
                "CONVERT TO CHARACTER SET binary | a int!, b varbinary(9)",
                "ENGINE=InnoDB COMMENT='DROP b' ROW_FORMAT COMPRESSED | a int!, b varchar(9)",
                "ADD c INT, ALGORITHM=INPLACE, LOCK=NONE | a int!, b varchar(9), c int",
                "ADD c INT PARTITION BY HASH (a) PARTITIONS 4 | a int!, b varchar(9), c int",
                "REORGANIZE PARTITION p0, p1 INTO (PARTITION p VALUES IN (1, 2)) | a int!, b varchar(9)",
                "EXCHANGE PARTITION p WITH TABLE x WITHOUT VALIDATION | a int!, b varchar(9)",
                "ADD CONSTRAINT fk FOREIGN KEY (b) REFERENCES o (x), DROP FOREIGN KEY f2, DROP CHECK c | a int!, b varchar(9)",
                "ALTER INDEX k INVISIBLE, RENAME KEY k TO k2 | a int!, b varchar(9)",
                "ADD c INT DEFAULT 1 ON UPDATE 2, FORCE | a int!, b varchar(9), c int"
            })
    void altersColumns(String actions, String columns) {
        assertThat(
                        altered(
                                "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(9))",
                                "ALTER TABLE t " + actions,
                                false))
                .isEqualTo(columns);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "ADD IF NOT EXISTS A TEXT, DROP IF EXISTS zz | a int(11)",
                "ADD COLUMN IF NOT EXISTS b INT, ADD COLUMN IF NOT EXISTS b TEXT | a int(11), b int(11)",
                "CHANGE IF EXISTS q r INT, MODIFY COLUMN IF EXISTS q INT | a int(11)",
                "DROP INDEX IF EXISTS i, ADD INDEX IF NOT EXISTS i (a), DROP CONSTRAINT IF EXISTS c | a int(11)",
                "ADD SYSTEM VERSIONING | a int(11), row_start timestamp(6)!, row_end timestamp(6)!",
                "WAIT 5 ADD b INT | a int(11), b int(11)",
                "DROP PERIOD FOR p, DROP SYSTEM VERSIONING | a int(11)"
            })
    void altersColumnsOfMariaDb(String actions, String columns) {
        assertThat(altered("CREATE TABLE t (a INT)", "ALTER TABLE IF EXISTS t " + actions, true))
                .isEqualTo(columns);
    }

    @Test
    void opensExecutableComments() {
        assertThat(mysql("/*!40000 ALTER TABLE `t` DISABLE KEYS */"))
                .isInstanceOf(AlterTable.class);
        assertThat(columns(defined(mysql("CREATE TABLE t (a INT /*!80023 INVISIBLE */)"), false)))
                .isEqualTo("a int");
        assertThat(columns(defined(mysql("CREATE TABLE t (a INT /*!99999 , b INT */)"), false)))
                .isEqualTo("a int");
        assertThat(columns(defined(mariaDb("CREATE TABLE t (a INT /*!50701 , b INT */)"), true)))
                .isEqualTo("a int(11)");
        assertThat(columns(defined(mariaDb("CREATE TABLE t (a INT /*M!100100 , b INT */)"), true)))
                .isEqualTo("a int(11), b int(11)");
        assertThat(columns(defined(mariaDb("CREATE TABLE t (a INT /*!100100 , b INT */)"), true)))
                .isEqualTo("a int(11), b int(11)");
        assertThat(columns(defined(mysql("CREATE TABLE t (a INT /*M!100100 , b INT */)"), false)))
                .isEqualTo("a int");
        assertThat(mysql("DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `x`"))
                .isInstanceOf(Irrelevant.class);
    }

    @Test
    void readsNamesInEveryQuote() {
        assertThat(((CreateTable) mysql("create table `a``b`.`c d` (x int)")).name())
                .isEqualTo(new TableName("a`b", "c d"));
        assertThat(((CreateTable) mysql("create table größe.表 (x int)")).name())
                .isEqualTo(new TableName("größe", "表"));
        assertThat(((CreateTable) mysql("create table db2.1t (x int)")).name())
                .isEqualTo(new TableName("db2", "1t"));
        assertThat(
                        ((CreateTable)
                                        DdlParser.parse(
                                                "CREATE TABLE \"a\"\"b\" (\"x y\" INT DEFAULT '1')",
                                                false,
                                                80033,
                                                ANSI_QUOTES,
                                                "db"))
                                .name())
                .isEqualTo(new TableName("db", "a\"b"));
        assertThat(mysql("DROP TABLE `t` /* generated by server */"))
                .isEqualTo(
                        new DdlStatement.DropTables(
                                List.of(new TableName("db", "t")), false, false));
    }

    @Test
    void readsOracleTypes() {
        TableDefinition table =
                defined(
                        DdlParser.parse(
                                "CREATE TABLE t (a VARCHAR2(9 CHAR), b NUMBER, c NUMBER(5), d DATE, e CLOB,"
                                        + " f RAW(3), g mariadb_schema.date)",
                                true,
                                110405,
                                ORACLE,
                                "db"),
                        true);
        assertThat(columns(table))
                .isEqualTo(
                        "a varchar(9), b double, c decimal(5,0), d datetime, e longtext,"
                                + " f varbinary(3), g date");
    }

    @Test
    void recognisesCopiesAndQueries() {
        assertThat(((CreateTable) mysql("CREATE TABLE t LIKE o.p")).like())
                .contains(new TableName("o", "p"));
        assertThat(((CreateTable) mysql("CREATE TABLE t (LIKE p)")).like())
                .contains(new TableName("db", "p"));
        for (String query :
                List.of(
                        "CREATE TABLE t SELECT 1",
                        "CREATE TABLE t AS SELECT 1",
                        "CREATE TABLE t (SELECT 1)",
                        "CREATE TABLE t (a INT) ENGINE=InnoDB IGNORE AS SELECT 1",
                        "CREATE TABLE t (a INT) REPLACE SELECT 1",
                        "CREATE TABLE t WITH x AS (SELECT 1) SELECT * FROM x",
                        "CREATE TABLE t TABLE o")) {
            assertThat(((CreateTable) mysql(query)).select()).as(query).isTrue();
        }
        CreateTable logged =
                (CreateTable) mysql("CREATE TABLE `t` (`a` int DEFAULT NULL) START TRANSACTION");
        assertThat(logged.startTransaction()).contains(new DdlStatement.TextRange(40, 57));
        assertThat(logged.select()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GRANT SELECT ON *.* TO u",
                "CREATE USER 'a'@'%' IDENTIFIED BY 'x'",
                "CREATE DEFINER=`r`@`h` PROCEDURE p() BEGIN CREATE TABLE t (a INT); END",
                "CREATE DEFINER = CURRENT_USER() TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
                "CREATE DEFINER='a'@localhost EVENT e ON SCHEDULE EVERY 1 DAY DO DROP TABLE t",
                "CREATE AGGREGATE FUNCTION f RETURNS STRING SONAME 'x.so'",
                "DROP PROCEDURE p",
                "ALTER EVENT e DISABLE",
                "ALTER USER u ACCOUNT LOCK",
                "ANALYZE TABLE t",
                "FLUSH TABLES",
                "SET GLOBAL x = 1",
                "RENAME USER a TO b",
                "CREATE TEMPORARY TABLE t (a FOO)",
                "DROP TEMPORARY TABLE t",
                "CREATE TABLESPACE ts ADD DATAFILE 'x'",
                "CREATE SPATIAL REFERENCE SYSTEM 4120 NAME 'x'",
                "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')",
                "DROP ROLE r",
                "OPTIMIZE TABLE t",
                "XA START 'x'",
                "SAVEPOINT s",
                ""
            })
    void letsOtherStatementsPass(String sql) {
        assertThat(mysql(sql)).isInstanceOf(Irrelevant.class);
    }

    @Test
    void readsDatabasesAndViews() {
        assertThat(
                        mysql(
                                "CREATE DATABASE IF NOT EXISTS `x` /*!40100 DEFAULT CHARACTER SET utf8 */"))
                .isEqualTo(
                        new DdlStatement.CreateDatabase(
                                "x",
                                false,
                                true,
                                java.util.Optional.of("utf8"),
                                java.util.Optional.empty()));
        assertThat(mysql("ALTER SCHEMA COLLATE = latin1_bin"))
                .isEqualTo(
                        new DdlStatement.AlterDatabase(
                                "db",
                                java.util.Optional.empty(),
                                java.util.Optional.of("latin1_bin")));
        assertThat(mysql("DROP SCHEMA IF EXISTS x"))
                .isEqualTo(new DdlStatement.DropDatabase("x", true));
        assertThat(
                        mysql(
                                "CREATE OR REPLACE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL"
                                        + " SECURITY DEFINER VIEW `v` AS select 1"))
                .isEqualTo(new DdlStatement.CreateView(new TableName("db", "v")));
        assertThat(mysql("DROP VIEW IF EXISTS v, x.w RESTRICT"))
                .isEqualTo(
                        new DdlStatement.DropTables(
                                List.of(new TableName("db", "v"), new TableName("x", "w")),
                                true,
                                true));
    }

    @Test
    void readsStatementsOfMariaDb() {
        assertThat(mariaDb("SET STATEMENT lock_wait_timeout=1 FOR DROP TABLE t"))
                .isInstanceOf(DdlStatement.DropTables.class);
        assertThat(mariaDb("CREATE OR REPLACE SEQUENCE s START WITH 1"))
                .isEqualTo(new DdlStatement.CreateSequence(new TableName("db", "s")));
        assertThat(mariaDb("RENAME TABLE IF EXISTS a WAIT 3 TO b, c TO d"))
                .isInstanceOf(DdlStatement.RenameTables.class);
        assertThat(((AlterTable) mariaDb("CREATE OR REPLACE UNIQUE INDEX i ON t (a)")).actions())
                .singleElement()
                .isInstanceOf(AlterAction.AddIndex.class);
    }

    @Test
    void readsElementsGivenAsBytes() {
        assertThat(
                        defined(
                                        mysql(
                                                "CREATE TABLE t (a ENUM(x'41', 0x4243, b'1000100',"
                                                        + " 'e'))"),
                                        false)
                                .columns()
                                .getFirst()
                                .elements())
                .containsExactly("A", "BC", "D", "e");
    }

    @Test
    void putsTheColumnsOfAPeriodIntoItsKeys() {
        TableDefinition table =
                defined(
                        mariaDb(
                                "CREATE TABLE t (id INT, s DATE, e DATE, UNIQUE (id, p WITHOUT"
                                        + " OVERLAPS), PERIOD FOR p (s, e))"),
                        true);
        assertThat(table.keys().getFirst().parts().stream().map(KeyDefinition.Part::column))
                .containsExactly("id", "e", "s");
        assertThat(table.columns().get(1).nullable()).isFalse();
        assertThat(table.columns().get(2).nullable()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE t ADD x SOMETYPE",
                "ALTER TABLE t FROBNICATE b",
                "CREATE TABLE t (a INT",
                "CREATE TABLE t (a INT FOO)",
                "CREATE TABLE t (a ENUM(x'E9'))",
                "ALTER TABLE t ADD UNIQUE (a, p WITHOUT OVERLAPS)"
            })
    void saysWhichTableItDoesNotUnderstand(String sql) {
        assertThat(mysql(sql))
                .isInstanceOfSatisfying(
                        Unparsable.class,
                        u -> assertThat(u.name()).contains(new TableName("db", "t")));
    }

    /** Whatever the bytes, the parser answers; it neither throws nor hangs. */
    @Test
    void survivesAnyMutilation() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        RandomDdl ddl = new RandomDdl(random, true, "db");
        TableDefinition table =
                defined(
                        mariaDb(
                                "CREATE TABLE t (a INT PRIMARY KEY, b TEXT, c ENUM('x'), KEY k (a))"),
                        true);
        for (int i = 0; i < 20_000; i++) {
            String sql = ddl.statement(Map.of(table.name(), table));
            StringBuilder text = new StringBuilder(sql);
            for (int n = random.nextInt(4); n > 0; n--) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(8)));
                    case 1 -> text.insert(at, "(),'`/*!\"#;.".charAt(random.nextInt(11)));
                    default -> text.setLength(at);
                }
                if (text.isEmpty()) {
                    text.append(' ');
                }
            }
            String mutilated = text.toString();
            boolean mariaDb = random.nextBoolean();
            try {
                DdlParser.parse(mutilated, mariaDb, mariaDb ? 110405 : 80033, 0, "db");
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + mutilated, e);
            }
        }
    }

    /** Every statement of the generator that is not mutilated is understood. */
    @Test
    void understandsAllThatTheGeneratorWrites() {
        long seed = System.nanoTime();
        RandomDdl ddl = new RandomDdl(new Random(seed), true, "db");
        TableDefinition table =
                defined(
                        mariaDb(
                                "CREATE TABLE t (a INT PRIMARY KEY, b TEXT, c ENUM('x'), KEY k (a))"),
                        true);
        for (int i = 0; i < 20_000; i++) {
            String sql = ddl.statement(Map.of(table.name(), table));
            assertThat(mariaDb(sql)).as("seed %s: %s", seed, sql).isNotInstanceOf(Unparsable.class);
        }
    }
}
