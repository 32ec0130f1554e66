package io.millrace.server;

import io.millrace.dialects.ticdc.LogLevels;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sets the log level while the server runs; chatty libraries keep their own quieter levels. */
final class LogControl implements LogLevels {
    private static final Logger LOG = LoggerFactory.getLogger(LogControl.class);

    @Override
    public void set(String level) {
        Configurator.setRootLevel(Level.valueOf(level));
        LOG.info("log level changed level={}", level);
    }
}
