package io.millrace.testkit.servers;

import io.millrace.testkit.servers.DbServer.Flavor;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * One server of each flavour for all tests of a class: started when a test first asks for it,
 * stopped behind the last test. A static field with {@code @RegisterExtension}.
 */
public final class FlavorServers implements AfterAllCallback {
    private final Function<Flavor, DbServer> starter;
    private final Map<Flavor, DbServer> started = new EnumMap<>(Flavor.class);

    /** With default options. */
    public FlavorServers() {
        this(flavor -> DbServer.of(flavor).start());
    }

    /**
     * @param starter starts a server
     */
    public FlavorServers(Function<Flavor, DbServer> starter) {
        this.starter = starter;
    }

    /** The class's server of a flavour. */
    public DbServer of(Flavor flavor) {
        return started.computeIfAbsent(flavor, starter);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        started.values().forEach(DbServer::close);
        started.clear();
    }
}
