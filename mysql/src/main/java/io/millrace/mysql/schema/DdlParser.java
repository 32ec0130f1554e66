package io.millrace.mysql.schema;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.TableName;
import io.millrace.mysql.schema.DdlStatement.AlterAction;
import io.millrace.mysql.schema.DdlStatement.ColumnSpec;
import io.millrace.mysql.schema.DdlStatement.IndexSpec;
import io.millrace.mysql.schema.DdlStatement.Nullness;
import io.millrace.mysql.schema.DdlStatement.Place;
import io.millrace.mysql.schema.DdlStatement.TableOptions;
import io.millrace.mysql.schema.DdlStatement.TextRange;
import io.millrace.mysql.schema.DdlStatement.TypeSpec;
import io.millrace.mysql.schema.SqlLexer.Kind;
import io.millrace.mysql.schema.SqlLexer.Token;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads a DDL statement of MySQL 5.7 to 8.x or MariaDB 10.5 to 11.x as it stands in the binlog.
 *
 * <p>A recursive descent over tokens. It knows every clause that changes columns, keys or names,
 * and steps over what doesn't (expressions, partitions, storage options) by balanced parentheses.
 * The statement was accepted by the server, so the parser need not refuse wrong ones; where it
 * meets something it doesn't know, it answers {@link DdlStatement.Unparsable}, never a guess.
 *
 * <p>Source of the grammar: the manuals' "Data Definition Statements" chapters.
 */
public final class DdlParser {
    private static final long MODE_REAL_AS_FLOAT = 1;
    private static final long MODE_ANSI_QUOTES = 4;
    private static final long MODE_ORACLE = 512;
    private static final long MODE_NO_BACKSLASH_ESCAPES = 1L << 20;

    /** Words that begin a part of ALTER TABLE, to tell it from one more column of ORDER BY. */
    private static final Set<String> ACTION_WORDS =
            Set.of(
                    "ADD",
                    "DROP",
                    "CHANGE",
                    "MODIFY",
                    "ALTER",
                    "RENAME",
                    "CONVERT",
                    "ENGINE",
                    "COMMENT",
                    "FORCE",
                    "ALGORITHM",
                    "LOCK",
                    "DEFAULT",
                    "CHARSET",
                    "CHARACTER",
                    "COLLATE");

    /** Words that end a default value that is not in parentheses. */
    private static final Set<String> ATTRIBUTE_WORDS =
            Set.of(
                    "NULL",
                    "AUTO_INCREMENT",
                    "UNIQUE",
                    "PRIMARY",
                    "KEY",
                    "COMMENT",
                    "COLLATE",
                    "COLUMN_FORMAT",
                    "STORAGE",
                    "CHECK",
                    "CONSTRAINT",
                    "REFERENCES",
                    "INVISIBLE",
                    "VISIBLE",
                    "GENERATED",
                    "ENGINE_ATTRIBUTE",
                    "SECONDARY_ENGINE_ATTRIBUTE",
                    "SRID",
                    "REF_SYSTEM_ID",
                    "COMPRESSED",
                    "FIRST",
                    "AFTER",
                    "PARTITION",
                    "WITHOUT",
                    "SERIAL");

    private final String sql;
    private final List<Token> tokens;
    private final boolean mariaDb;
    private final boolean realAsFloat;
    private final boolean oracleTypes;
    private final String defaultSchema;
    private int at;
    private Optional<TableName> subject = Optional.empty();
    private final Map<String, AlterAction.AddPeriod> periods = new HashMap<>();
    private final Map<KeyDefinition.Part, String> periodParts = new IdentityHashMap<>();

    /** A column WITH SYSTEM VERSIONING makes the table a versioned one. */
    private boolean versionedColumn;

    private DdlKind subjectKind = DdlKind.ALTER_TABLE;

