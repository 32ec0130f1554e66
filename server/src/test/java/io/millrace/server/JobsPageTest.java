package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The list of jobs of a server without Kafka Connect, with a login. */
final class JobsPageTest {
    private static HttpResponse<String> send(String url, String login, String body)
            throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url))
                        .header(
                                "Authorization",
                                "Basic "
                                        + Base64.getEncoder()
                                                .encodeToString(
                                                        login.getBytes(StandardCharsets.UTF_8)));
        if (!body.isEmpty()) {
            request.POST(HttpRequest.BodyPublishers.ofString(body));
        }
        return HttpClient.newHttpClient()
                .send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void changefeedsAloneAreAListToo(@TempDir Path folder) throws Exception {
        ServerConfig config =
                ServerConfig.of(
                        new Settings()
                                .set("addr", "127.0.0.1:0")
                                .set("data-dir", folder.toString())
                                .set("upstream", "fake://here")
                                .set("auth.user", "admin")
                                .set("auth.password", "pw")
                                .set("connect.enabled", "false"));
        try (MillraceNode node =
                MillraceNode.start(
                        config, List.of(new FakeUpstream()), List.of(new BlackholeSinkFactory()))) {
            String url = node.url() + "/api/millrace/v1/jobs";
            assertThat(send(url, "admin:wrong", "").statusCode()).isEqualTo(401);
            HttpResponse<String> none = send(url, "admin:pw", "");
            assertThat(none.statusCode()).isEqualTo(200);
            assertThat(none.headers().firstValue("content-type").orElse(""))
                    .startsWith("application/json");
            assertThat(none.body()).isEqualTo("{\"jobs\":[],\"connect\":\"off\"}");
            send(
                    node.url() + "/api/v2/changefeeds",
                    "admin:pw",
                    "{\"changefeed_id\":\"one\",\"sink_uri\":\"blackhole://u:hidden1@h/\"}");
            send(node.url() + "/api/v2/changefeeds/one/pause", "admin:pw", "{}");
            String text = send(url, "admin:pw", "").body();
            assertThat(text).doesNotContain("hidden1");
            JsonNode one = new ObjectMapper().readTree(text).at("/jobs/0");
            assertThat(one.path("name").asText()).isEqualTo("one");
            assertThat(one.path("dialect").asText()).isEqualTo("ticdc");
            assertThat(one.path("class").asText()).isEqualTo("blackhole");
            assertThat(one.path("state").asText()).isEqualTo("stopped");
            assertThat(one.path("lag_ms").isNull()).as("a stopped one is not behind").isTrue();
            assertThat(one.path("rows_per_second").isNull()).isTrue();
            assertThat(one.path("position").asText()).matches("\\d{18}");
        }
    }
}
