package io.millrace.kafka;

import java.util.List;
import java.util.Map;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;

/** Answers the JVM's Kerberos login module when it asks for the password. Made by Kafka. */
public final class KerberosPassword implements AuthenticateCallbackHandler {
    /** Option of the login module's configuration that holds the password; ours, not Kerberos'. */
    static final String OPTION = "millracePassword";

    private char[] password = {};

    @Override
    public void configure(
            Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
        for (AppConfigurationEntry entry : entries) {
            if (entry.getOptions().get(OPTION) instanceof String text) {
                password = text.toCharArray();
            }
        }
    }

    @Override
    public void handle(Callback[] callbacks) throws UnsupportedCallbackException {
        for (Callback callback : callbacks) {
            switch (callback) {
                case NameCallback name -> name.setName(name.getDefaultName());
                case PasswordCallback asked -> asked.setPassword(password);
                default -> throw new UnsupportedCallbackException(callback);
            }
        }
    }

    @Override
    public void close() {}
}
