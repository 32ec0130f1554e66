/**
 * Who may do what: tenants, users, roles, permissions, tokens, and the log of what they did. Kept
 * in the metadata store; no product's words.
 */
@NullMarked
package io.millrace.core.identity;

import org.jspecify.annotations.NullMarked;