    /** Ends understanding; caught in {@link #parse}. */
    private static final class NotUnderstood extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotUnderstood(String message) {
            super(message, null, false, false);
        }
    }

    private DdlParser(
            String sql, boolean mariaDb, int version, long sqlMode, String defaultSchema) {
        this.sql = sql;
        this.mariaDb = mariaDb;
        this.realAsFloat = (sqlMode & MODE_REAL_AS_FLOAT) != 0;
        this.oracleTypes = mariaDb && (sqlMode & MODE_ORACLE) != 0;
        this.defaultSchema = defaultSchema;
        this.tokens =
                SqlLexer.tokens(
                        sql,
                        new SqlLexer.Rules(
                                (sqlMode & MODE_ANSI_QUOTES) != 0,
                                (sqlMode & MODE_NO_BACKSLASH_ESCAPES) != 0,
                                mariaDb,
                                version));
    }

    /**
     * Reads one statement.
     *
     * @param version of the server, as five or six digits
     * @param sqlMode bits of the session that ran it
     * @param defaultSchema its current database, empty when none
     */
    public static DdlStatement parse(
            String sql, boolean mariaDb, int version, long sqlMode, String defaultSchema) {
        DdlParser parser = new DdlParser(sql, mariaDb, version, sqlMode, defaultSchema);
        try {
            return parser.statement();
        } catch (NotUnderstood e) {
            Token token = parser.token();
            String near =
                    token.kind() == Kind.END
                            ? "the end"
                            : "'"
                                    + sql.substring(
                                            token.start(),
                                            Math.min(sql.length(), token.start() + 40))
                                    + "'";
            return new DdlStatement.Unparsable(
                    parser.subject, parser.subjectKind, e.getMessage() + " at " + near);
        }
    }

    /** Reads a type as {@code information_schema} shows it, such as {@code int(11) unsigned}. */
    static TypeSpec parseType(String columnType, boolean mariaDb, int version) {
        return new DdlParser(columnType, mariaDb, version, 0, "").type();
    }

    // ---- tokens

    private Token token() {
        return ahead(0);
    }

    private Token ahead(int n) {
        return tokens.get(Math.min(at + n, tokens.size() - 1));
    }

    private boolean is(String word) {
        return token().is(word);
    }

    private boolean is(String first, String second) {
        return token().is(first) && ahead(1).is(second);
    }

    private boolean isSymbol(char symbol) {
        return token().isSymbol(symbol);
    }

    private boolean take(String word) {
        if (token().is(word)) {
            at++;
            return true;
        }
        return false;
    }

    private boolean take(String first, String second) {
        if (is(first, second)) {
            at += 2;
            return true;
        }
        return false;
    }

    private boolean takeSymbol(char symbol) {
        if (token().isSymbol(symbol)) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(String word) {
        if (!take(word)) {
            throw new NotUnderstood(word + " expected");
        }
    }

    private void expectSymbol(char symbol) {
        if (!takeSymbol(symbol)) {
            throw new NotUnderstood("'" + symbol + "' expected");
        }
    }

    private boolean atEnd() {
        return token().kind() == Kind.END || isSymbol(';');
    }

    private String identifier() {
        Token token = token();
        if (token.kind() != Kind.WORD && token.kind() != Kind.NAME) {
            throw new NotUnderstood("name expected");
        }
        at++;
        return token.text();
    }

    /** A name that may also stand as a string: character sets, collations. */
    private String word() {
        Token token = token();
        if (token.kind() == Kind.STRING) {
            at++;
            return token.text();
        }
        return identifier();
    }

    private TableName tableName() {
        if (isSymbol('.')) {
            at++;
            return inDefaultSchema(identifier());
        }
        String first = identifier();
        if (takeSymbol('.')) {
            return new TableName(first, identifier());
        }
        return inDefaultSchema(first);
    }

    private TableName inDefaultSchema(String table) {
        if (defaultSchema.isEmpty()) {
            throw new NotUnderstood("no database is named for table " + table);
        }
        return new TableName(defaultSchema, table);
    }

    private TableName subjectName(DdlKind kind) {
        subjectKind = kind;
        TableName name = tableName();
        subject = Optional.of(name);
        return name;
    }

    private boolean takeIfExists() {
        return take("IF", "EXISTS");
    }

    private boolean takeIfNotExists() {
        if (is("IF", "NOT") && ahead(2).is("EXISTS")) {
            at += 3;
            return true;
        }
        return false;
    }

    /** At an opening parenthesis: steps behind its partner. */
    private void skipParentheses() {
        expectSymbol('(');
        int depth = 1;
        while (depth > 0) {
            Token token = token();
            if (token.kind() == Kind.END) {
                throw new NotUnderstood("')' expected");
            }
            if (token.isSymbol('(')) {
                depth++;
            } else if (token.isSymbol(')')) {
                depth--;
            }
            at++;
        }
    }

    /** Steps over the current token, or over the whole of a parenthesis. */
    private void skipOne() {
        if (isSymbol('(')) {
            skipParentheses();
        } else if (token().kind() != Kind.END) {
            at++;
        }
    }

    private int number() {
        Token token = token();
        if (token.kind() != Kind.NUMBER) {
            throw new NotUnderstood("number expected");
        }
        at++;
        try {
            return (int) Math.min(Integer.MAX_VALUE, Long.parseLong(token.text()));
        } catch (NumberFormatException e) {
            throw new NotUnderstood("whole number expected");
        }
    }

    private static DdlStatement irrelevant(String what) {
        return new DdlStatement.Irrelevant(what);
    }

    // ---- statements

    private DdlStatement statement() {
        if (take("SET", "STATEMENT")) {
            // MariaDB: settings for the one statement that follows.
            while (!is("FOR") && !atEnd()) {
                skipOne();
            }
            expect("FOR");
        }
        return switch (token().upper()) {
            case "CREATE" -> create();
            case "ALTER" -> alter();
            case "DROP" -> drop();
            case "RENAME" -> rename();
            case "TRUNCATE" -> truncate();
            default -> irrelevant(token().upper());
        };
    }

    private DdlStatement truncate() {
        at++;
        subjectKind = DdlKind.TRUNCATE_TABLE;
        if (!take("TABLE")) {
            take("TABLES");
        }
        return new DdlStatement.TruncateTable(subjectName(DdlKind.TRUNCATE_TABLE));
    }

    private DdlStatement rename() {
        at++;
        if (!take("TABLE") && !take("TABLES")) {
            return irrelevant("RENAME " + token().upper());
        }
        boolean ifExists = takeIfExists();
        List<DdlStatement.RenameTables.Rename> renames = new ArrayList<>();
        do {
            TableName from = subjectName(DdlKind.RENAME_TABLE);
            skipWait();
            expect("TO");
            renames.add(new DdlStatement.RenameTables.Rename(from, tableName()));
        } while (takeSymbol(','));
        expectEnd();
        return new DdlStatement.RenameTables(renames, ifExists);
    }

    private void skipWait() {
        if (take("WAIT")) {
            at++;
        } else {
            take("NOWAIT");
        }
    }

    private void expectEnd() {
        if (!atEnd()) {
            throw new NotUnderstood("end of statement expected");
        }
    }

    private DdlStatement drop() {
        at++;
        boolean temporary = take("TEMPORARY");
        if (take("TABLE") || take("TABLES")) {
            DdlStatement statement = dropNames(DdlKind.DROP_TABLE);
            return temporary ? irrelevant("DROP TEMPORARY TABLE") : statement;
        }
        if (take("VIEW")) {
            return dropNames(DdlKind.DROP_VIEW);
        }
        if (mariaDb && take("SEQUENCE")) {
            DdlStatement.DropTables dropped =
                    (DdlStatement.DropTables) dropNames(DdlKind.DROP_TABLE);
            return temporary
                    ? irrelevant("DROP TEMPORARY SEQUENCE")
                    : new DdlStatement.DropSequences(dropped.names());
        }
        if (take("DATABASE") || take("SCHEMA")) {
            subjectKind = DdlKind.DROP_SCHEMA;
            boolean ifExists = takeIfExists();
            return new DdlStatement.DropDatabase(identifier(), ifExists);
        }
        if (!take("ONLINE")) {
            take("OFFLINE");
        }
        if (take("INDEX")) {
            subjectKind = DdlKind.DROP_INDEX;
            boolean ifExists = takeIfExists();
            String index = identifier();
            expect("ON");
            TableName table = subjectName(DdlKind.DROP_INDEX);
            return new DdlStatement.AlterTable(
                    table, false, List.of(new AlterAction.DropIndex(index, ifExists)));
        }
        return irrelevant("DROP " + token().upper());
    }

    private DdlStatement dropNames(DdlKind kind) {
        subjectKind = kind;
        boolean ifExists = takeIfExists();
        List<TableName> names = new ArrayList<>();
        do {
            names.add(subjectName(kind));
        } while (takeSymbol(','));
        skipWait();
        if (!take("RESTRICT")) {
            take("CASCADE");
        }
        expectEnd();
        return new DdlStatement.DropTables(names, ifExists, kind == DdlKind.DROP_VIEW);
    }

    /** Steps over what may stand between CREATE or ALTER and the kind of a stored object. */
    private void skipObjectPrefix() {
        while (true) {
            if (take("ALGORITHM")) {
                takeSymbol('=');
                at++;
            } else if (take("DEFINER")) {
                expectSymbol('=');
                word();
                if (isSymbol('(')) {
                    skipParentheses();
                }
                if (takeSymbol('@')) {
                    word();
                }
            } else if (take("SQL", "SECURITY")) {
                at++;
            } else if (!take("AGGREGATE") && !take("ONLINE") && !take("OFFLINE")) {
                return;
            }
        }
    }

    private DdlStatement create() {
        at++;
        boolean orReplace = take("OR", "REPLACE");
        boolean temporary = take("TEMPORARY");
        skipObjectPrefix();
        if (take("TABLE")) {
            return createTable(orReplace, temporary);
        }
        if (mariaDb && take("SEQUENCE")) {
            takeIfNotExists();
            TableName name = subjectName(DdlKind.CREATE_TABLE);
            return temporary
                    ? irrelevant("CREATE TEMPORARY SEQUENCE")
                    : new DdlStatement.CreateSequence(name);
        }
        if (take("VIEW")) {
            takeIfNotExists();
            return new DdlStatement.CreateView(subjectName(DdlKind.CREATE_VIEW));
        }
        if (take("DATABASE") || take("SCHEMA")) {
            subjectKind = DdlKind.CREATE_SCHEMA;
            boolean ifNotExists = takeIfNotExists();
            String name = identifier();
            TableOptions options = databaseOptions();
            return new DdlStatement.CreateDatabase(
                    name, orReplace, ifNotExists, options.charset(), options.collation());
        }
        KeyDefinition.Kind indexKind = KeyDefinition.Kind.PLAIN;
        if (is("UNIQUE", "INDEX")) {
            at++;
            indexKind = KeyDefinition.Kind.UNIQUE;
        } else if (is("FULLTEXT", "INDEX") || is("SPATIAL", "INDEX") || is("VECTOR", "INDEX")) {
            at++;
        }
        if (take("INDEX")) {
            subjectKind = DdlKind.ADD_INDEX;
            boolean ifNotExists = takeIfNotExists();
            String name = identifier();
            skipIndexType();
            expect("ON");
            TableName table = subjectName(DdlKind.ADD_INDEX);
            List<KeyDefinition.Part> parts = keyParts();
            // Index options, ALGORITHM and LOCK follow and change nothing here.
            return new DdlStatement.AlterTable(
                    table,
                    false,
                    List.of(
                            new AlterAction.AddIndex(
                                    new IndexSpec(
                                            Optional.of(name),
                                            indexKind,
                                            parts,
                                            false,
                                            ifNotExists,
                                            orReplace))));
        }
        return irrelevant("CREATE " + token().upper());
    }

    private TableOptions databaseOptions() {
        Optional<String> charset = Optional.empty();
        Optional<String> collation = Optional.empty();
        while (!atEnd()) {
            take("DEFAULT");
            if (takeCharset()) {
                takeSymbol('=');
                charset = Optional.of(word());
            } else if (take("COLLATE")) {
                takeSymbol('=');
                collation = Optional.of(word());
            } else {
                skipOne();
            }
        }
        return new TableOptions(charset, collation);
    }

    private boolean takeCharset() {
        return take("CHARSET") || take("CHARACTER", "SET") || take("CHAR", "SET");
    }

    private DdlStatement alter() {
        at++;
        boolean moved = true;
        while (moved) {
            moved = take("ONLINE") || take("OFFLINE") || take("IGNORE");
        }
        skipObjectPrefix();
        if (take("TABLE")) {
            return alterTable();
        }
        if (take("VIEW")) {
            takeIfExists();
            return new DdlStatement.CreateView(subjectName(DdlKind.CREATE_VIEW));
        }
        if (take("DATABASE") || take("SCHEMA")) {
            subjectKind = DdlKind.SCHEMA_CHARSET;
            boolean unnamed =
                    is("DEFAULT")
                            || is("CHARACTER", "SET")
                            || is("CHARSET")
                            || is("COLLATE")
                            || is("ENCRYPTION")
                            || is("READ", "ONLY");
            String name = unnamed ? defaultSchema : identifier();
            if (name.isEmpty()) {
                throw new NotUnderstood("no database is named");
            }
            TableOptions options = databaseOptions();
            return new DdlStatement.AlterDatabase(name, options.charset(), options.collation());
        }
        return irrelevant("ALTER " + token().upper());
    }

    // ---- CREATE TABLE

    private DdlStatement createTable(boolean orReplace, boolean temporary) {
        boolean ifNotExists = takeIfNotExists();
        TableName name = subjectName(DdlKind.CREATE_TABLE);
        if (temporary) {
            return irrelevant("CREATE TEMPORARY TABLE");
        }
        Optional<TableName> like = Optional.empty();
        List<ColumnSpec> columns = new ArrayList<>();
        List<IndexSpec> indexes = new ArrayList<>();
        boolean select = false;
        if (take("LIKE")) {
            like = Optional.of(tableName());
        } else if (isSymbol('(') && ahead(1).is("LIKE")) {
            at += 2;
            like = Optional.of(tableName());
            expectSymbol(')');
        } else if (isSymbol('(') && !startsQuery(1)) {
            at++;
            do {
                tableElement(columns, indexes);
            } while (takeSymbol(','));
            expectSymbol(')');
        }
        Optional<String> charset = Optional.empty();
        Optional<String> collation = Optional.empty();
        Optional<TextRange> startTransaction = Optional.empty();
        boolean versioned = false;
        boolean partitions = false;
        while (!atEnd()) {
            if (is("START", "TRANSACTION")) {
                startTransaction = Optional.of(new TextRange(token().start(), ahead(1).end()));
                at += 2;
            } else if (is("WITH", "SYSTEM") && ahead(2).is("VERSIONING")) {
                at += 3;
                versioned = true;
            } else if (!partitions && takeCharset()) {
                takeSymbol('=');
                charset = Optional.of(word());
            } else if (!partitions && take("COLLATE")) {
                takeSymbol('=');
                collation = Optional.of(word());
            } else if (is("PARTITION", "BY")) {
                at += 2;
                partitions = true;
            } else if (startsQuery(0)) {
                select = true;
                break;
            } else {
                skipOne();
            }
        }
        return new DdlStatement.CreateTable(
                name,
                orReplace,
                ifNotExists,
                like,
                select,
                columns.stream().map(this::notNullInPeriods).toList(),
                indexes.stream().map(this::withPeriods).toList(),
                new TableOptions(charset, collation),
                versioned || versionedColumn,
                startTransaction);
    }

    /** Whether the token at the offset begins the query of a CREATE ... SELECT. */
    private boolean startsQuery(int offset) {
        int n = offset;
        while (ahead(n).isSymbol('(')) {
            n++;
        }
        Token token = ahead(n);
        boolean with = token.is("WITH") && !ahead(n + 1).is("SYSTEM");
        return token.is("SELECT")
                || with
                || n == offset
                        && (token.is("AS") || token.is("IGNORE") || token.is("REPLACE"))
                        && !ahead(n + 1).isSymbol('=')
                || token.is("VALUES") && (n > offset || ahead(n + 1).is("ROW"))
                || token.is("TABLE") && offset == 0;
    }

    private void tableElement(List<ColumnSpec> columns, List<IndexSpec> indexes) {
        if (is("PERIOD", "FOR")) {
            period();
            return;
        }
        Optional<List<IndexSpec>> constraint = constraint();
        if (constraint.isPresent()) {
            indexes.addAll(constraint.get());
            return;
        }
        ColumnSpec column = column();
        columns.add(column.withoutKeys());
        indexes.addAll(column.keys());
    }

    /** PERIOD FOR name (start, end): both columns are NOT NULL. */
    private AlterAction.AddPeriod period() {
        at += 2;
        takeIfNotExists();
        String name = identifier();
        expectSymbol('(');
        String start = identifier();
        expectSymbol(',');
        String end = identifier();
        expectSymbol(')');
        AlterAction.AddPeriod period = new AlterAction.AddPeriod(start, end);
        periods.put(TableDefinition.fold(name), period);
        return period;
    }

    /** Stands for the columns of a period, which the statement may define later. */
    private KeyDefinition.Part periodPart(String period) {
        KeyDefinition.Part part = new KeyDefinition.Part(period, 0);
        periodParts.put(part, TableDefinition.fold(period));
        return part;
    }

    /** Puts the columns of periods in their place: the server indexes the end, then the start. */
    private IndexSpec withPeriods(IndexSpec index) {
        if (periodParts.isEmpty()) {
            return index;
        }
        List<KeyDefinition.Part> parts = new ArrayList<>();
        for (KeyDefinition.Part part : index.parts()) {
            String name = periodParts.get(part);
            if (name == null) {
                parts.add(part);
                continue;
            }
            AlterAction.AddPeriod period = periods.get(name);
            if (period == null) {
                throw new NotUnderstood("the columns of period " + name + " are not known");
            }
            parts.add(new KeyDefinition.Part(period.end(), 0));
            parts.add(new KeyDefinition.Part(period.start(), 0));
        }
        return new IndexSpec(
                index.name(),
                index.kind(),
                parts,
                index.foreignKey(),
                index.ifNotExists(),
                index.orReplace());
    }

    private ColumnSpec notNullInPeriods(ColumnSpec column) {
        boolean inPeriod =
                periods.values().stream()
                        .anyMatch(p ->
                                p.start().equalsIgnoreCase(column.name())
                                        || p.end().equalsIgnoreCase(column.name()));
        return inPeriod ? column.withNullness(Nullness.NOT_NULL) : column;
    }

    /** A table constraint or index, when there is one; empty list for those without an index. */
    private Optional<List<IndexSpec>> constraint() {
        Optional<String> constraintName = Optional.empty();
        boolean ifNotExists = false;
        if (take("CONSTRAINT")) {
            ifNotExists = takeIfNotExists();
            if (!is("PRIMARY") && !is("UNIQUE") && !is("FOREIGN") && !is("CHECK")) {
                constraintName = Optional.of(identifier());
            }
        }
        if (take("PRIMARY")) {
            expect("KEY");
            return Optional.of(
                    List.of(index(Optional.of("PRIMARY"), KeyDefinition.Kind.PRIMARY, false)));
        }
        if (take("UNIQUE")) {
            if (!take("INDEX")) {
                take("KEY");
            }
            return Optional.of(
                    List.of(index(constraintName, KeyDefinition.Kind.UNIQUE, ifNotExists)));
        }
        if (take("FOREIGN")) {
            expect("KEY");
            IndexSpec plain = index(constraintName, KeyDefinition.Kind.PLAIN, ifNotExists);
            references();
            return Optional.of(
                    List.of(
                            new IndexSpec(
                                    plain.name(),
                                    plain.kind(),
                                    plain.parts(),
                                    true,
                                    plain.ifNotExists(),
                                    false)));
        }
        if (take("CHECK")) {
            skipParentheses();
            skipEnforced();
            return Optional.of(List.of());
        }
        if (constraintName.isPresent()) {
            throw new NotUnderstood("unknown constraint");
        }
        if (is("FULLTEXT") || is("SPATIAL") || is("VECTOR") && isIndexWord(ahead(1))) {
            at++;
            if (!take("INDEX")) {
                take("KEY");
            }
            return Optional.of(List.of(index(Optional.empty(), KeyDefinition.Kind.PLAIN, false)));
        }
        if (take("INDEX") || take("KEY")) {
            return Optional.of(List.of(index(Optional.empty(), KeyDefinition.Kind.PLAIN, false)));
        }
        return Optional.empty();
    }

    private static boolean isIndexWord(Token token) {
        return token.is("INDEX") || token.is("KEY");
    }

    private void skipEnforced() {
        if (take("NOT", "ENFORCED")) {
            return;
        }
        take("ENFORCED");
    }

    /** From behind KEY: name, type, parts and options. */
    private IndexSpec index(
            Optional<String> givenName, KeyDefinition.Kind kind, boolean ifNotExistsBefore) {
        boolean ifNotExists = takeIfNotExists() | ifNotExistsBefore;
        Optional<String> name = givenName;
        if (!isSymbol('(') && !is("USING") && !(is("TYPE") && !ahead(1).isSymbol('('))) {
            String own = identifier();
            name = kind == KeyDefinition.Kind.PRIMARY ? givenName : Optional.of(own);
        }
        skipIndexType();
        List<KeyDefinition.Part> parts = keyParts();
        indexOptions();
        return new IndexSpec(name, kind, parts, false, ifNotExists, false);
    }

    private void skipIndexType() {
        if (take("USING") || take("TYPE")) {
            at++;
        }
    }

    /** Steps over index options up to a comma, the end, or a word that is none. */
    private void indexOptions() {
        while (true) {
            if (take("USING") || take("TYPE") || take("WITH", "PARSER")) {
                at++;
            } else if (take("KEY_BLOCK_SIZE")
                    || take("COMMENT")
                    || take("ENGINE_ATTRIBUTE")
                    || take("SECONDARY_ENGINE_ATTRIBUTE")
                    || take("CLUSTERING")) {
                takeSymbol('=');
                at++;
            } else if (take("NOT", "IGNORED")
                    || take("VISIBLE")
                    || take("INVISIBLE")
                    || take("IGNORED")) {
                continue;
            } else if (token().kind() == Kind.WORD && ahead(1).isSymbol('=')) {
                // MariaDB: options that a storage engine defines, such as M=8 of a vector index.
                if (is("ALGORITHM") || is("LOCK")) {
                    return;
                }
                at += 3;
            } else {
                return;
            }
        }
    }

    private List<KeyDefinition.Part> keyParts() {
        expectSymbol('(');
        List<KeyDefinition.Part> parts = new ArrayList<>();
        do {
            if (isSymbol('(')) {
                skipParentheses();
                parts.add(new KeyDefinition.Part("", 0));
            } else {
                String column = identifier();
                int prefix = 0;
                if (takeSymbol('(')) {
                    prefix = number();
                    expectSymbol(')');
                }
                parts.add(new KeyDefinition.Part(column, prefix));
            }
            if (!take("ASC")) {
                take("DESC");
            }
            if (take("WITHOUT", "OVERLAPS")) {
                parts.add(periodPart(parts.removeLast().column()));
            }
        } while (takeSymbol(','));
        expectSymbol(')');
        return parts;
    }

    private void references() {
        expect("REFERENCES");
        tableNameOrAny();
        if (isSymbol('(')) {
            skipParentheses();
        }
        while (true) {
            if (take("MATCH")) {
                at++;
            } else if (is("ON", "DELETE") || is("ON", "UPDATE")) {
                at += 2;
                if (take("SET") || take("NO")) {
                    at++;
                } else {
                    at++;
                }
            } else {
                return;
            }
        }
    }

    private void tableNameOrAny() {
        identifier();
        if (takeSymbol('.')) {
            identifier();
        }
    }

    // ---- columns

    private ColumnSpec column() {
        return columnBehind(identifier());
    }

    private ColumnSpec columnBehind(String name) {
        if (is("SERIAL")) {
            at++;
            TypeSpec type = plainType(ColumnKind.BIGINT, "bigint", -1, -1, true, false, List.of());
            return attributes(
                    name,
                    type,
                    Nullness.NOT_NULL,
                    List.of(columnKey(name, KeyDefinition.Kind.UNIQUE)));
        }
        return attributes(name, type(), Nullness.DEFAULT, List.of());
    }

    private static IndexSpec columnKey(String column, KeyDefinition.Kind kind) {
        return new IndexSpec(
                kind == KeyDefinition.Kind.PRIMARY ? Optional.of("PRIMARY") : Optional.empty(),
                kind,
                List.of(new KeyDefinition.Part(column, 0)),
                false,
                false,
                false);
    }

    private static void addOnce(List<IndexSpec> keys, IndexSpec key) {
        if (!keys.contains(key)) {
            keys.add(key);
        }
    }

    private ColumnSpec attributes(
            String name, TypeSpec written, Nullness given, List<IndexSpec> givenKeys) {
        TypeSpec type = written;
        Nullness nullness = given;
        Column.Generated generated = Column.Generated.NONE;
        boolean invisible = false;
        Optional<String> defaultValue = Optional.empty();
        List<IndexSpec> keys = new ArrayList<>(givenKeys);
        while (true) {
            if (take("NOT", "NULL")) {
                nullness = Nullness.NOT_NULL;
            } else if (take("NULL")) {
                nullness = Nullness.NULL;
            } else if (take("SERIAL", "DEFAULT")) {
                expect("VALUE");
                nullness = Nullness.NOT_NULL;
                addOnce(keys, columnKey(name, KeyDefinition.Kind.UNIQUE));
            } else if (take("DEFAULT")) {
                defaultValue = defaultValue();
            } else if (take("ON", "UPDATE")) {
                skipOne();
                if (isSymbol('(')) {
                    skipParentheses();
                }
            } else if (take("AUTO_INCREMENT")) {
                nullness = Nullness.NOT_NULL;
            } else if (take("UNIQUE")) {
                take("KEY");
                addOnce(keys, columnKey(name, KeyDefinition.Kind.UNIQUE));
            } else if (take("PRIMARY", "KEY") || take("PRIMARY") || take("KEY")) {
                addOnce(keys, columnKey(name, KeyDefinition.Kind.PRIMARY));
            } else if (take("COMMENT")
                    || take("COLUMN_FORMAT")
                    || take("STORAGE")
                    || take("SRID")) {
                at++;
            } else if (take("ENGINE_ATTRIBUTE")
                    || take("SECONDARY_ENGINE_ATTRIBUTE")
                    || take("REF_SYSTEM_ID")) {
                takeSymbol('=');
                at++;
            } else if (take("COLLATE")) {
                takeSymbol('=');
                type = withCollation(type, word());
            } else if (takeCharset()) {
                type = withCharset(type, word());
            } else if (take("VISIBLE")) {
                invisible = false;
            } else if (take("INVISIBLE")) {
                invisible = true;
            } else if (take("GENERATED")) {
                if (!take("ALWAYS") && take("BY", "DEFAULT")) {
                    throw new NotUnderstood("GENERATED BY DEFAULT is not known");
                }
                expect("AS");
                if (is("ROW")) {
                    defaultValue = rowTime();
                }
                generated = generatedBehindAs();
            } else if (take("AS")) {
                if (is("ROW")) {
                    defaultValue = rowTime();
                }
                generated = generatedBehindAs();
            } else if (is("REFERENCES")) {
                references();
            } else if (take("CONSTRAINT")) {
                if (!is("CHECK")) {
                    identifier();
                }
                expect("CHECK");
                skipParentheses();
                skipEnforced();
            } else if (take("CHECK")) {
                skipParentheses();
                skipEnforced();
            } else if (take("NOT", "SECONDARY")) {
                continue;
            } else if ((is("WITH", "SYSTEM") || is("WITHOUT", "SYSTEM"))
                    && ahead(2).is("VERSIONING")) {
                versionedColumn |= is("WITH");
                at += 3;
            } else if (take("COMPRESSED")) {
                if (takeSymbol('=')) {
                    at++;
                }
            } else if (token().kind() != Kind.SYMBOL && ahead(1).isSymbol('=')) {
                // MariaDB: attributes that a storage engine defines.
                at += 3;
            } else {
                break;
            }
        }
        if (mariaDb && keys.stream().anyMatch(k -> k.kind() == KeyDefinition.Kind.PRIMARY)) {
            // MySQL makes both keys of UNIQUE PRIMARY KEY, MariaDB only the primary.
            keys.removeIf(k -> k.kind() == KeyDefinition.Kind.UNIQUE);
        }
        return new ColumnSpec(name, type, nullness, generated, invisible, defaultValue, keys);
    }

    private Optional<String> rowTime() {
        return Optional.of(ahead(1).is("START") ? ColumnTypes.ROW_START : ColumnTypes.ROW_END);
    }

    private Column.Generated generatedBehindAs() {
        if (take("ROW")) {
            at++;
            return Column.Generated.STORED;
        }
        skipParentheses();
        if (take("STORED") || take("PERSISTENT")) {
            return Column.Generated.STORED;
        }
        take("VIRTUAL");
        return Column.Generated.VIRTUAL;
    }

    private Optional<String> defaultValue() {
        if (take("NULL")) {
            return Optional.empty();
        }
        int start = token().start();
        int end = start;
        boolean first = true;
        while (!atEnd() && !isSymbol(',') && !isSymbol(')')) {
            Token token = token();
            boolean ends =
                    !first
                            && token.kind() == Kind.WORD
                            && (ATTRIBUTE_WORDS.contains(token.upper())
                                    || token.is("NOT") && ahead(1).is("NULL")
                                    || token.is("ON") && ahead(1).is("UPDATE")
                                    || token.is("WITH") && ahead(1).is("SYSTEM")
                                    || token.is("REMOVE") && ahead(1).is("PARTITIONING"));
            if (ends) {
                break;
            }
            skipOne();
            end = tokens.get(Math.min(at, tokens.size()) - 1).end();
            first = false;
        }
        if (first) {
            throw new NotUnderstood("default value expected");
        }
        return Optional.of(sql.substring(start, end));
    }

    private static TypeSpec plainType(
            ColumnKind kind,
            String word,
            int length,
            int scale,
            boolean unsigned,
            boolean zerofill,
            List<String> elements) {
        return new TypeSpec(
                kind,
                word,
                length,
                scale,
                unsigned,
                zerofill,
                elements,
                Optional.empty(),
                Optional.empty(),
                false);
    }

    private static TypeSpec withCharset(TypeSpec t, String charset) {
        return new TypeSpec(
                t.kind(),
                t.word(),
                t.length(),
                t.scale(),
                t.unsigned(),
                t.zerofill(),
                t.elements(),
                Optional.of(charset),
                t.collation(),
                t.binaryCollation());
    }

    private static TypeSpec withCollation(TypeSpec t, String collation) {
        return new TypeSpec(
                t.kind(),
                t.word(),
                t.length(),
                t.scale(),
                t.unsigned(),
                t.zerofill(),
                t.elements(),
                t.charset(),
                Optional.of(collation),
                t.binaryCollation());
    }

    private TypeSpec type() {
        if (ahead(1).isSymbol('.') && token().kind() == Kind.WORD) {
            // MariaDB writes mariadb_schema.date when a mode changes what a bare word means.
            at += 2;
        }
        String word = identifier().toUpperCase(Locale.ROOT);
        return switch (word) {
            case "TINYINT", "INT1" -> integer(ColumnKind.TINYINT, "tinyint");
            case "SMALLINT", "INT2" -> integer(ColumnKind.SMALLINT, "smallint");
            case "MEDIUMINT", "INT3", "MIDDLEINT" -> integer(ColumnKind.MEDIUMINT, "mediumint");
            case "INT", "INTEGER", "INT4" -> integer(ColumnKind.INT, "int");
            case "BIGINT", "INT8" -> integer(ColumnKind.BIGINT, "bigint");
            case "BOOL", "BOOLEAN" ->
                    plainType(ColumnKind.TINYINT, "tinyint", 1, -1, false, false, List.of());
            case "BIT" -> {
                int bits = optionalLength(1);
                yield plainType(ColumnKind.BIT, "bit", bits, -1, false, false, List.of());
            }
            case "DECIMAL", "DEC", "NUMERIC", "FIXED" -> numeric(ColumnKind.DECIMAL, "decimal");
            case "NUMBER" -> {
                if (!mariaDb) {
                    throw new NotUnderstood("unknown type " + word);
                }
                yield isSymbol('(')
                        ? numeric(ColumnKind.DECIMAL, "decimal")
                        : numeric(ColumnKind.DOUBLE, "double");
            }
            case "FLOAT", "FLOAT4" -> floating();
            case "DOUBLE", "FLOAT8" -> {
                take("PRECISION");
                yield numeric(ColumnKind.DOUBLE, "double");
            }
            case "REAL" ->
                    realAsFloat
                            ? numeric(ColumnKind.FLOAT, "float")
                            : numeric(ColumnKind.DOUBLE, "double");
            case "DATE" ->
                    oracleTypes && !atSchemaQualified()
                            ? temporal(ColumnKind.DATETIME, "datetime")
                            : temporal(ColumnKind.DATE, "date");
            case "TIME" -> temporal(ColumnKind.TIME, "time");
            case "DATETIME" -> temporal(ColumnKind.DATETIME, "datetime");
            case "TIMESTAMP" -> temporal(ColumnKind.TIMESTAMP, "timestamp");
            case "YEAR" -> {
                optionalLength(4);
                skipNumericOptions();
                yield plainType(ColumnKind.YEAR, "year", -1, -1, false, false, List.of());
            }
            case "CHAR", "CHARACTER" -> {
                if (take("VARYING")) {
                    yield text(ColumnKind.VARCHAR, "varchar", optionalLength(-1));
                }
                yield text(ColumnKind.CHAR, "char", optionalLength(1));
            }
            case "VARCHAR", "VARCHARACTER", "VARCHAR2" ->
                    text(ColumnKind.VARCHAR, "varchar", optionalLength(-1));
            case "NATIONAL" -> {
                boolean varying = take("VARCHAR") || take("VARCHARACTER");
                if (!varying) {
                    at++;
                    varying = take("VARYING");
                }
                yield national(varying);
            }
            case "NCHAR" -> national(take("VARCHAR") || take("VARCHARACTER") || take("VARYING"));
            case "NVARCHAR" -> national(true);
            case "BINARY" -> {
                int bytes = optionalLength(1);
                yield plainType(ColumnKind.BINARY, "binary", bytes, -1, false, false, List.of());
            }
            case "VARBINARY", "RAW" -> {
                int bytes = optionalLength(-1);
                yield plainType(
                        ColumnKind.VARBINARY, "varbinary", bytes, -1, false, false, List.of());
            }
            case "TINYTEXT" -> text(ColumnKind.TINYTEXT, "tinytext", -1);
            case "TEXT" -> text(ColumnKind.TEXT, "text", optionalLength(-1));
            case "MEDIUMTEXT" -> text(ColumnKind.MEDIUMTEXT, "mediumtext", -1);
            case "LONGTEXT", "CLOB" -> text(ColumnKind.LONGTEXT, "longtext", -1);
            case "LONG" -> {
                if (take("VARBINARY")) {
                    yield plainType(
                            ColumnKind.MEDIUMBLOB, "mediumblob", -1, -1, false, false, List.of());
                }
                if (!take("VARCHAR") && !take("VARCHARACTER") && !take("CHAR", "VARYING")) {
                    take("CHARACTER", "VARYING");
                }
                yield text(ColumnKind.MEDIUMTEXT, "mediumtext", -1);
            }
            case "TINYBLOB" -> blob(ColumnKind.TINYBLOB, "tinyblob", -1);
            case "BLOB" ->
                    oracleTypes && !isSymbol('(')
                            ? blob(ColumnKind.LONGBLOB, "longblob", -1)
                            : blob(ColumnKind.BLOB, "blob", optionalLength(-1));
            case "MEDIUMBLOB" -> blob(ColumnKind.MEDIUMBLOB, "mediumblob", -1);
            case "LONGBLOB" -> blob(ColumnKind.LONGBLOB, "longblob", -1);
            case "ENUM" -> choice(ColumnKind.ENUM, "enum");
            case "SET" -> choice(ColumnKind.SET, "set");
            case "JSON" ->
                    mariaDb
                            ? new TypeSpec(
                                    ColumnKind.LONGTEXT,
                                    "longtext",
                                    -1,
                                    -1,
                                    false,
                                    false,
                                    List.of(),
                                    Optional.of("utf8mb4"),
                                    Optional.of("utf8mb4_bin"),
                                    false)
                            : plainType(ColumnKind.JSON, "json", -1, -1, false, false, List.of());
            case "GEOMETRY",
                    "POINT",
                    "LINESTRING",
                    "POLYGON",
                    "MULTIPOINT",
                    "MULTILINESTRING",
                    "MULTIPOLYGON" ->
                    blob(ColumnKind.GEOMETRY, TableDefinition.fold(word), -1);
            case "GEOMETRYCOLLECTION", "GEOMCOLLECTION" ->
                    blob(
                            ColumnKind.GEOMETRY,
                            mariaDb ? "geometrycollection" : "geomcollection",
                            -1);
            case "VECTOR" -> {
                int dimensions = optionalLength(2048);
                yield plainType(
                        ColumnKind.VECTOR, "vector", dimensions, -1, false, false, List.of());
            }
            case "UUID" -> mariaDbType(ColumnKind.UUID, "uuid");
            case "INET4" -> mariaDbType(ColumnKind.INET4, "inet4");
            case "INET6" -> mariaDbType(ColumnKind.INET6, "inet6");
            default -> {
                at--;
                throw new NotUnderstood("unknown type " + word);
            }
        };
    }

    private boolean atSchemaQualified() {
        return at >= 2 && tokens.get(at - 2).isSymbol('.');
    }

    private TypeSpec mariaDbType(ColumnKind kind, String word) {
        if (!mariaDb) {
            at--;
            throw new NotUnderstood("unknown type " + word);
        }
        return plainType(kind, word, -1, -1, false, false, List.of());
    }

    private int optionalLength(int otherwise) {
        if (!takeSymbol('(')) {
            return otherwise;
        }
        int length = number();
        if (take("CHAR") || take("BYTE")) {
            // Oracle mode of MariaDB: VARCHAR2(10 CHAR).
        }
        expectSymbol(')');
        return length;
    }

    /** UNSIGNED, SIGNED and ZEROFILL in any order. Bit 0: unsigned, bit 1: zerofill. */
    private int skipNumericOptions() {
        int found = 0;
        while (true) {
            if (take("UNSIGNED")) {
                found |= 1;
            } else if (take("ZEROFILL")) {
                found |= 3;
            } else if (!take("SIGNED")) {
                return found;
            }
        }
    }

    private TypeSpec integer(ColumnKind kind, String word) {
        int width = optionalLength(-1);
        int options = skipNumericOptions();
        return plainType(kind, word, width, -1, (options & 1) != 0, (options & 2) != 0, List.of());
    }

    private TypeSpec numeric(ColumnKind kind, String word) {
        int precision = -1;
        int scale = -1;
        if (takeSymbol('(')) {
            precision = number();
            if (takeSymbol(',')) {
                scale = number();
            }
            expectSymbol(')');
        }
        if (kind == ColumnKind.DECIMAL) {
            precision = precision <= 0 ? 10 : precision;
            scale = Math.max(scale, 0);
        }
        int options = skipNumericOptions();
        return plainType(
                kind, word, precision, scale, (options & 1) != 0, (options & 2) != 0, List.of());
    }

    private TypeSpec floating() {
        TypeSpec written = numeric(ColumnKind.FLOAT, "float");
        if (written.scale() >= 0 || written.length() < 0) {
            return written;
        }
        // FLOAT(p): p only chooses between the two sizes.
        boolean wide = written.length() > 24;
        return plainType(
                wide ? ColumnKind.DOUBLE : ColumnKind.FLOAT,
                wide ? "double" : "float",
                -1,
                -1,
                written.unsigned(),
                written.zerofill(),
                List.of());
    }

    private TypeSpec temporal(ColumnKind kind, String word) {
        int digits = optionalLength(-1);
        return plainType(kind, word, -1, Math.max(digits, 0), false, false, List.of());
    }

    private TypeSpec blob(ColumnKind kind, String word, int length) {
        return plainType(kind, word, length, -1, false, false, List.of());
    }

    private TypeSpec national(boolean varying) {
        TypeSpec text =
                varying
                        ? text(ColumnKind.VARCHAR, "varchar", optionalLength(-1))
                        : text(ColumnKind.CHAR, "char", optionalLength(1));
        return withCharset(text, "utf8mb3");
    }

    private TypeSpec choice(ColumnKind kind, String word) {
        expectSymbol('(');
        List<String> elements = new ArrayList<>();
        do {
            Token token = token();
            Optional<byte[]> bytes = bytes();
            if (bytes.isPresent()) {
                if (bytes.get().length > 0 && !isAscii(bytes.get())) {
                    throw new NotUnderstood("bytes of ENUM elements are known in ASCII only");
                }
                elements.add(
                        new String(bytes.get(), StandardCharsets.US_ASCII).replaceAll(" +$", ""));
                continue;
            }
            if (token.kind() == Kind.WORD && ahead(1).kind() == Kind.STRING) {
                // A character set introducer, or N'...'.
                if (!token.text().startsWith("_") && !token.is("N")) {
                    throw new NotUnderstood("text expected");
                }
                at++;
                token = token();
            }
            if (token.kind() != Kind.STRING) {
                throw new NotUnderstood("text expected");
            }
            at++;
            StringBuilder element = new StringBuilder(token.text());
            while (token().kind() == Kind.STRING) {
                element.append(token().text());
                at++;
            }
            // The server strips blanks at the end of elements.
            elements.add(element.toString().replaceAll(" +$", ""));
        } while (takeSymbol(','));
        expectSymbol(')');
        return textOptions(plainType(kind, word, -1, -1, false, false, elements));
    }

    private static boolean isAscii(byte[] bytes) {
        for (byte b : bytes) {
            if (b < 0) {
                return false;
            }
        }
        return true;
    }

    /** The bytes of {@code x'41'}, {@code 0x41} or {@code b'01000001'}, when one stands here. */
    private Optional<byte[]> bytes() {
        Token first = token();
        boolean quoted =
                first.kind() == Kind.WORD
                        && ahead(1).kind() == Kind.STRING
                        && ahead(1).start() == first.end();
        String digits;
        int radix;
        if (quoted && (first.is("X") || first.is("B"))) {
            digits = ahead(1).text();
            radix = first.is("X") ? 16 : 2;
        } else if (first.kind() == Kind.WORD
                && (first.text().startsWith("0x") || first.text().startsWith("0b"))) {
            digits = first.text().substring(2);
            radix = first.text().startsWith("0x") ? 16 : 2;
            quoted = false;
        } else {
            return Optional.empty();
        }
        try {
            byte[] value = new BigInteger("1" + padded(digits, radix), radix).toByteArray();
            at += quoted ? 2 : 1;
            return Optional.of(Arrays.copyOfRange(value, 1, value.length));
        } catch (NumberFormatException e) {
            throw new NotUnderstood("digits expected");
        }
    }

    /** Digits in front so that they are whole bytes. */
    private static String padded(String digits, int radix) {
        int perByte = radix == 16 ? 2 : 8;
        return "0".repeat((perByte - digits.length() % perByte) % perByte) + digits;
    }

    private TypeSpec text(ColumnKind kind, String word, int length) {
        return textOptions(plainType(kind, word, length, -1, false, false, List.of()));
    }

    private TypeSpec textOptions(TypeSpec bare) {
        Optional<String> charset = Optional.empty();
        boolean binary = false;
        while (true) {
            if (takeCharset()) {
                takeSymbol('=');
                charset = Optional.of(word());
            } else if (take("ASCII")) {
                charset = Optional.of("latin1");
            } else if (take("UNICODE")) {
                charset = Optional.of("ucs2");
            } else if (take("BYTE")) {
                charset = Optional.of("binary");
            } else if (take("BINARY")) {
                binary = true;
            } else {
                break;
            }
        }
        return new TypeSpec(
                bare.kind(),
                bare.word(),
                bare.length(),
                bare.scale(),
                false,
                false,
                bare.elements(),
                charset,
                Optional.empty(),
                binary);
    }

    // ---- ALTER TABLE

    private DdlStatement alterTable() {
        boolean ifExists = takeIfExists();
        TableName name = subjectName(DdlKind.ALTER_TABLE);
        skipWait();
        List<AlterAction> actions = new ArrayList<>();
        boolean more = !atEnd();
        while (more) {
            action(actions);
            more = takeSymbol(',') || !atEnd() && startsUnseparated();
        }
        expectEnd();
        actions.replaceAll(a ->
                a instanceof AlterAction.AddIndex add
                        ? new AlterAction.AddIndex(withPeriods(add.index()))
                        : a);
        return new DdlStatement.AlterTable(name, ifExists, List.copyOf(actions));
    }

    /** What may follow an action without a comma: partitioning, and further table options. */
    private boolean startsUnseparated() {
        return is("PARTITION", "BY") || is("REMOVE", "PARTITIONING") || token().kind() == Kind.WORD;
    }

    private static AlterAction neutral(DdlKind kind) {
        return new AlterAction.Neutral(kind);
    }

    private void action(List<AlterAction> out) {
        Token first = token();
        if (first.kind() == Kind.NAME && ahead(1).isSymbol('=')) {
            // MariaDB: an option of the storage engine, in quotes.
            at += 3;
            out.add(neutral(DdlKind.ALTER_TABLE));
            return;
        }
        if (first.kind() != Kind.WORD) {
            throw new NotUnderstood("clause expected");
        }
        switch (first.upper()) {
            case "ADD" -> {
                at++;
                add(out);
            }
            case "DROP" -> {
                at++;
                dropPart(out);
            }
            case "CHANGE" -> {
                at++;
                take("COLUMN");
                boolean ifExists = takeIfExists();
                String oldName = identifier();
                ColumnSpec column = column();
                out.add(new AlterAction.ChangeColumn(oldName, column, place(), ifExists));
            }
            case "MODIFY" -> {
                at++;
                take("COLUMN");
                boolean ifExists = takeIfExists();
                ColumnSpec column = column();
                out.add(new AlterAction.ChangeColumn(column.name(), column, place(), ifExists));
            }
            case "ALTER" -> {
                at++;
                alterPart(out);
            }
            case "RENAME" -> {
                at++;
                renamePart(out);
            }
            case "CONVERT" -> {
                at++;
                if (take("PARTITION")) {
                    identifier();
                    expect("TO");
                    expect("TABLE");
                    out.add(new AlterAction.PartitionToTable(tableName()));
                    return;
                }
                if (take("TABLE")) {
                    TableName table = tableName();
                    expect("TO");
                    expect("PARTITION");
                    skipRest();
                    out.add(new AlterAction.TableToPartition(table));
                    return;
                }
                expect("TO");
                if (!takeCharset()) {
                    throw new NotUnderstood("CHARACTER SET expected");
                }
                Optional<String> charset = take("DEFAULT") ? Optional.empty() : Optional.of(word());
                Optional<String> collation = Optional.empty();
                if (take("COLLATE")) {
                    takeSymbol('=');
                    collation = Optional.of(word());
                }
                out.add(new AlterAction.ConvertCharset(charset, collation));
            }
            case "ORDER" -> {
                at++;
                expect("BY");
                orderBy();
                out.add(neutral(DdlKind.ALTER_TABLE));
            }
            case "ENABLE", "DISABLE" -> {
                at++;
                expect("KEYS");
                out.add(neutral(DdlKind.ALTER_TABLE));
            }
            case "DISCARD", "IMPORT" -> {
                skipRest();
                out.add(neutral(DdlKind.ALTER_TABLE));
            }
            case "FORCE" -> {
                at++;
                out.add(neutral(DdlKind.ALTER_TABLE));
            }
            case "ALGORITHM", "LOCK" -> {
                at++;
                takeSymbol('=');
                at++;
            }
            case "WITH", "WITHOUT" -> {
                at++;
                expect("VALIDATION");
            }
            case "WAIT" -> at += 2;
            case "NOWAIT" -> at++;
            case "PARTITION" -> {
                skipRest();
                out.add(neutral(DdlKind.ALTER_PARTITIONING));
            }
            case "REMOVE" -> {
                at++;
                expect("PARTITIONING");
                out.add(neutral(DdlKind.REMOVE_PARTITIONING));
            }
            case "UPGRADE" -> {
                at++;
                expect("PARTITIONING");
                out.add(neutral(DdlKind.ALTER_TABLE));
            }
            case "COALESCE" -> partitionWork(out, DdlKind.ALTER_PARTITIONING);
            case "REORGANIZE" -> partitionWork(out, DdlKind.REORGANIZE_PARTITION);
            case "EXCHANGE" -> exchangePartition(out);
            case "TRUNCATE" -> partitionWork(out, DdlKind.TRUNCATE_PARTITION);
            case "ANALYZE", "CHECK", "OPTIMIZE", "REBUILD", "REPAIR" ->
                    partitionWork(out, DdlKind.ALTER_TABLE);
            case "SECONDARY_LOAD", "SECONDARY_UNLOAD" -> {
                at++;
                out.add(neutral(DdlKind.ALTER_TABLE));
            }
            default -> option(out);
        }
    }

    private void partitionWork(List<AlterAction> out, DdlKind kind) {
        at++;
        expect("PARTITION");
        skipRest();
        out.add(neutral(kind));
    }

    private void exchangePartition(List<AlterAction> out) {
        at++;
        expect("PARTITION");
        String partition = identifier();
        expect("WITH");
        expect("TABLE");
        TableName table = tableName();
        String validation = "";
        if (take("WITH")) {
            expect("VALIDATION");
            validation = "WITH VALIDATION";
        } else if (take("WITHOUT")) {
            expect("VALIDATION");
            validation = "WITHOUT VALIDATION";
        }
        out.add(new AlterAction.ExchangePartition(partition, table, validation));
    }

    private void skipRest() {
        while (!atEnd()) {
            skipOne();
        }
    }

    private void orderBy() {
        while (true) {
            identifier();
            while (takeSymbol('.')) {
                identifier();
            }
            if (!take("ASC")) {
                take("DESC");
            }
            Token next = ahead(1);
            Token behind = ahead(2);
            boolean another =
                    isSymbol(',')
                            && (next.kind() == Kind.NAME
                                    || next.kind() == Kind.WORD
                                            && (!ACTION_WORDS.contains(next.upper())
                                                    || behind.isSymbol(',')
                                                    || behind.kind() == Kind.END));
            if (!another) {
                return;
            }
            at++;
        }
    }

    /** One table option; several may stand side by side. */
    private void option(List<AlterAction> out) {
        take("DEFAULT");
        if (takeCharset()) {
            takeSymbol('=');
            Optional<String> charset = take("DEFAULT") ? Optional.empty() : Optional.of(word());
            mergeOptions(out, new TableOptions(charset, Optional.empty()));
            return;
        }
        if (take("COLLATE")) {
            takeSymbol('=');
            Optional<String> collation = take("DEFAULT") ? Optional.empty() : Optional.of(word());
            mergeOptions(out, new TableOptions(Optional.empty(), collation));
            return;
        }
        DdlKind kind =
                switch (token().upper()) {
                    case "COMMENT" -> DdlKind.TABLE_COMMENT;
                    case "AUTO_INCREMENT" -> DdlKind.REBASE_AUTO_ID;
                    default -> DdlKind.ALTER_TABLE;
                };
        boolean directory = is("DATA", "DIRECTORY") || is("INDEX", "DIRECTORY");
        boolean knownWord =
                directory || ahead(1).isSymbol('=') || kind != DdlKind.ALTER_TABLE || isOption();
        if (!knownWord) {
            throw new NotUnderstood("unknown clause");
        }
        at += directory ? 2 : 1;
        takeSymbol('=');
        skipOne();
        if (take("STORAGE")) {
            at++;
        }
        out.add(neutral(kind));
    }

    private boolean isOption() {
        return switch (token().upper()) {
            case "ENGINE",
                    "TYPE",
                    "ROW_FORMAT",
                    "MAX_ROWS",
                    "MIN_ROWS",
                    "AVG_ROW_LENGTH",
                    "PASSWORD",
                    "COMPRESSION",
                    "ENCRYPTION",
                    "AUTOEXTEND_SIZE",
                    "PACK_KEYS",
                    "STATS_AUTO_RECALC",
                    "STATS_PERSISTENT",
                    "STATS_SAMPLE_PAGES",
                    "CHECKSUM",
                    "TABLE_CHECKSUM",
                    "PAGE_CHECKSUM",
                    "TRANSACTIONAL",
                    "DELAY_KEY_WRITE",
                    "UNION",
                    "INSERT_METHOD",
                    "CONNECTION",
                    "KEY_BLOCK_SIZE",
                    "TABLESPACE",
                    "SECONDARY_ENGINE",
                    "ENGINE_ATTRIBUTE",
                    "SECONDARY_ENGINE_ATTRIBUTE",
                    "SEQUENCE" ->
                    true;
            default -> false;
        };
    }

    private static void mergeOptions(List<AlterAction> out, TableOptions options) {
        if (!out.isEmpty()
                && out.getLast() instanceof AlterAction.SetOptions(TableOptions before)) {
            out.removeLast();
            out.add(
                    new AlterAction.SetOptions(
                            new TableOptions(
                                    options.charset().or(before::charset),
                                    options.collation().or(before::collation))));
            return;
        }
        out.add(new AlterAction.SetOptions(options));
    }

    private Place place() {
        if (take("FIRST")) {
            return new Place.First();
        }
        if (take("AFTER")) {
            return new Place.After(identifier());
        }
        return new Place.Unsaid();
    }

    private void add(List<AlterAction> out) {
        if (take("PARTITION")) {
            skipRest();
            out.add(neutral(DdlKind.ADD_PARTITION));
            return;
        }
        if (is("PERIOD", "FOR")) {
            out.add(period());
            return;
        }
        if (take("SYSTEM", "VERSIONING")) {
            out.add(new AlterAction.AddSystemVersioning());
            return;
        }
        if (!is("COLUMN")) {
            Optional<List<IndexSpec>> constraint = constraint();
            if (constraint.isPresent()) {
                constraint.get().forEach(index -> out.add(new AlterAction.AddIndex(index)));
                if (constraint.get().isEmpty()) {
                    out.add(neutral(DdlKind.ALTER_TABLE));
                }
                return;
            }
        }
        take("COLUMN");
        boolean ifNotExists = takeIfNotExists();
        if (takeSymbol('(')) {
            do {
                List<ColumnSpec> columns = new ArrayList<>();
                List<IndexSpec> indexes = new ArrayList<>();
                tableElement(columns, indexes);
                columns.forEach(c ->
                        out.add(new AlterAction.AddColumn(c, new Place.Unsaid(), ifNotExists)));
                indexes.forEach(index -> out.add(new AlterAction.AddIndex(index)));
            } while (takeSymbol(','));
            expectSymbol(')');
            return;
        }
        ColumnSpec column = column();
        out.add(new AlterAction.AddColumn(column, place(), ifNotExists));
    }

    private void dropPart(List<AlterAction> out) {
        if (take("PRIMARY")) {
            expect("KEY");
            out.add(new AlterAction.DropIndex("PRIMARY", false));
        } else if (take("INDEX") || take("KEY")) {
            boolean ifExists = takeIfExists();
            out.add(new AlterAction.DropIndex(identifier(), ifExists));
        } else if (take("FOREIGN")) {
            expect("KEY");
            takeIfExists();
            identifier();
            out.add(neutral(DdlKind.DROP_FOREIGN_KEY));
        } else if (take("CONSTRAINT")) {
            takeIfExists();
            out.add(new AlterAction.DropConstraint(identifier()));
        } else if (take("CHECK")) {
            identifier();
            out.add(neutral(DdlKind.ALTER_TABLE));
        } else if (take("PARTITION")) {
            skipRest();
            out.add(neutral(DdlKind.DROP_PARTITION));
        } else if (is("PERIOD", "FOR")
                || is("PERIOD", "IF") && ahead(2).is("EXISTS") && ahead(3).is("FOR")) {
            at++;
            takeIfExists();
            expect("FOR");
            identifier();
            out.add(neutral(DdlKind.ALTER_TABLE));
        } else if (take("SYSTEM", "VERSIONING")) {
            out.add(new AlterAction.DropSystemVersioning());
        } else {
            take("COLUMN");
            boolean ifExists = takeIfExists();
            String name = identifier();
            if (!take("RESTRICT")) {
                take("CASCADE");
            }
            out.add(new AlterAction.DropColumn(name, ifExists));
        }
    }

    private void alterPart(List<AlterAction> out) {
        if (take("INDEX") || take("KEY")) {
            takeIfExists();
            identifier();
            take("NOT");
            at++;
            out.add(neutral(DdlKind.INDEX_VISIBILITY));
            return;
        }
        if (take("CHECK") || take("CONSTRAINT")) {
            identifier();
            skipEnforced();
            out.add(neutral(DdlKind.ALTER_TABLE));
            return;
        }
        take("COLUMN");
        boolean ifExists = takeIfExists();
        String column = identifier();
        if (take("DROP", "DEFAULT")) {
            out.add(new AlterAction.SetDefault(column, Optional.empty(), ifExists));
            return;
        }
        expect("SET");
        if (take("VISIBLE")) {
            out.add(new AlterAction.SetVisibility(column, false));
        } else if (take("INVISIBLE")) {
            out.add(new AlterAction.SetVisibility(column, true));
        } else {
            expect("DEFAULT");
            out.add(new AlterAction.SetDefault(column, defaultValue(), ifExists));
        }
    }

    private void renamePart(List<AlterAction> out) {
        if (take("COLUMN")) {
            boolean ifExists = takeIfExists();
            String oldName = identifier();
            expect("TO");
            out.add(new AlterAction.RenameColumn(oldName, identifier(), ifExists));
            return;
        }
        if (take("INDEX") || take("KEY")) {
            takeIfExists();
            String oldName = identifier();
            expect("TO");
            out.add(new AlterAction.RenameIndex(oldName, identifier()));
            return;
        }
        if (!take("TO") && !take("AS")) {
            takeSymbol('=');
        }
        out.add(new AlterAction.RenameTo(tableName()));
    }
}
