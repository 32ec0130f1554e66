/** Connections to a MySQL or MariaDB server: addresses, TLS, JDBC, and the replication protocol. */
@NullMarked
package io.millrace.mysql.connect;

import org.jspecify.annotations.NullMarked;
