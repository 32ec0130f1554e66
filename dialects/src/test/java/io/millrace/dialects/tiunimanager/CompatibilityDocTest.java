package io.millrace.dialects.tiunimanager;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Every route and field of the document of change feeds is listed for users. */
final class CompatibilityDocTest {
    private static final String TESTS = "../server/src/test/java/io/millrace/";
    private static final Pattern NAMED = Pattern.compile("`([A-Za-z]+)`");
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

    /** A row that names a test that there is not is worth nothing. */
    @Test
    void theTestsThatRowsNameExist() throws IOException {
        String tests =
                Files.readString(Path.of(TESTS + "dialects/tiunimanager/FeedRoutesTest.java"))
                        + Files.readString(
                                Path.of(
                                        "src/test/java/io/millrace/dialects/tiunimanager/DownstreamTest.java"));
        String page = Files.readString(Path.of("../docs/compatibility.md"));
        String part = page.substring(page.indexOf("\n### Change feed tasks\n"));
        part = part.substring(0, part.indexOf("\n### Clusters and workflows\n"));
        int rows = 0;
        for (String line : part.split("\n")) {
            String[] cells = line.split("\\|", -1);
            if (cells.length == 6 && line.startsWith("| `")) {
                rows++;
                Matcher named = NAMED.matcher(cells[3]);
                while (named.find()) {
                    assertThat(tests + " void GateTest(")
                            .as(line)
                            .contains(" " + named.group(1) + "(");
                }
                assertThat(cells[3]).as(line).contains("`");
            }
        }
        assertThat(rows).isGreaterThan(50);
    }

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
                        "dispatchers[].dispatcher",
                        "page",
                        "pageSize",
                        "code",
                        "message",
                        "data",
                        "page.page",
                        "page.pageSize",
                        "page.total",
                        "CreateChangeFeedTaskResp.id",
                        "DeleteChangeFeedTaskResp.id",
                        "DeleteChangeFeedTaskResp.status",
                        "PauseChangeFeedTaskResp.status",
                        "ResumeChangeFeedTaskResp.status",
                        "UpdateChangeFeedTaskResp.status")) {
            assertThat(part).contains("| `" + route + "` | works |");
        }
        for (String line : SCHEMAS.split("\n")) {
            String schema = line.substring(0, line.indexOf(':'));
            String table = part.substring(part.indexOf("`cluster." + schema + "`"));
            String rows = table.substring(0, table.indexOf("\n\n"));
            for (String field : line.substring(line.indexOf(':') + 1).strip().split(" +")) {
                assertThat(rows).as(schema + "." + field).contains("| `" + field + "` | works |");
            }
        }
    }
}
