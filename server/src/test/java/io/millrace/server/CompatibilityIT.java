package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import io.millrace.kafka.KafkaSinkFactory;
import io.millrace.mysql.sink.MySqlSinkFactory;
import io.millrace.server.ApiClient.Answer;
import io.millrace.storage.redo.RedoSinkFactory;
import io.millrace.storage.sink.StorageSinkFactory;
import io.millrace.storage.store.Stores;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What docs/compatibility.md says about each option is what a server does: each option is sent in a
 * request of its own, with the real checks of the Kafka and MySQL sinks.
 */
@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class CompatibilityIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String KAFKA = "kafka://h:9092/t?protocol=canal-json";
    private static final String MYSQL = "mysql://h:3306/";

    /** Expiration needs folders by day. */
    private static final String STORAGE = "file:///none?protocol=csv&date-separator=day";

    private static final String LARGE = "sink.kafka_config.large_message_handle.";

    private static final String GSSAPI =
            "\"sasl_mechanism\":\"gssapi\",\"sasl_gssapi_auth_type\":\"user\","
                    + "\"sasl_gssapi_user\":\"u\",\"sasl_gssapi_password\":\"p\","
                    + "\"sasl_gssapi_realm\":\"R\"";

    private static final String OAUTH =
            "\"sasl_mechanism\":\"oauthbearer\",\"sasl_oauth_client_id\":\"c\","
                    + "\"sasl_oauth_client_secret\":\"c2VjcmV0\","
                    + "\"sasl_oauth_token_url\":\"http://h/token\"";

    /** Values that an option takes or, if the page says so, is refused with. */
    private static final Map<String, String> SAMPLES =
            Map.ofEntries(
                    Map.entry("memory_quota", "1048576"),
                    Map.entry("sync_point_interval", "\"1h\""),
                    Map.entry("sync_point_retention", "\"2h\""),
                    Map.entry("changefeed_error_stuck_duration", "\"45m\""),
                    Map.entry("integrity.integrity_check_level", "\"correctness\""),
                    Map.entry("integrity.corruption_handle_level", "\"error\""),
                    Map.entry("consistent.level", "\"eventual\""),
                    Map.entry("consistent.storage", "\"noop:///\""),
                    Map.entry("consistent.compression", "\"lz4\""),
                    Map.entry("consistent.flush_interval", "100"),
                    Map.entry("consistent.meta_flush_interval", "100"),
                    Map.entry("filter.rules", "[\"a.*\"]"),
                    Map.entry("filter.event_filters[].ignore_event", "[\"insert\"]"),
                    Map.entry("sink.column_selectors[].columns", "[\"*\"]"),
                    Map.entry("sink.protocol", "\"canal-json\""),
                    Map.entry("sink.transaction_atomicity", "\"none\""),
                    Map.entry("sink.date_separator", "\"month\""),
                    Map.entry("sink.csv.delimiter", "\";\""),
                    Map.entry("sink.csv.quote", "\"'\""),
                    Map.entry("sink.csv.binary_encoding_method", "\"hex\""),
                    Map.entry("sink.cloud_storage_config.flush_interval", "\"3s\""),
                    Map.entry(
                            "sink.cloud_storage_config.file_cleanup_cron_spec", "\"0 0 3 * * *\""),
                    Map.entry("sink.dispatchers[].columns", "[\"id\"]"),
                    Map.entry("sink.dispatchers[].partition", "\"ts\""),
                    Map.entry("sink.kafka_config.kafka_version", "\"2.4.0\""),
                    Map.entry("sink.kafka_config.compression", "\"lz4\""),
                    Map.entry("sink.kafka_config.dial_timeout", "\"1s\""),
                    Map.entry("sink.kafka_config.write_timeout", "\"1s\""),
                    Map.entry("sink.kafka_config.read_timeout", "\"1s\""),
                    Map.entry("sink.kafka_config.sasl_gssapi_auth_type", "\"user\""),
                    Map.entry("sink.kafka_config.sasl_oauth_client_secret", "\"c2VjcmV0\""),
                    Map.entry("sink.kafka_config.sasl_oauth_token_url", "\"http://h/token\""),
                    Map.entry(LARGE + "large_message_handle_option", "\"handle-key-only\""),
                    Map.entry(LARGE + "large_message_handle_compression", "\"lz4\""),
                    Map.entry(LARGE + "claim_check_storage_uri", "\"file:///tmp/x\""),
                    Map.entry("sink.mysql_config.write_timeout", "\"1s\""),
                    Map.entry("sink.mysql_config.read_timeout", "\"1s\""),
                    Map.entry("sink.mysql_config.timeout", "\"1s\""),
                    Map.entry("sink.mysql_config.time_zone", "\"UTC\""));

    private static final Map<String, String> SMALL_COMPANIONS =
            Map.of(
                    "filter.do_tables[].database_name", "\"table_name\":\"x\"",
                    "filter.do_tables[].table_name", "\"database_name\":\"x\"",
                    "filter.ignore_tables[].database_name", "\"table_name\":\"x\"",
                    "filter.ignore_tables[].table_name", "\"database_name\":\"x\"",
                    "sink.dispatchers[].columns", "\"matcher\":[\"x.*\"],\"partition\":\"columns\"",
                    "sink.dispatchers[].index",
                            "\"matcher\":[\"x.*\"],\"partition\":\"index-value\"",
                    "sink.kafka_config.sasl_user",
                            "\"sasl_mechanism\":\"plain\",\"sasl_password\":\"p\"",
                    "sink.kafka_config.sasl_password",
                            "\"sasl_mechanism\":\"plain\",\"sasl_user\":\"u\"",
                    "sink.kafka_config.insecure_skip_verify", "\"enable_tls\":true");

    /** What must come with an option. */
    private static final Map<String, String> COMPANIONS = companions();

    private static Map<String, String> companions() {
        Map<String, String> all = new HashMap<>(SMALL_COMPANIONS);
        for (String name : List.of("auth_type", "service_name", "user", "password", "realm")) {
            all.put("sink.kafka_config.sasl_gssapi_" + name, GSSAPI);
        }
        all.put("sink.kafka_config.sasl_gssapi_disable_pafxfast", GSSAPI);
        for (String name :
                List.of(
                        "client_id",
                        "client_secret",
                        "token_url",
                        "scopes",
                        "grant_type",
                        "audience")) {
            all.put("sink.kafka_config.sasl_oauth_" + name, OAUTH);
        }
        for (String name :
                List.of("registry_name", "region", "access_key", "secret_access_key", "token")) {
            all.put(
                    "sink.kafka_config.glue_schema_registry_config." + name,
                    "\"registry_name\":\"reg\",\"region\":\"eu-west-1\"");
        }
        all.put(
                LARGE + "claim_check_storage_uri",
                "\"large_message_handle_option\":\"claim-check\"");
        all.put(
                LARGE + "claim_check_raw_value",
                "\"large_message_handle_option\":\"claim-check\","
                        + "\"claim_check_storage_uri\":\"file:///tmp/x\"");
        return Map.copyOf(all);
    }

    /** Options whose values must be files that belong together; the sinks' own tests have them. */
    private static final Set<String> FILES =
            Set.of(
                    "sink.kafka_config.sasl_mechanism",
                    "sink.kafka_config.sasl_gssapi_keytab_path",
                    "sink.kafka_config.sasl_gssapi_kerberos_config_path",
                    "sink.kafka_config.ca",
                    "sink.kafka_config.cert",
                    "sink.kafka_config.key",
                    "sink.mysql_config.ssl_ca",
                    "sink.mysql_config.ssl_cert",
                    "sink.mysql_config.ssl_key");

    /** Values that a sink which really reads the option refuses. */
    private static final Map<String, String> NONSENSE =
            Map.ofEntries(
                    Map.entry("sink.kafka_config.partition_num", "0"),
                    Map.entry("sink.kafka_config.replication_factor", "-1"),
                    Map.entry("sink.kafka_config.max_message_bytes", "-1"),
                    Map.entry("sink.kafka_config.kafka_client_id", "\"a b\""),
                    Map.entry("sink.kafka_config.kafka_version", "\"old\""),
                    Map.entry("sink.kafka_config.dial_timeout", "\"soon\""),
                    Map.entry("sink.kafka_config.write_timeout", "\"soon\""),
                    Map.entry("sink.kafka_config.read_timeout", "\"soon\""),
                    Map.entry("sink.kafka_config.required_acks", "9"),
                    Map.entry("sink.kafka_config.sasl_mechanism", "\"guess\""),
                    Map.entry("sink.kafka_config.sasl_user", "\"u\""),
                    Map.entry("sink.kafka_config.sasl_password", "\"p\""),
                    Map.entry("sink.kafka_config.sasl_gssapi_auth_type", "\"user\""),
                    Map.entry("sink.kafka_config.sasl_gssapi_keytab_path", "\"/none\""),
                    Map.entry("sink.kafka_config.sasl_gssapi_kerberos_config_path", "\"/none\""),
                    Map.entry("sink.kafka_config.sasl_gssapi_service_name", "\"s\""),
                    Map.entry("sink.kafka_config.sasl_gssapi_user", "\"u\""),
                    Map.entry("sink.kafka_config.sasl_gssapi_password", "\"p\""),
                    Map.entry("sink.kafka_config.sasl_gssapi_realm", "\"R\""),
                    Map.entry("sink.kafka_config.sasl_gssapi_disable_pafxfast", "true"),
                    Map.entry("sink.kafka_config.sasl_oauth_client_id", "\"c\""),
                    Map.entry("sink.kafka_config.sasl_oauth_client_secret", "\"c\""),
                    Map.entry("sink.kafka_config.sasl_oauth_token_url", "\"u\""),
                    Map.entry("sink.kafka_config.sasl_oauth_scopes", "[\"s\"]"),
                    Map.entry("sink.kafka_config.sasl_oauth_grant_type", "\"g\""),
                    Map.entry("sink.kafka_config.sasl_oauth_audience", "\"a\""),
                    Map.entry("sink.kafka_config.ca", "\"/none\""),
                    Map.entry("sink.kafka_config.cert", "\"/none\""),
                    Map.entry("sink.kafka_config.key", "\"/none\""),
                    Map.entry("sink.csv.delimiter", "\"\""),
                    Map.entry("sink.csv.quote", "\"ab\""),
                    Map.entry("sink.csv.binary_encoding_method", "\"octal\""),
                    Map.entry("sink.cloud_storage_config.worker_count", "0"),
                    Map.entry("sink.cloud_storage_config.flush_interval", "\"soon\""),
                    Map.entry("sink.cloud_storage_config.file_expiration_days", "-1"),
                    Map.entry("sink.cloud_storage_config.file_cleanup_cron_spec", "\"daily\""),
                    Map.entry("sink.cloud_storage_config.flush_concurrency", "0"),
                    Map.entry("consistent.max_log_size", "-1"),
                    Map.entry("consistent.flush_interval", "49"),
                    Map.entry("consistent.meta_flush_interval", "49"),
                    Map.entry("consistent.compression", "\"zip\""),
                    Map.entry("consistent.storage", "\"ftp://h/redo\""),
                    Map.entry("sink.mysql_config.worker_count", "0"),
                    Map.entry("sink.mysql_config.max_txn_row", "0"),
                    Map.entry("sink.mysql_config.max_multi_update_row_size", "-1"),
                    Map.entry("sink.mysql_config.max_multi_update_row_count", "0"),
                    Map.entry("sink.mysql_config.ssl_ca", "\"/none\""),
                    Map.entry("sink.mysql_config.ssl_cert", "\"/none\""),
                    Map.entry("sink.mysql_config.ssl_key", "\"/none\""),
                    Map.entry("sink.mysql_config.time_zone", "\"Asia/Tokyo\""),
                    Map.entry("sink.mysql_config.write_timeout", "\"soon\""),
                    Map.entry("sink.mysql_config.read_timeout", "\"soon\""),
                    Map.entry("sink.mysql_config.timeout", "\"soon\""));

    @TempDir Path folder;

    private record Option(String path, String state) {}

    private record Sent(String value, Answer answer) {}

    /** A sink's checks without its connections. */
    private record ChecksOnly(SinkFactory real) implements SinkFactory {
        @Override
        public Set<String> schemes() {
            return real.schemes();
        }

        @Override
        public void validate(SinkSpec spec) {
            real.validate(spec);
        }

        @Override
        public void testOpen(SinkSpec spec) {}

        @Override
        public Sink open(SinkSpec spec, SinkContext context) {
            return new BlackholeSinkFactory().open(spec, context);
        }
    }

    private static List<Option> options() throws Exception {
        List<Option> options = new ArrayList<>();
        String prefix = "none";
        for (String line : Files.readAllLines(Path.of("../docs/compatibility.md"))) {
            if (line.startsWith("#")) {
                prefix =
                        switch (line) {
                            case "### `replica_config`" -> "";
                            case "### `replica_config.sink`" -> "sink.";
                            default -> "none";
                        };
            } else if (!prefix.equals("none") && line.startsWith("| `")) {
                String[] cells = line.split("(?<!\\\\)\\|");
                for (MatchResult name :
                        Pattern.compile("`([^`]+)`").matcher(cells[1]).results().toList()) {
                    options.add(new Option(prefix + name.group(1), cells[2].strip()));
                }
            }
        }
        return options;
    }

    private static String sample(String path, String type) {
        String known = SAMPLES.get(path);
        return known != null
                ? known
                : switch (type) {
                    case "string" -> "\"x\"";
                    case "integer" -> "1";
                    case "array" -> path.endsWith("ignore_txn_start_ts") ? "[1]" : "[\"x.*\"]";
                    default -> "true";
                };
    }

    private static ObjectNode config(String path, String value) throws Exception {
        ObjectNode config = JSON.createObjectNode();
        config.put("ignore_ineligible_table", true);
        ObjectNode at = config;
        String[] parts = path.split("\\.");
        for (int i = 0; i < parts.length - 1; i++) {
            String name = parts[i];
            if (name.endsWith("[]")) {
                ArrayNode array = at.putArray(name.substring(0, name.length() - 2));
                at = array.addObject();
                if (!path.startsWith("sink.dispatchers") || COMPANIONS.containsKey(path)) {
                    continue;
                }
                at.putArray("matcher").add("x.*");
            } else {
                at = at.withObjectProperty(name);
            }
        }
        String companion = COMPANIONS.get(path);
        if (path.startsWith("consistent.")) {
            ((ObjectNode) config.withObjectProperty("consistent"))
                    .put("level", "eventual")
                    .put("storage", "noop:///");
        }
        if (companion != null) {
            at.setAll((ObjectNode) JSON.readTree("{" + companion + "}"));
        }
        at.set(parts[parts.length - 1], JSON.readTree(value));
        return config;
    }

    private static String uri(String path) {
        if (path.startsWith("sink.mysql_config")
                || path.equals("sink.safe_mode")
                || path.startsWith("consistent.")
                || Set.of("enable_sync_point", "bdr_mode").contains(path)) {
            return MYSQL;
        }
        if (path.startsWith(LARGE)) {
            return KAFKA + "&enable-tidb-extension=true";
        }
        return path.matches(
                        "sink\\.(csv\\..*|cloud_storage_config\\..*|terminator|date_separator"
                                + "|enable_partition_separator|file_index_width)")
                ? STORAGE
                : KAFKA;
    }

    private static Answer create(ApiClient api, Option option, String value) throws Exception {
        ObjectNode body = JSON.createObjectNode().put("sink_uri", uri(option.path()));
        body.set("replica_config", config(option.path(), value));
        Answer answer = api.create(body.toString());
        if (answer.status() == 200) {
            api.call("DELETE", "/api/v2/changefeeds/" + answer.body().get("id").asText(), "");
        }
        return answer;
    }

    /** Asks with one value after the other until the type fits. */
    private static Sent send(ApiClient api, Option option) throws Exception {
        for (String type : List.of("boolean", "integer", "string", "array")) {
            String value = sample(option.path(), type);
            Answer answer = create(api, option, value);
            if (!answer.errorMessage().contains("cannot unmarshal")) {
                return new Sent(value, answer);
            }
        }
        throw new AssertionError("no value fits " + option);
    }

    @Test
    void eachRowSaysWhatHappens() throws Exception {
        List<Option> options = options();
        assertThat(options).hasSizeGreaterThan(150);
        SoftAssertions soft = new SoftAssertions();
        try (MillraceNode node =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .set("addr", "127.0.0.1:0")
                                        .set("data-dir", folder.toString())
                                        .set("time-zone", "UTC")
                                        .set("upstream", "fake://here")),
                        List.of(new FakeUpstream()),
                        List.of(
                                new ChecksOnly(new KafkaSinkFactory(new Stores())),
                                new ChecksOnly(new StorageSinkFactory(Clock.systemUTC())),
                                new ChecksOnly(
                                        new RedoSinkFactory(
                                                new MySqlSinkFactory(Clock.systemUTC()),
                                                new Stores()))))) {
            ApiClient api = new ApiClient(node.url());
            for (Option option : options) {
                String path = option.path();
                String leaf = path.replaceFirst(".*\\.", "");
                soft.assertThat(option.state())
                        .as(path)
                        .matches("(works|no meaning|refused|built, not tested here).*");
                if (!FILES.contains(path)) {
                    Sent sent = send(api, option);
                    Answer answer = sent.answer();
                    String what = option + " " + sent.value() + ": " + answer.text();
                    if (option.state().startsWith("refused")) {
                        soft.assertThat(answer.errorCode())
                                .as(what)
                                .isEqualTo("CDC:ErrAPIInvalidParam");
                        String list = path.replaceFirst("\\[].*", "").replaceFirst(".*\\.", "");
                        soft.assertThat(answer.errorMessage().replace('-', '_'))
                                .as(what)
                                .containsAnyOf(leaf, list);
                    } else {
                        soft.assertThat(answer.status()).as(what).isEqualTo(200);
                    }
                }
                String nonsense = NONSENSE.get(path);
                if (nonsense != null) {
                    ObjectNode body = JSON.createObjectNode().put("sink_uri", uri(path));
                    ObjectNode config = JSON.createObjectNode();
                    if (path.startsWith("consistent.")) {
                        config = config(path, nonsense);
                    } else {
                        ((ObjectNode) config.withObjectProperty("sink"))
                                .withObjectProperty(path.split("\\.")[1])
                                .set(leaf, JSON.readTree(nonsense));
                    }
                    body.set("replica_config", config);
                    Answer answer = api.create(body.toString());
                    soft.assertThat(answer.status()).as(path + answer.text()).isIn(400, 500);
                    soft.assertThat(answer.errorMessage().replace('-', '_'))
                            .as(path + " " + nonsense)
                            .contains(
                                    leaf.replace("enable_batch_dml", "batch_dml_enable")
                                            .replace("update_row_count", "update_row"));
                } else if (option.state().matches("(works|built).*")
                        && path.matches(
                                "sink\\.(kafka_config|mysql_config|cloud_storage_config|csv)\\.[a-z_]+")) {
                    // Flags and texts that every value fits.
                    soft.assertThat(leaf)
                            .isIn(
                                    "auto_create_topic",
                                    "compression",
                                    "file_size",
                                    "null",
                                    "include_commit_ts",
                                    "output_old_value",
                                    "output_handle_key",
                                    "output_field_header",
                                    "output_column_id",
                                    "enable_tls",
                                    "insecure_skip_verify",
                                    "output_raw_change_event",
                                    "tidb_txn_mode",
                                    "enable_batch_dml",
                                    "enable_multi_statement");
                }
            }
        }
        soft.assertAll();
    }

    /** Options that only some formats read: a value that the format refuses, and its code. */
    @Test
    void formatsReadTheirOptions() throws Exception {
        String avro = "kafka://h:9092/t?protocol=avro";
        String registry = "\"schema_registry\":\"http://127.0.0.1:1\"";
        record Refused(String uri, String sink, String top, String code, String word) {}
        List<Refused> all =
                List.of(
                        new Refused(avro, "", "", "CDC:ErrCodecInvalidConfig", "schema-registry"),
                        new Refused(
                                avro,
                                "\"schema_registry\":\"ftp://h\"",
                                "",
                                "CDC:ErrCodecInvalidConfig",
                                "schema-registry"),
                        new Refused(
                                avro,
                                registry,
                                "\"force_replicate\":true,",
                                "CDC:ErrCodecInvalidConfig",
                                "force-replicate"),
                        new Refused(
                                avro,
                                registry
                                        + ",\"kafka_config\":{\"glue_schema_registry_config\":"
                                        + "{\"region\":\"r\"}}",
                                "",
                                "CDC:ErrInvalidReplicaConfig",
                                "exclude each other"),
                        new Refused(
                                avro,
                                "\"kafka_config\":{\"glue_schema_registry_config\":"
                                        + "{\"registry_name\":\"reg\"}}",
                                "",
                                "CDC:ErrInvalidReplicaConfig",
                                "glue_schema_registry_config needs region"),
                        new Refused(
                                avro,
                                "\"kafka_config\":{\"glue_schema_registry_config\":{"
                                        + "\"registry_name\":\"reg\",\"region\":\"eu-west-1\","
                                        + "\"access_key\":\"a\"}}",
                                "",
                                "CDC:ErrCodecInvalidConfig",
                                "glue-secret-access-key"),
                        new Refused(
                                avro,
                                registry
                                        + ",\"kafka_config\":{\"codec_config\":"
                                        + "{\"avro_decimal_handling_mode\":\"x\"}}",
                                "",
                                "CDC:ErrCodecInvalidConfig",
                                "avro-decimal-handling-mode"),
                        new Refused(
                                avro,
                                registry
                                        + ",\"kafka_config\":{\"codec_config\":"
                                        + "{\"avro_bigint_unsigned_handling_mode\":\"x\"}}",
                                "",
                                "CDC:ErrCodecInvalidConfig",
                                "avro-bigint-unsigned-handling-mode"),
                        new Refused(
                                avro,
                                registry
                                        + ",\"kafka_config\":{\"large_message_handle\":"
                                        + "{\"large_message_handle_option\":\"handle-key-only\"}}",
                                "",
                                "CDC:ErrInvalidReplicaConfig",
                                "large-message-handle-option"),
                        new Refused(
                                avro,
                                registry
                                        + ",\"dispatchers\":[{\"matcher\":[\"*.*\"],"
                                        + "\"topic\":\"{schema}\"}]",
                                "",
                                "CDC:ErrKafkaTopicExprInvalid",
                                "{table}"),
                        new Refused(
                                "kafka://h:9092/t?protocol=default",
                                "\"kafka_config\":{\"codec_config\":{\"max_batch_size\":0}}",
                                "",
                                "CDC:ErrCodecInvalidConfig",
                                "max-batch-size"),
                        new Refused(
                                "kafka://h:9092/t?protocol=maxwell",
                                "\"kafka_config\":{\"large_message_handle\":"
                                        + "{\"large_message_handle_option\":\"handle-key-only\"}}",
                                "",
                                "CDC:ErrInvalidReplicaConfig",
                                "not with 'maxwell'"),
                        new Refused(
                                "kafka://h:9092/t?protocol=simple",
                                "\"kafka_config\":{\"codec_config\":"
                                        + "{\"encoding_format\":\"xml\"}}",
                                "",
                                "CDC:ErrCodecInvalidConfig",
                                "encoding-format"));
        SoftAssertions soft = new SoftAssertions();
        try (MillraceNode node =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .set("addr", "127.0.0.1:0")
                                        .set("data-dir", folder.toString())
                                        .set("time-zone", "UTC")
                                        .set("upstream", "fake://here")),
                        List.of(new FakeUpstream()),
                        List.of(new ChecksOnly(new KafkaSinkFactory(new Stores()))))) {
            ApiClient api = new ApiClient(node.url());
            for (Refused each : all) {
                Answer answer = api.create(body(each.uri(), each.top(), each.sink()));
                soft.assertThat(answer.errorCode()).as(each + answer.text()).isEqualTo(each.code());
                soft.assertThat(answer.errorMessage()).contains(each.word());
            }
            for (String uri : List.of(avro, "kafka://h:9092/t?protocol=flat-avro")) {
                Answer answer =
                        api.create(
                                body(
                                        uri,
                                        "",
                                        registry
                                                + ",\"kafka_config\":{\"codec_config\":{"
                                                + "\"avro_enable_watermark\":true,"
                                                + "\"avro_decimal_handling_mode\":\"string\","
                                                + "\"avro_bigint_unsigned_handling_mode\":\"string\"}}"));
                soft.assertThat(answer.status()).as(answer.text()).isEqualTo(200);
            }
            for (String encoding : List.of("json", "avro")) {
                Answer answer =
                        api.create(
                                body(
                                        "kafka://h:9092/t?protocol=simple",
                                        "",
                                        "\"kafka_config\":{\"codec_config\":{"
                                                + "\"encoding_format\":\""
                                                + encoding
                                                + "\"}}"));
                soft.assertThat(answer.status()).as(answer.text()).isEqualTo(200);
            }
        }
        soft.assertAll();
    }

    private static String body(String uri, String top, String sink) {
        return "{\"sink_uri\":\""
                + uri
                + "\",\"replica_config\":{"
                + top
                + "\"ignore_ineligible_table\":true,\"sink\":{"
                + sink
                + "}}}";
    }
}
