package io.millrace.mysql.schema;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import io.millrace.mysql.schema.DdlStatement.AlterAction;
import io.millrace.mysql.schema.DdlStatement.ColumnSpec;
import io.millrace.mysql.schema.DdlStatement.IndexSpec;
import io.millrace.mysql.schema.DdlStatement.Place;
import io.millrace.mysql.schema.DdlStatement.TableOptions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What CREATE TABLE and ALTER TABLE make of a table definition, following the order in which the
 * servers themselves carry out the parts of one statement: drops, changes in place, then additions
 * and moves in the order written; columns before keys.
 */
final class DefinitionChanges {
    /** The server gave the statement its blessing, so this means that our definition is wrong. */
    static final class Mismatch extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Mismatch(String message) {
            super(message);
        }
    }

    /** Character set and collation. */
    record Text(String charset, String collation) {}

    private final ServerTraits traits;

    DefinitionChanges(ServerTraits traits) {
        this.traits = traits;
    }

    /** What options make of the defaults that would otherwise hold. */
    Text text(TableOptions options, Text inherited) {
        return text(options.charset(), options.collation(), inherited);
    }

    Text text(Optional<String> charset, Optional<String> collation, Text inherited) {
        Optional<String> givenCharset =
                charset.map(ServerTraits::normalCharset).filter(c -> !c.equals("default"));
        Optional<String> givenCollation =
                collation.map(ServerTraits::normalCollation).filter(c -> !c.equals("default"));
        if (givenCollation.isPresent()) {
            String set =
                    givenCharset.orElseGet(
                            () -> traits.charsetOf(givenCollation.get(), inherited.charset));
            return new Text(set, traits.fullCollation(givenCollation.get(), set));
        }
        return givenCharset
                .map(set -> new Text(set, traits.defaultCollation(set)))
                .orElse(inherited);
    }

    TableDefinition create(DdlStatement.CreateTable statement, Text schemaDefault) {
        Text text = text(statement.options(), schemaDefault);
        List<Column> columns = new ArrayList<>();
        for (ColumnSpec spec : statement.columns()) {
            columns.add(ColumnTypes.resolve(spec, text.charset, text.collation, traits));
        }
        if (statement.systemVersioned() && columns.stream().noneMatch(ColumnTypes::isRowTime)) {
            columns.addAll(ColumnTypes.rowTimes());
        }
        Keys keys = new Keys(columns, List.of());
        for (IndexSpec index : statement.indexes()) {
            keys.add(index);
        }
        return finish(statement.name(), text, columns, keys);
    }

    /** The copy that CREATE TABLE ... LIKE makes. */
    TableDefinition like(TableDefinition original, TableName name) {
        return original.named(name);
    }

    private TableDefinition finish(TableName name, Text text, List<Column> columns, Keys keys) {
        List<Column> finished = new ArrayList<>(columns);
        for (KeyDefinition key : keys.list) {
            if (key.kind() == KeyDefinition.Kind.PRIMARY) {
                for (KeyDefinition.Part part : key.parts()) {
                    int ordinal = ordinal(finished, part.column());
                    if (ordinal >= 0) {
                        finished.set(
                                ordinal, ColumnTypes.withNullable(finished.get(ordinal), false));
                    }
                }
            }
        }
        return new TableDefinition(name, text.charset, text.collation, finished, keys.list);
    }

    private static int ordinal(List<Column> columns, String name) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).name().equalsIgnoreCase(name)) {
                return i;
            }
        }
        return -1;
    }

    /** How MariaDB names the columns it keeps for unique keys that it cannot index as a whole. */
    static final String ROW_HASH = "DB_ROW_HASH_";

    static boolean isRowHash(Column column) {
        return column.invisible()
                && column.generated() == Column.Generated.VIRTUAL
                && column.name().startsWith(ROW_HASH);
    }

    /** Hidden hash columns are made anew by each ALTER; the next TABLE_MAP shows them. */
    private static TableDefinition withoutRowHashes(TableDefinition table) {
        if (table.columns().stream().noneMatch(DefinitionChanges::isRowHash)) {
            return table;
        }
        return new TableDefinition(
                table.name(),
                table.charset(),
                table.collation(),
                table.columns().stream().filter(c -> !isRowHash(c)).toList(),
                table.keys());
    }

    /** A column on its way through an ALTER, with the name it had. */
    private record Moving(Optional<String> oldName, Column column, boolean isNew) {
        Moving(Optional<String> oldName, Column column) {
            this(oldName, column, false);
        }

        boolean isNamed(String name) {
            return column.name().equalsIgnoreCase(name);
        }
    }

    /** RENAME TO is not done here: the caller knows where tables live. */
    TableDefinition alter(TableDefinition given, List<AlterAction> actions) {
        TableDefinition table = withoutRowHashes(given);
        Texts texts = texts(new Text(table.charset(), table.collation()), actions);
        Text text = texts.table;
        List<AlterAction> effective = withoutVoid(table, actions);
        List<Moving> columns = columns(table, effective, texts.columns);
        Keys keys = keys(table, actions, effective, columns);
        List<Column> out = new ArrayList<>();
        columns.forEach(moving -> out.add(moving.column));
        return finish(table.name(), text, out, keys);
    }

    /** The table's new default, and what columns take that are converted or added. */
    private record Texts(Text table, Text columns) {}

    /**
     * CONVERT TO decides over the columns, wherever it stands; the table's default is the latest
     * given in MySQL, and in MariaDB the one of DEFAULT CHARACTER SET if there is one (seen with
     * 8.0.33 and 11.4.5). A character set alone leaves a collation of it that was given before.
     */
    private Texts texts(Text before, List<AlterAction> actions) {
        Optional<Text> given = Optional.empty();
        Optional<Text> converted = Optional.empty();
        for (AlterAction action : actions) {
            if (action instanceof AlterAction.SetOptions(TableOptions options)) {
                Text next = text(options, given.orElse(before));
                boolean same =
                        options.collation().isEmpty()
                                && given.filter(g -> g.charset.equals(next.charset)).isPresent();
                given = same ? given : Optional.of(next);
            } else if (action instanceof AlterAction.ConvertCharset convert) {
                converted =
                        Optional.of(
                                text(
                                        convert.charset(),
                                        convert.collation(),
                                        converted.orElse(before)));
                if (!traits.mariaDb()) {
                    given = converted;
                }
            }
        }
        Text table = given.orElse(converted.orElse(before));
        return new Texts(table, converted.orElse(table));
    }

    /** Leaves out what IF EXISTS and IF NOT EXISTS make void. */
    private static List<AlterAction> withoutVoid(TableDefinition table, List<AlterAction> actions) {
        List<AlterAction> out = new ArrayList<>();
        Set<String> added = new HashSet<>();
        for (AlterAction action : actions) {
            boolean isVoid =
                    switch (action) {
                        case AlterAction.AddColumn add ->
                                add.ifNotExists()
                                        && (table.ordinalOf(add.column().name()) >= 0
                                                || added.contains(
                                                        TableDefinition.fold(add.column().name())));
                        case AlterAction.DropColumn drop ->
                                drop.ifExists() && table.ordinalOf(drop.name()) < 0;
                        case AlterAction.ChangeColumn change ->
                                change.ifExists() && table.ordinalOf(change.oldName()) < 0;
                        case AlterAction.RenameColumn rename ->
                                rename.ifExists() && table.ordinalOf(rename.oldName()) < 0;
                        case AlterAction.SetDefault set ->
                                set.ifExists() && table.ordinalOf(set.column()) < 0;
                        default -> false;
                    };
            if (!isVoid) {
                out.add(action);
                if (action instanceof AlterAction.AddColumn add) {
                    added.add(TableDefinition.fold(add.column().name()));
                }
            }
        }
        return out;
    }

    /**
     * As both servers do it (seen with MySQL 8.0.33 and MariaDB 11.4.5): changed columns first keep
     * their place, under the new name; then new columns are put in and those with FIRST or AFTER
     * moved, in the order written.
     */
    private List<Moving> columns(TableDefinition table, List<AlterAction> actions, Text text) {
        List<AlterAction> open = new ArrayList<>();
        for (AlterAction action : actions) {
            if (action instanceof AlterAction.AddColumn
                    || action instanceof AlterAction.ChangeColumn
                    || action instanceof AlterAction.DropColumn) {
                open.add(action);
            }
        }
        boolean convert = actions.stream().anyMatch(AlterAction.ConvertCharset.class::isInstance);
        Map<AlterAction.ChangeColumn, Moving> placed = new IdentityHashMap<>();
        List<Moving> out = new ArrayList<>();
        for (Column column : table.columns()) {
            if (open.removeIf(
                    a ->
                            a instanceof AlterAction.DropColumn drop
                                    && drop.name().equalsIgnoreCase(column.name()))) {
                continue;
            }
            Optional<AlterAction.ChangeColumn> change = changeOf(open, column);
            if (change.isPresent()) {
                Moving changed = moving(column, change.get(), convert, text);
                out.add(changed);
                if (change.get().place() instanceof Place.Unsaid) {
                    open.remove(change.get());
                } else {
                    placed.put(change.get(), changed);
                }
                continue;
            }
            out.add(new Moving(Optional.of(column.name()), kept(column, actions, convert, text)));
        }
        for (AlterAction action : open) {
            switch (action) {
                case AlterAction.AddColumn add ->
                        // An index on a column that is dropped and added anew in one statement
                        // takes the new one.
                        insert(
                                out,
                                new Moving(
                                        Optional.of(add.column().name()),
                                        written(add.column(), convert, text),
                                        true),
                                add.place());
                case AlterAction.ChangeColumn change -> {
                    Moving changed = placed.get(change);
                    if (changed == null) {
                        throw new Mismatch("no column " + change.oldName());
                    }
                    out.removeIf(m -> m == changed);
                    insert(out, changed, change.place());
                }
                case AlterAction.DropColumn drop -> throw new Mismatch("no column " + drop.name());
                default -> throw new IllegalStateException(action.toString());
            }
        }
        for (AlterAction action : actions) {
            if (action instanceof AlterAction.DropSystemVersioning) {
                out.removeIf(m -> m.column.invisible() && ColumnTypes.isRowTime(m.column));
            } else if (action instanceof AlterAction.AddSystemVersioning
                    && out.stream().noneMatch(m -> ColumnTypes.isRowTime(m.column))) {
                ColumnTypes.rowTimes().forEach(c -> out.add(new Moving(Optional.empty(), c)));
            }
        }
        for (AlterAction action : actions) {
            if (action instanceof AlterAction.AddPeriod(String start, String end)) {
                out.replaceAll(m ->
                        m.isNamed(start) || m.isNamed(end)
                                ? new Moving(
                                        m.oldName,
                                        ColumnTypes.withNullable(m.column, false),
                                        m.isNew)
                                : m);
            }
        }
        Set<String> names = new HashSet<>();
        for (Moving moving : out) {
            if (!names.add(moving.column.name().toLowerCase(Locale.ROOT))) {
                throw new Mismatch("two columns " + moving.column.name());
            }
        }
        return out;
    }

    private static Optional<AlterAction.ChangeColumn> changeOf(
            List<AlterAction> open, Column column) {
        for (AlterAction action : open) {
            if (action instanceof AlterAction.ChangeColumn change
                    && change.oldName().equalsIgnoreCase(column.name())) {
                return Optional.of(change);
            }
        }
        return Optional.empty();
    }

    /** An index takes a column that becomes a generated one for a new one (seen with both). */
    private Moving moving(
            Column before, AlterAction.ChangeColumn change, boolean convert, Text text) {
        Column column = written(change.column(), convert, text);
        boolean isNew =
                before.generated() == Column.Generated.NONE
                        && column.generated() != Column.Generated.NONE;
        return new Moving(Optional.of(change.oldName()), column, isNew);
    }

    /** A column as the statement defines it; CONVERT TO beside it overrules its character set. */
    private Column written(ColumnSpec spec, boolean convert, Text text) {
        Column column = ColumnTypes.resolve(spec, text.charset, text.collation, traits);
        boolean hasText =
                column.kind() == ColumnKind.ENUM
                        || column.kind() == ColumnKind.SET
                        || ColumnTypes.isCharacter(column.kind());
        if (!convert || !hasText || column.charset().equals("binary")) {
            return column;
        }
        return ColumnTypes.resolve(
                spec.inCharset(text.charset, text.collation), text.charset, text.collation, traits);
    }

    /** A column that is not redefined: renamed, converted, or with another default at most. */
    private Column kept(Column column, List<AlterAction> actions, boolean convert, Text text) {
        Column out =
                convert
                        ? ColumnTypes.converted(column, text.charset, text.collation, traits)
                        : column;
        for (AlterAction action : actions) {
            switch (action) {
                case AlterAction.RenameColumn rename -> {
                    if (rename.oldName().equalsIgnoreCase(column.name())) {
                        out = ColumnTypes.renamed(out, rename.newName());
                    }
                }
                case AlterAction.SetDefault set -> {
                    if (set.column().equalsIgnoreCase(column.name())) {
                        out = ColumnTypes.withDefault(out, set.defaultValue());
                    }
                }
                case AlterAction.SetVisibility set -> {
                    if (set.column().equalsIgnoreCase(column.name())) {
                        out = ColumnTypes.withInvisible(out, set.invisible());
                    }
                }
                default -> {}
            }
        }
        return out;
    }

    private static void insert(List<Moving> out, Moving column, Place place) {
        switch (place) {
            case Place.Unsaid() -> out.add(column);
            case Place.First() -> out.addFirst(column);
            case Place.After(String after) -> {
                for (int i = 0; i < out.size(); i++) {
                    if (out.get(i).isNamed(after)) {
                        out.add(i + 1, column);
                        return;
                    }
                }
                throw new Mismatch("no column " + after);
            }
        }
    }

    /**
     * @param written with the parts that are void: a key beside a column that ADD IF NOT EXISTS
     *     finds there is added all the same (seen with MariaDB 11.4.5)
     */
    private static Keys keys(
            TableDefinition table,
            List<AlterAction> written,
            List<AlterAction> actions,
            List<Moving> columns) {
        List<KeyDefinition> kept = new ArrayList<>();
        for (KeyDefinition key : table.keys()) {
            if (isDropped(key, actions)) {
                continue;
            }
            List<KeyDefinition.Part> parts = new ArrayList<>();
            for (KeyDefinition.Part part : key.parts()) {
                if (part.column().isEmpty()) {
                    parts.add(part);
                    continue;
                }
                for (Moving moving : columns) {
                    if (moving.oldName.filter(part.column()::equalsIgnoreCase).isPresent()) {
                        // A column of the old name that is not the old column keeps the
                        // length that was indexed.
                        int indexed =
                                moving.isNew && part.prefix() == 0
                                        ? lengthOf(table, part.column())
                                        : part.prefix();
                        int prefix =
                                indexed == 0 || fullLength(moving.column, indexed) ? 0 : indexed;
                        parts.add(new KeyDefinition.Part(moving.column.name(), prefix));
                        break;
                    }
                }
            }
            if (parts.isEmpty()) {
                continue;
            }
            String name = key.name();
            for (AlterAction action : actions) {
                if (action instanceof AlterAction.RenameIndex rename
                        && rename.oldName().equalsIgnoreCase(name)) {
                    name = rename.newName();
                    break;
                }
            }
            kept.add(new KeyDefinition(name, key.kind(), parts, key.generated()));
        }
        List<Column> plain = new ArrayList<>();
        columns.forEach(m -> plain.add(m.column));
        Keys keys = new Keys(plain, kept);
        for (AlterAction action : written) {
            switch (action) {
                case AlterAction.AddIndex add -> keys.add(add.index());
                case AlterAction.AddColumn add -> keys.addBeside(add.column(), add.ifNotExists());
                case AlterAction.ChangeColumn change -> {
                    if (actions.contains(change)) {
                        keys.addBeside(change.column(), change.ifExists());
                    }
                }
                default -> {}
            }
        }
        return keys;
    }

    /** What an index over the whole column takes: characters of strings, bytes of others. */
    private static int lengthOf(TableDefinition table, String column) {
        int ordinal = table.ordinalOf(column);
        Column found = ordinal < 0 ? null : table.columns().get(ordinal);
        if (found == null) {
            return 0;
        }
        return switch (found.kind()) {
            case CHAR, VARCHAR, BINARY, VARBINARY -> found.length();
            case TINYINT, YEAR -> 1;
            case SMALLINT -> 2;
            case MEDIUMINT, DATE -> 3;
            case INT, FLOAT -> 4;
            case BIGINT, DOUBLE -> 8;
            case TIME -> 3 + (found.scale() + 1) / 2;
            case TIMESTAMP -> 4 + (found.scale() + 1) / 2;
            case DATETIME -> 5 + (found.scale() + 1) / 2;
            case BIT -> (found.length() + 7) / 8;
            case ENUM -> found.elements().size() > 255 ? 2 : 1;
            case SET -> WireFit.setBytes(found);
            case DECIMAL -> digits(found.length() - found.scale()) + digits(found.scale());
            default -> 0;
        };
    }

    /** Bytes of so many decimal digits: four for nine, and one for each two of the others. */
    private static int digits(int count) {
        return count / 9 * 4 + (count % 9 + 1) / 2;
    }

    private static boolean isDropped(KeyDefinition key, List<AlterAction> actions) {
        for (AlterAction action : actions) {
            boolean dropped =
                    switch (action) {
                        case AlterAction.DropIndex drop -> drop.name().equalsIgnoreCase(key.name());
                        case AlterAction.DropConstraint drop ->
                                drop.name().equalsIgnoreCase(key.name())
                                        && key.kind() != KeyDefinition.Kind.PLAIN;
                        case AlterAction.AddIndex add ->
                                add.index().orReplace()
                                        && add.index()
                                                .name()
                                                .filter(key.name()::equalsIgnoreCase)
                                                .isPresent();
                        default -> false;
                    };
            if (dropped) {
                return true;
            }
        }
        return false;
    }

    /** Whether a prefix of so many characters takes in every value of the column. */
    static boolean fullLength(Column column, int prefix) {
        return switch (column.kind()) {
            case CHAR, VARCHAR, BINARY, VARBINARY -> prefix >= column.length();
            case TINYTEXT,
                    TEXT,
                    MEDIUMTEXT,
                    LONGTEXT,
                    TINYBLOB,
                    BLOB,
                    MEDIUMBLOB,
                    LONGBLOB,
                    VECTOR ->
                    false;
            // Geometries: MariaDB shows prefixes that nobody wrote; see TableDefinition.schemaKeys.
            default -> true;
        };
    }

    /** The keys of a table while a statement adds to them. */
    private static final class Keys {
        final List<KeyDefinition> list;
        private final List<Column> columns;

        Keys(List<Column> columns, List<KeyDefinition> list) {
            this.columns = columns;
            this.list = new ArrayList<>(list);
        }

        /** MariaDB: IF EXISTS of the column also holds for a key of the column's name. */
        void addBeside(ColumnSpec column, boolean unlessExists) {
            for (IndexSpec key : column.keys()) {
                if (!unlessExists || !isTaken(key.name().orElse(column.name()))) {
                    add(key);
                }
            }
        }

        void add(IndexSpec spec) {
            if (spec.ifNotExists() && spec.name().isPresent() && isTaken(spec.name().get())) {
                return;
            }
            List<KeyDefinition.Part> parts = new ArrayList<>();
            for (KeyDefinition.Part part : spec.parts()) {
                parts.add(resolved(part));
            }
            if (spec.foreignKey()) {
                if (list.stream().anyMatch(k -> beginsWith(k, parts))) {
                    return;
                }
            } else {
                list.removeIf(k ->
                        k.generated()
                                && beginsWith(
                                        new KeyDefinition("", spec.kind(), parts, false),
                                        k.parts()));
            }
            if (spec.kind() == KeyDefinition.Kind.PRIMARY
                    && list.stream().anyMatch(k -> k.kind() == spec.kind())) {
                throw new Mismatch("two primary keys");
            }
            String name = spec.name().orElseGet(() -> freeName(parts.getFirst().column()));
            list.add(new KeyDefinition(name, spec.kind(), parts, spec.foreignKey()));
        }

        private KeyDefinition.Part resolved(KeyDefinition.Part part) {
            if (part.column().isEmpty()) {
                return part;
            }
            int ordinal = ordinal(columns, part.column());
            if (ordinal < 0) {
                throw new Mismatch("no column " + part.column());
            }
            Column column = columns.get(ordinal);
            int prefix =
                    part.prefix() > 0 && !fullLength(column, part.prefix()) ? part.prefix() : 0;
            return new KeyDefinition.Part(column.name(), prefix);
        }

        private static boolean beginsWith(KeyDefinition key, List<KeyDefinition.Part> parts) {
            if (key.parts().size() < parts.size()) {
                return false;
            }
            for (int i = 0; i < parts.size(); i++) {
                KeyDefinition.Part mine = key.parts().get(i);
                if (!mine.whole() || !mine.column().equalsIgnoreCase(parts.get(i).column())) {
                    return false;
                }
            }
            return true;
        }

        private boolean isTaken(String name) {
            return list.stream().anyMatch(k -> k.name().equalsIgnoreCase(name));
        }

        /** The name that the server gives to an index without one. */
        private String freeName(String column) {
            String base = column.isEmpty() ? "functional_index" : column;
            if (!isTaken(base) && !base.equalsIgnoreCase("PRIMARY")) {
                return base;
            }
            int n = 2;
            while (isTaken(base + "_" + n)) {
                n++;
            }
            return base + "_" + n;
        }
    }
}
