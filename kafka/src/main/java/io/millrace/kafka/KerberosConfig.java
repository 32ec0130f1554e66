package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Somebody's hold on the krb5.conf that the JVM reads. There is one per process, so all who hold
 * one at the same time must mean the same file; when the last one lets go the JVM has none again,
 * and the next may name another. A file that the JVM was started with stays for good.
 */
final class KerberosConfig implements AutoCloseable {
    private static final String PROPERTY = "java.security.krb5.conf";

    private static @Nullable Path current;
    private static int holders;

    private boolean holding;

    private KerberosConfig(boolean holding) {
        this.holding = holding;
    }

    /**
     * Makes the JVM read the file that a sink's login names, if it names one.
     *
     * @throws MillraceException KAFKA_INVALID_CONFIG when another one is in use
     */
    static KerberosConfig hold(KafkaSinkConfig config) {
        return config.sasl().orElse(null) instanceof SaslLogin.Kerberos login
                ? hold(login.configPath())
                : new KerberosConfig(false);
    }

    static KerberosConfig hold(Optional<Path> wanted) {
        if (wanted.isEmpty()) {
            return new KerberosConfig(false);
        }
        synchronized (KerberosConfig.class) {
            String used = System.getProperty(PROPERTY, "");
            if (!used.isEmpty() && !Path.of(used).toAbsolutePath().equals(wanted.get())) {
                throw new MillraceException(
                        ErrorCode.KAFKA_INVALID_CONFIG,
                        "sasl-gssapi-kerberos-config-path: the server already uses "
                                + used
                                + ", and there is one krb5.conf per server: add the realm of "
                                + wanted.get()
                                + " there");
            }
            if (used.isEmpty()) {
                System.setProperty(PROPERTY, wanted.get().toString());
                current = wanted.get();
                holders = 0;
            }
            boolean ours = wanted.get().equals(current);
            if (ours) {
                holders++;
            }
            return new KerberosConfig(ours);
        }
    }

    @Override
    public void close() {
        synchronized (KerberosConfig.class) {
            if (holding && --holders == 0) {
                System.clearProperty(PROPERTY);
                current = null;
            }
            holding = false;
        }
    }
}
