package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.server.ApiClient.Answer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Which error a create request gets that is wrong in two ways: the one of the check that comes
 * first. Faults stand here in the order of the API's checks, and each is tried with each later one.
 */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class CheckOrderTest {
    private final FakeUpstream upstream = new FakeUpstream();
    private final FakeTargets targets = new FakeTargets();
    private MillraceNode node;
    private ApiClient api;

    /**
     * @param place the field, or the part of the surroundings, that it makes wrong: two faults of
     *     one place cannot be had at once
     * @param answer what the error message has
     */
    private record Fault(String place, String answer, Consumer<ObjectNode> make) {}

    @BeforeEach
    void start(@TempDir Path dir) {
        node =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .set("addr", "127.0.0.1:0")
                                        .set("data-dir", dir.toString())
                                        .set("upstream", "fake://here")),
                        List.of(upstream),
                        List.of(targets));
        api = new ApiClient(node.url());
        assertThat(api.create("{\"changefeed_id\":\"old\",\"sink_uri\":\"blackhole://\"}").status())
                .isEqualTo(200);
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private static Fault field(String name, String value, String answer) {
        return new Fault(name, answer, request -> request.put(name, value));
    }

    private static Fault number(String name, long value, String answer) {
        return new Fault(name, answer, request -> request.put(name, value));
    }

    private Fault unreachable() {
        return new Fault(
                "upstream", "[CDC:ErrPDEtcdAPIError]", request -> upstream.reachable = false);
    }

    private Fault keyless() {
        return new Fault(
                "tables",
                "[CDC:ErrTableIneligible]",
                request -> upstream.tables = List.of(FakeUpstream.table("shop", "keyless", false)));
    }

    private Fault closedTarget() {
        return new Fault(
                "target", "the door is shut", request -> targets.refusal = "the door is shut");
    }

    private static ObjectNode config(ObjectNode request, String part) {
        return request.withObjectProperty("replica_config").withObjectProperty(part);
    }

    private void assertOrder(String route, List<Fault> faults) {
        List<String> wrong = new ArrayList<>();
        int pairs = 0;
        for (int i = 0; i < faults.size(); i++) {
            for (int j = i + 1; j < faults.size(); j++) {
                Fault first = faults.get(i);
                Fault second = faults.get(j);
                if (first.place().equals(second.place())) {
                    continue;
                }
                pairs++;
                ObjectNode request = JsonNodeFactory.instance.objectNode();
                request.put("changefeed_id", "new").put("sink_uri", "blackhole://");
                upstream.reachable = true;
                upstream.tables = List.of(FakeUpstream.table("shop", "orders", true));
                targets.refusal = "";
                second.make().accept(request);
                first.make().accept(request);
                Answer answer = api.post(route, request.toString());
                if (answer.status() < 400 || !answer.errorMessage().contains(first.answer())) {
                    wrong.add(first.answer() + " before " + second.answer() + ": " + answer.text());
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(pairs).isGreaterThan(40);
    }

    @Test
    void ofV2() {
        assertOrder(
                "/api/v2/changefeeds",
                List.of(
                        new Fault("body", "cannot unmarshal", request -> request.put("ca_path", 5)),
                        field("sink_uri", "", "sink_uri is empty"),
                        field("changefeed_id", "a_b", "invalid changefeed_id"),
                        field("namespace", "n_s", "invalid namespace"),
                        field("changefeed_id", "old", "[CDC:ErrChangeFeedAlreadyExists]"),
                        unreachable(),
                        number("start_ts", Long.MAX_VALUE, "larger than current tso"),
                        number("start_ts", 2, "[CDC:ErrStartTsBeforeGC]"),
                        number("target_ts", 1, "[CDC:ErrTargetTsBeforeStartTs]"),
                        field("sink_uri", "blackhole://%zz", "[CDC:ErrSinkURIInvalid]"),
                        new Fault(
                                "stuck",
                                "[CDC:ErrInvalidReplicaConfig]",
                                request ->
                                        request.withObjectProperty("replica_config")
                                                .put("changefeed_error_stuck_duration", "1s")),
                        new Fault(
                                "rules",
                                "[CDC:ErrFilterRuleInvalid]",
                                request -> config(request, "filter").putArray("rules").add("a b")),
                        new Fault(
                                "event_filters",
                                "[CDC:ErrInvalidIgnoreEventType]",
                                request ->
                                        config(request, "filter")
                                                .putArray("event_filters")
                                                .addObject()
                                                .putArray("ignore_event")
                                                .add("nope")),
                        keyless(),
                        closedTarget()));
    }

    @Test
    void ofV1() {
        assertOrder(
                "/api/v1/changefeeds",
                List.of(
                        field("mounter_worker_num", "x", "cannot unmarshal"),
                        field("sink_uri", "", "sink_uri is empty"),
                        field("changefeed_id", "a_b", "invalid changefeed_id"),
                        field("changefeed_id", "old", "[CDC:ErrChangeFeedAlreadyExists]"),
                        unreachable(),
                        number("start_ts", Long.MAX_VALUE, "larger than current tso"),
                        number("start_ts", 2, "[CDC:ErrStartTsBeforeGC]"),
                        number("target_ts", 1, "[CDC:ErrTargetTsBeforeStartTs]"),
                        field("sink_uri", "blackhole://%zz", "[CDC:ErrSinkURIInvalid]"),
                        new Fault(
                                "filter_rules",
                                "[CDC:ErrFilterRuleInvalid]",
                                request -> request.putArray("filter_rules").add("a b")),
                        keyless(),
                        field("timezone", "Mars/North", "unknown time zone"),
                        closedTarget()));
    }
}
