package io.millrace.dialects.tiunimanager;

/**
 * The member {@code page} of an answer.
 *
 * @param page as the request said; 0 when it did not
 * @param pageSize as the request said; 0 when it did not
 * @param total rows on all pages
 */
public record Page(int page, int pageSize, long total) {}
