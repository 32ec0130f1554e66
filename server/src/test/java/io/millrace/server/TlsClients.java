package io.millrace.server;

import io.millrace.testkit.servers.TlsMaterial;
import java.net.http.HttpClient;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** HTTP clients that trust a server's authority. */
final class TlsClients {
    private TlsClients() {}

    static HttpClient client(TlsMaterial tls, boolean withCertificate) throws Exception {
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(Pem.trusted(tls.ca()));
        KeyManagerFactory keys =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        KeyStore identity = Pem.identity(tls.clientCertificate(), tls.clientKey());
        keys.init(identity, Pem.PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
                withCertificate ? keys.getKeyManagers() : null, trust.getTrustManagers(), null);
        return HttpClient.newBuilder().sslContext(context).build();
    }
}
