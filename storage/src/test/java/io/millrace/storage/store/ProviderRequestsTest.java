package io.millrace.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkSpec;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the URI's parameters make of the requests to a provider; a server that writes them down. */
@SuppressWarnings("NullAway.Init") // made before each test
final class ProviderRequestsTest {
    private final List<String> requests = new ArrayList<>();
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
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
        byte[] body = "{}".getBytes(StandardCharsets.US_ASCII);
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
        String at = "http://127.0.0.1:" + server.getAddress().getPort();
        try (ObjectStore store = new Stores().open(SinkSpec.parseUri(uri + "&endpoint=" + at))) {
            store.put("f", new byte[] {'x', 'y'});
        }
        synchronized (requests) {
            assertThat(requests).hasSize(1);
            return requests.removeFirst();
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
}
