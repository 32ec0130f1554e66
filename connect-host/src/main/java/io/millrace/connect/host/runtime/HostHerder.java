package io.millrace.connect.host.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.connector.policy.ConnectorClientConfigOverridePolicy;
import org.apache.kafka.connect.runtime.ConnectorConfig;
import org.apache.kafka.connect.runtime.Worker;
import org.apache.kafka.connect.runtime.distributed.DistributedConfig;
import org.apache.kafka.connect.runtime.distributed.DistributedHerder;
import org.apache.kafka.connect.runtime.rest.RestClient;
import org.apache.kafka.connect.runtime.rest.entities.ConfigInfo;
import org.apache.kafka.connect.runtime.rest.entities.ConfigInfos;
import org.apache.kafka.connect.runtime.rest.entities.ConfigValueInfo;
import org.apache.kafka.connect.runtime.rest.entities.ConnectorType;
import org.apache.kafka.connect.storage.ConfigBackingStore;
import org.apache.kafka.connect.storage.StatusBackingStore;
import org.apache.kafka.connect.util.Callback;
import org.apache.kafka.connect.util.SharedTopicAdmin;
import org.apache.kafka.connect.util.Stage;
import org.jspecify.annotations.Nullable;

/**
 * Connect's herder with two corrections of validation, and two of its log.
 *
 * <ul>
 *   <li>Debezium 3.6 declares keys (deprecated names) for which it gives no value back. Connect 4.3
 *       then fails with a NullPointerException instead of listing what is wrong; clients that read
 *       the list do as well.
 *   <li>A connector's name with a slash, a backslash or a percent sign would be accepted, but no
 *       request could name it any more, because the HTTP server refuses these in a path, encoded as
 *       well.
 *   <li>Each question about a connector whose class is not there would log a stack trace, and the
 *       watch asks once a second. Connect remembers as well that a class could not be loaded.
 *   <li>When the worker cannot go on, Connect logs why and ends the process without telling it.
 * </ul>
 */
final class HostHerder extends DistributedHerder {
    private static final String NAME = "name";
    private static final String NOT_IN_PATHS = "/\\%";

    /** Encoded in a path, characters may take 9 bytes each, and Jetty takes 8 KiB. */
    private static final int MAX_NAME = 500;

    /** Validation may ask for any name, so what is remembered has an end. */
    private static final int MAX_UNKNOWN = 1000;

    private final Set<List<String>> unknown = ConcurrentHashMap.newKeySet();

    HostHerder(
            DistributedConfig config,
            Worker worker,
            String kafkaClusterId,
            StatusBackingStore status,
            ConfigBackingStore configs,
            String restUrl,
            RestClient restClient,
            ConnectorClientConfigOverridePolicy overrides,
            SharedTopicAdmin admin) {
        super(
                config,
                Time.SYSTEM,
                worker,
                kafkaClusterId,
                status,
                configs,
                restUrl,
                restClient,
                overrides,
                List.of(),
                admin);
    }

    @Override
    protected void startServices() {
        try {
            super.startServices();
        } catch (RuntimeException | Error e) {
            ExitGuard.because(e);
            throw e;
        }
    }

    @Override
    public void tick() {
        try {
            super.tick();
        } catch (RuntimeException | Error e) {
            ExitGuard.because(e);
            throw e;
        }
    }

    @Override
    public ConnectorType connectorType(@Nullable Map<String, String> config) {
        return config == null
                ? ConnectorType.UNKNOWN
                : askedOnce(unknown, config, super::connectorType);
    }

    static ConnectorType askedOnce(
            Set<List<String>> unknown,
            Map<String, String> config,
            Function<Map<String, String>, ConnectorType> ask) {
        List<String> key =
                List.of(
                        config.getOrDefault(ConnectorConfig.CONNECTOR_CLASS_CONFIG, ""),
                        config.getOrDefault(ConnectorConfig.CONNECTOR_VERSION, ""));
        if (unknown.contains(key)) {
            return ConnectorType.UNKNOWN;
        }
        ConnectorType type = ask.apply(config);
        if (type == ConnectorType.UNKNOWN && unknown.size() < MAX_UNKNOWN) {
            unknown.add(key);
        }
        return type;
    }

    @Override
    public void validateConnectorConfig(
            Map<String, String> settings, Callback<ConfigInfos> callback, boolean doLog) {
        super.validateConnectorConfig(
                settings,
                new Callback<>() {
                    @Override
                    public void onCompletion(
                            @Nullable Throwable error, @Nullable ConfigInfos result) {
                        callback.onCompletion(error, result == null ? null : repaired(result));
                    }

                    @Override
                    public void recordStage(Stage stage) {
                        callback.recordStage(stage);
                    }
                },
                doLog);
    }

    static ConfigInfos repaired(ConfigInfos infos) {
        int errors = infos.errorCount();
        List<ConfigInfo> configs = new ArrayList<>(infos.configs().size());
        for (ConfigInfo info : infos.configs()) {
            ConfigValueInfo value = info.configValue();
            if (value == null) {
                value =
                        new ConfigValueInfo(
                                info.configKey().name(), null, List.of(), List.of(), false);
            } else if (NAME.equals(value.name())
                    && value.value() != null
                    && cannotBeNamed(value.value())) {
                List<String> messages = new ArrayList<>(value.errors());
                messages.add(
                        "The connector name '"
                                + value.value()
                                + "' must not contain '/', '\\' or '%', must not be '.' or '..', and"
                                + " must not be longer than "
                                + MAX_NAME
                                + " characters: no request could name the connector afterwards");
                value =
                        new ConfigValueInfo(
                                value.name(),
                                value.value(),
                                value.recommendedValues(),
                                messages,
                                value.visible());
                errors++;
            }
            configs.add(new ConfigInfo(info.configKey(), value));
        }
        return new ConfigInfos(infos.name(), errors, infos.groups(), configs);
    }

    private static boolean cannotBeNamed(String name) {
        return name.chars().anyMatch(c -> NOT_IN_PATHS.indexOf(c) >= 0)
                || name.equals(".")
                || name.equals("..")
                || name.length() > MAX_NAME;
    }
}
