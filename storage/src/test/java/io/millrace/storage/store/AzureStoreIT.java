package io.millrace.storage.store;

import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkSpec;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * The Azure store against a server that somebody has started: {@code -Dmillrace.azure.uri} is the
 * URI of a container, with credentials and endpoint.
 */
@EnabledIfSystemProperty(named = "millrace.azure.uri", matches = ".+")
final class AzureStoreIT extends ObjectStoreContract {
    private static final AtomicInteger PREFIXES = new AtomicInteger();

    @Override
    ObjectStore empty() {
        return new Stores()
                .open(
                        SinkSpec.parseUri(
                                System.getProperty("millrace.azure.uri", "")
                                        .replace(
                                                "?",
                                                "/t"
                                                        + System.nanoTime()
                                                        + PREFIXES.incrementAndGet()
                                                        + "?")));
    }
}
