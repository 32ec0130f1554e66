package io.millrace.dialects.tiunimanager;

import java.util.Optional;

/**
 * What a route answers when all went well.
 *
 * @param data the member {@code data}: anything that Jackson writes
 * @param page for lists in pages
 * @param subject what was made or changed, for the audit log, without secrets; empty when the path
 *     says it
 */
public record Answer(Object data, Optional<Page> page, String subject) {
    /** An answer without paging. */
    public static Answer of(Object data) {
        return new Answer(data, Optional.empty(), "");
    }

    /** One page of a list. */
    public static Answer paged(Object data, Page page) {
        return new Answer(data, Optional.of(page), "");
    }

    /** The same answer with what it was about, for the audit log. */
    public Answer about(String what) {
        return new Answer(data, page, what);
    }
}
