package io.millrace.dialects.tiunimanager;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every route and field of the document of change feeds is listed for users. */
final class CompatibilityDocTest {
    private static final String SCHEMAS =
            """
            CreateChangeFeedTaskReq: clusterId downstream downstreamType name rules startTS
            QueryChangeFeedTaskResp: clusterId createTime downstream downstreamFetchTs \
            downstreamFetchUnix downstreamSyncTs downstreamSyncUnix downstreamType id name rules \
            startTS startUnix status unsteady updateTime upstreamUpdateTs upstreamUpdateUnix
            TiDBDownstream: concurrentThreads ip maxTxnRow password port targetClusterId tls \
            username workerCount
            KafkaDownstream: clientId dispatchers ip maxBatchSize maxMessageBytes partitions port \
            protocol replicationFactor tls topicName version
            """;

    @Test
    void everyRouteAndFieldIsListed() throws IOException {
        String page = Files.readString(Path.of("../docs/compatibility.md"));
        String part = page.substring(page.indexOf("\n## TiUniManager\n"));
        for (String route :
                List.of(
                        "GET /changefeeds/",
                        "POST /changefeeds/",
                        "GET /changefeeds/{changeFeedTaskId}",
                        "DELETE /changefeeds/{changeFeedTaskId}",
                        "POST /changefeeds/{changeFeedTaskId}/pause",
                        "POST /changefeeds/{changeFeedTaskId}/resume",
                        "POST /changefeeds/{changeFeedTaskId}/update",
                        "dispatchers[].matcher",
                        "dispatchers[].dispatcher")) {
            assertThat(part).contains("`" + route + "`");
        }
        for (String line : SCHEMAS.split("\n")) {
            String schema = line.substring(0, line.indexOf(':'));
            String table = part.substring(part.indexOf("`cluster." + schema + "`"));
            String rows = table.substring(0, table.indexOf("\n\n"));
            for (String field : line.substring(line.indexOf(':') + 1).strip().split(" +")) {
                assertThat(rows).as(schema + "." + field).contains("`" + field + "`");
            }
        }
    }
}
