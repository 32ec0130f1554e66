package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A session that sets its time far ahead does not end a changefeed with a target before it. */
class SessionTimeIT {
    @TempDir private @Nullable Path folder;

    @Test
    void rowsBehindItStillComeUntilTheTarget() throws Exception {
        try (DbServer upstream = DbServer.mariadb().rowMetadata("NO_LOG").start();
                DbServer downstream = DbServer.mariadb().option("server_id", "2").start();
                MillraceServer server =
                        MillraceServer.start(
                                upstream.uri(), java.util.Objects.requireNonNull(folder))) {
            for (DbServer each : new DbServer[] {upstream, downstream}) {
                each.execute("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)");
            }
            long target = System.currentTimeMillis() + 30_000;
            server.createChangefeed(
                    "feed",
                    downstream.uri(),
                    "\"target_ts\":"
                            + (target << 18)
                            + ",\"replica_config\":{\"filter\":{\"rules\":[\"d.*\"]}}");
            upstream.execute(
                    "INSERT INTO d.t VALUES (1)",
                    "SET timestamp = 2145916800",
                    "INSERT INTO d.t VALUES (2)",
                    "SET timestamp = DEFAULT",
                    "INSERT INTO d.t VALUES (3)");
            Thread.sleep(5_000);
            upstream.execute("INSERT INTO d.t VALUES (4)");
            while (System.currentTimeMillis() < target + 1_500) {
                Thread.sleep(100);
            }
            upstream.execute("INSERT INTO d.t VALUES (5)");
            String state = "";
            for (int i = 0; i < 300 && !state.equals("finished"); i++) {
                Thread.sleep(100);
                state = server.changefeed("feed").path("state").asText();
            }
            assertThat(state).isEqualTo("finished");
            assertThat(downstream.query("SELECT GROUP_CONCAT(id ORDER BY id) FROM d.t"))
                    .contains("1,2,3,4");
        }
    }
}
