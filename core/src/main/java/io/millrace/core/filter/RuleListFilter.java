package io.millrace.core.filter;

import io.millrace.core.filter.TableFilters.NameLists;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The last rule that matches decides, then the name lists narrow the choice. Decisions are
 * remembered, since the same few names come again for every transaction.
 */
final class RuleListFilter implements TableFilter {
    /** Names remembered before the memory is wiped. */
    private static final int REMEMBERED = 1 << 16;

    private final List<Rule> rules = new ArrayList<>();
    private final boolean caseSensitive;
    private final NameLists.Compiled lists;
    private final String fingerprint;
    private final Map<String, Map<String, Boolean>> decided = new ConcurrentHashMap<>();
    private volatile int remembered;

    RuleListFilter(List<String> texts, boolean caseSensitive, NameLists lists) {
        this.caseSensitive = caseSensitive;
        this.lists = lists.compile(caseSensitive);
        for (String text : texts) {
            Rule.parse(text, caseSensitive).ifPresent(rules::add);
        }
        this.fingerprint = digest(caseSensitive + "\n" + List.copyOf(texts) + "\n" + lists);
    }

    private static String digest(String text) {
        try {
            return HexFormat.of()
                    .formatHex(
                            MessageDigest.getInstance("SHA-256")
                                    .digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }

    @Override
    public boolean matches(String schema, String table) {
        Map<String, Boolean> tables = decided.get(schema);
        Boolean known = tables == null ? null : tables.get(table);
        if (known == null) {
            known = decide(schema, table);
            remember(schema, table, known);
        }
        return known;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // a lost count only delays the wipe
    private void remember(String schema, String table, boolean decision) {
        if (remembered >= REMEMBERED) {
            decided.clear();
            remembered = 0;
        }
        decided.computeIfAbsent(schema, key -> new ConcurrentHashMap<>()).put(table, decision);
        remembered++;
    }

    private boolean decide(String schema, String table) {
        if (TableFilters.isSystemSchema(schema)) {
            return false;
        }
        String schemaName = fold(schema);
        String tableName = fold(table);
        for (int i = rules.size() - 1; i >= 0; i--) {
            Rule rule = rules.get(i);
            if (rule.schema().matches(schemaName) && rule.table().matches(tableName)) {
                return !rule.exclude() && lists.admits(schemaName, tableName);
            }
        }
        return false;
    }

    @Override
    public boolean matchesSchema(String schema) {
        if (TableFilters.isSystemSchema(schema)) {
            return false;
        }
        String schemaName = fold(schema);
        for (int i = rules.size() - 1; i >= 0; i--) {
            Rule rule = rules.get(i);
            boolean aboutSchema = !rule.exclude() || rule.table().isStar();
            if (aboutSchema && rule.schema().matches(schemaName)) {
                return !rule.exclude() && lists.admitsSchema(schemaName);
            }
        }
        return false;
    }

    private String fold(String name) {
        return caseSensitive ? name : name.toLowerCase(Locale.ROOT);
    }
}
