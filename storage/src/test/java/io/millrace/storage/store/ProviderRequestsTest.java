package io.millrace.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.servers.TlsMaterial;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the URI's parameters make of the requests to a provider; a server that writes them down. */
@SuppressWarnings("NullAway.Init") // made before each test
final class ProviderRequestsTest {
    private static final String ASSUMED =
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>assumed</AccessKeyId>"
                    + "<SecretAccessKey>geheim</SecretAccessKey><SessionToken>role/token</SessionToken>"
                    + "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>"
                    + "</AssumeRoleResponse>";

    private final List<String> requests = new ArrayList<>();
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        start(HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0));
    }

    private void start(HttpServer made) {
        server = made;
        server.createContext("/", this::record);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void record(HttpExchange exchange) throws IOException {
        TreeMap<String, String> headers = new TreeMap<>();
        exchange.getRequestHeaders()
                .forEach((name, values) ->
                        headers.put(name.toLowerCase(Locale.ROOT), values.getFirst()));
        StringBuilder text = new StringBuilder();
        text.append(exchange.getRequestMethod()).append(' ').append(exchange.getRequestURI());
        headers.forEach((name, value) -> text.append('\n').append(name).append(": ").append(value));
        InputStream in = exchange.getRequestBody();
        if ("gzip".equals(headers.get("content-encoding"))) {
            in = new GZIPInputStream(in);
        }
        text.append("\n\n").append(new String(in.readAllBytes(), StandardCharsets.ISO_8859_1));
        synchronized (requests) {
            requests.add(text.toString());
        }
        byte[] body =
                (text.indexOf("Action=AssumeRole") < 0 ? "{}" : ASSUMED)
                        .getBytes(StandardCharsets.US_ASCII);
        exchange.getResponseHeaders().set("ETag", "\"1\"");
        exchange.getResponseHeaders().set("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT");
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        boolean azure = headers.containsKey("x-ms-version");
        exchange.sendResponseHeaders(azure ? 201 : 200, azure ? -1 : body.length);
        if (!azure) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    /** Writes one object and returns the request. */
    private String put(String uri) throws IOException {
        List<String> sent = putAt(uri, address("http"));
        assertThat(sent).hasSize(1);
        return sent.getFirst();
    }

    private String address(String scheme) {
        return scheme + "://127.0.0.1:" + server.getAddress().getPort();
    }

    private List<String> putAt(String uri, String at) throws IOException {
        try (ObjectStore store = new Stores().open(SinkSpec.parseUri(uri + "&endpoint=" + at))) {
            store.put("f", new byte[] {'x', 'y'});
        }
        synchronized (requests) {
            List<String> sent = List.copyOf(requests);
            requests.clear();
            return sent;
        }
    }

    @Test
    void s3() throws IOException {
        String plain = "s3://b/p?access-key=a+k&secret-access-key=s/+=&region=eu-test-7";
        assertThat(put(plain))
                .startsWith("PUT /b/p/f\n")
                .contains("Credential=a+k/", "/eu-test-7/s3/aws4_request")
                .doesNotContain("x-amz-security-token", "x-amz-acl", "encryption");
        assertThat(
                        put(
                                plain
                                        + "&session-token=t+/=&sse=aws:kms&sse-kms-key-id=k1"
                                        + "&acl=bucket-owner-full-control"))
                .contains(
                        "\nx-amz-security-token: t+/=\n",
                        "\nx-amz-server-side-encryption: aws:kms\n",
                        "\nx-amz-server-side-encryption-aws-kms-key-id: k1\n",
                        "\nx-amz-acl: bucket-owner-full-control\n");
    }

    @Test
    void azure() throws IOException {
        assertThat(put("azblob://b/p?account-name=acc&account-key=ab+d"))
                .startsWith("PUT /b/p%2Ff\n")
                .contains("\nauthorization: SharedKey acc:")
                .doesNotContain("x-ms-access-tier", "x-ms-encryption-scope");
        assertThat(
                        put(
                                "azure://b/p?account-name=acc&sas-token=sv=1%26sig=geheim"
                                        + "&access-tier=Cool&encryption-scope=es"))
                .startsWith("PUT /b/p%2Ff?")
                .contains(
                        "sig=geheim", "\nx-ms-access-tier: Cool\n", "\nx-ms-encryption-scope: es\n")
                .doesNotContain("authorization");
    }

    @Test
    void googleCloud() throws IOException {
        assertThat(put("gcs://b/p?storage-class=NEARLINE&predefined-acl=private"))
                .startsWith("POST /upload/storage/v1/b/b/o?")
                .contains("predefinedAcl=private", "\"storageClass\":\"NEARLINE\"", "p/f");
        assertThat(put("gs://b/p?x=y")).doesNotContain("predefinedAcl", "storageClass");
    }

    /** AWS's client asks the server named here for the role; the rest is as with AWS itself. */
    @Test
    void s3AsAnotherRole() throws IOException {
        System.setProperty("aws.endpointUrlSts", address("http"));
        try {
            List<String> sent =
                    putAt(
                            "s3://b/p?access-key=k&secret-access-key=s&region=eu-test-7"
                                    + "&role-arn=arn:aws:iam::1:role/r&external-id=e7",
                            address("http"));
            assertThat(sent).hasSize(2);
            assertThat(sent.getFirst())
                    .contains(
                            "Credential=k/",
                            "Action=AssumeRole",
                            "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr",
                            "RoleSessionName=millrace",
                            "ExternalId=e7");
            assertThat(sent.getLast())
                    .startsWith("PUT /b/p/f\n")
                    .contains("Credential=assumed/", "\nx-amz-security-token: role/token\n");
        } finally {
            System.clearProperty("aws.endpointUrlSts");
        }
    }

    /** Some providers want the bucket in the host name; the server is the proxy here. */
    @Test
    void theProviderDecidesWhereTheBucketStands() throws IOException {
        System.setProperty("http.proxyHost", "127.0.0.1");
        System.setProperty("http.proxyPort", Integer.toString(server.getAddress().getPort()));
        try {
            String plain = "s3://bucket/p?access-key=k&secret-access-key=s&region=eu-test-7";
            String at = "http://store.example";
            assertThat(putAt(plain, at).getFirst())
                    .startsWith("PUT http://store.example/bucket/p/f\n");
            assertThat(putAt(plain + "&provider=alibaba", at).getFirst())
                    .startsWith("PUT http://bucket.store.example/p/f\n");
            assertThat(putAt(plain + "&provider=alibaba&force-path-style=true", at).getFirst())
                    .startsWith("PUT http://store.example/bucket/p/f\n");
        } finally {
            System.clearProperty("http.proxyHost");
            System.clearProperty("http.proxyPort");
        }
    }

    /** A key of the customer's own goes over TLS alone. */
    @Test
    void azureWithAKeyOfTheCustomersOwn(@TempDir Path folder) throws Exception {
        TlsMaterial tls = TlsMaterial.copyInto(folder.resolve("tls"));
        server.stop(0);
        HttpsServer secure = HttpsServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        SSLContext context = context(tls);
        secure.setHttpsConfigurator(new HttpsConfigurator(context));
        start(secure);
        SSLContext before = SSLContext.getDefault();
        SSLContext.setDefault(context);
        try {
            String key = Base64.getEncoder().encodeToString(new byte[32]);
            assertThat(
                            putAt(
                                            "azblob://b/p?account-name=acc&account-key=ab+d"
                                                    + "&encryption-key="
                                                    + key,
                                            address("https"))
                                    .getFirst())
                    .contains(
                            "\nx-ms-encryption-algorithm: AES256\n",
                            "\nx-ms-encryption-key: " + key + "\n");
        } finally {
            SSLContext.setDefault(before);
        }
    }

    private static SSLContext context(TlsMaterial tls) throws Exception {
        CertificateFactory certificates = CertificateFactory.getInstance("X.509");
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream ca = Files.newInputStream(tls.ca());
                InputStream own = Files.newInputStream(tls.serverCertificate())) {
            store.setCertificateEntry("ca", certificates.generateCertificate(ca));
            store.setKeyEntry(
                    "own",
                    KeyFactory.getInstance("RSA")
                            .generatePrivate(
                                    new PKCS8EncodedKeySpec(
                                            Base64.getMimeDecoder()
                                                    .decode(
                                                            Files.readString(tls.serverKey())
                                                                    .replaceAll("-----.*", "")))),
                    new char[0],
                    new Certificate[] {certificates.generateCertificate(own)});
        }
        KeyManagerFactory keys =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, new char[0]);
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }
}
