package io.millrace.connect.host.runtime;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.util.Enumeration;
import java.util.Map;
import org.apache.kafka.connect.runtime.isolation.ClassLoaderFactory;
import org.apache.kafka.connect.runtime.isolation.PluginClassLoader;
import org.apache.kafka.connect.runtime.isolation.PluginUtils;
import org.apache.kafka.connect.runtime.isolation.Plugins;

/**
 * Class loaders of plug-ins that keep providers of services apart.
 *
 * <p>Connect's own loader takes a plug-in's classes before those of the process, but lists the
 * service files of both. When both hold a library, in two versions, the plug-in's {@code
 * ServiceLoader} then finds the process's providers, which do not implement the plug-in's
 * interface: MariaDB's driver in this process was seen to break the one in Debezium's connector
 * ({@code ServiceConfigurationError: … not a subtype}).
 */
final class PluginLoaders extends ClassLoaderFactory {
    private static final String SERVICES = "META-INF/services/";

    /** Plug-ins of a worker's settings, with these loaders. */
    static Plugins plugins(Map<String, String> settings) {
        try {
            // Public is only the constructor that makes Connect's own loaders.
            Constructor<Plugins> constructor =
                    Plugins.class.getDeclaredConstructor(
                            Map.class, ClassLoader.class, ClassLoaderFactory.class);
            constructor.setAccessible(true);
            return constructor.newInstance(
                    settings, Plugins.class.getClassLoader(), new PluginLoaders());
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException("cannot look for plug-ins", e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    "this is not the Kafka Connect that this was made for", e);
        }
    }

    @Override
    public PluginClassLoader newPluginClassLoader(URL location, URL[] urls, ClassLoader parent) {
        return new Apart(location, urls, parent);
    }

    /** The loader of one plug-in. */
    static final class Apart extends PluginClassLoader {
        static {
            ClassLoader.registerAsParallelCapable();
        }

        Apart(URL location, URL[] urls, ClassLoader parent) {
            super(location, urls, parent);
        }

        @Override
        public Enumeration<URL> getResources(String name) throws IOException {
            return name.startsWith(SERVICES) && isOwn(name.substring(SERVICES.length()))
                    ? findResources(name)
                    : super.getResources(name);
        }

        /** Whether the plug-in has the class itself, so that no other loader's fit it. */
        private boolean isOwn(String className) {
            return PluginUtils.shouldLoadInIsolation(className)
                    && findResource(className.replace('.', '/') + ".class") != null;
        }
    }
}
