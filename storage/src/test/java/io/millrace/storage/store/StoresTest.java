package io.millrace.storage.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkSpec;
import org.junit.jupiter.api.Test;

final class StoresTest {
    private static ObjectStore open(String uri) {
        return new Stores().open(SinkSpec.parseUri(uri));
    }

    private static void refused(String uri, ErrorCode code, String message) {
        assertThatThrownBy(() -> open(uri))
                .as(uri)
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(code);
                            assertThat(e.text()).contains(message);
                            assertThat(e.text()).doesNotContain("geheim");
                        });
    }

    @Test
    void locationsHaveNoSecrets() {
        assertThat(open("file:///data/a%20b/./c/").location()).isEqualTo("file:///data/a b/c");
        assertThat(open("nfs:///mnt/x?protocol=csv").location()).isEqualTo("file:///mnt/x");
        assertThat(open("local:///a+b").location()).isEqualTo("file:///a+b");
        assertThat(
                        open("s3://b/p/q/?access-key=geheim&secret-access-key=geheim&region=eu-west-1")
                                .location())
                .isEqualTo("s3://b/p/q/");
        assertThat(open("gcs://b?endpoint=http://127.0.0.1:1/").location()).isEqualTo("gcs://b/");
        assertThat(open("azblob://b/p?account-name=n&account-key=Z2VoZWlt").location())
                .isEqualTo("azblob://b/p/");
        assertThat(open("azure://b/p?account-name=n&sas-token=sig=geheim").location())
                .isEqualTo("azblob://b/p/");
    }

    @Test
    void badOptionsAreNamed() {
        refused("ftp://x/y", ErrorCode.SINK_URI_INVALID, "no storage has the scheme (ftp)");
        refused("file://host/x", ErrorCode.STORAGE_INVALID_CONFIG, "file:///path");
        refused("s3:///x", ErrorCode.STORAGE_INVALID_CONFIG, "bucket is missing");
        refused("s3://b/?access-key=x", ErrorCode.STORAGE_INVALID_CONFIG, "belong together");
        refused(
                "s3://b/?secret-access-key=geheim",
                ErrorCode.STORAGE_INVALID_CONFIG,
                "belong together");
        refused("s3://b/?sse=none", ErrorCode.STORAGE_INVALID_CONFIG, "sse must be one of");
        refused("s3://b/?acl=all", ErrorCode.STORAGE_INVALID_CONFIG, "acl must be one of");
        refused("s3://b/?sse-kms-key-id=k", ErrorCode.STORAGE_INVALID_CONFIG, "sse=aws:kms");
        refused("s3://b/?external-id=k", ErrorCode.STORAGE_INVALID_CONFIG, "needs role-arn");
        refused(
                "s3://b/?force-path-style=maybe",
                ErrorCode.STORAGE_INVALID_CONFIG,
                "force-path-style must be true or false");
        refused("s3://b/?endpoint=http:///", ErrorCode.STORAGE_INVALID_CONFIG, "endpoint must be");
        refused(
                "gcs://b/?credentials-file=/none/here",
                ErrorCode.STORAGE_INVALID_CONFIG,
                "credentials-file /none/here cannot be read");
        refused(
                "azblob://b/?account-name=n",
                ErrorCode.STORAGE_INVALID_CONFIG,
                "account-key or sas-token is missing");
        refused(
                "azblob://b/?account-name=n&account-key=Z2VoZWlt&access-tier=warm",
                ErrorCode.STORAGE_INVALID_CONFIG,
                "access-tier must be");
    }

    @Test
    void nobodyListening() {
        ObjectStore s3 =
                open("s3://b/?access-key=x&secret-access-key=geheim&endpoint=http://127.0.0.1:9");
        assertThatThrownBy(() -> s3.exists("x"))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.SINK_CONNECTION);
                            assertThat(e.text()).doesNotContain("geheim");
                        });
        ObjectStore gcs = open("gcs://b/?endpoint=http://127.0.0.1:9/");
        assertThatThrownBy(() -> gcs.exists("x"))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.SINK_CONNECTION));
    }

    @Test
    void noopForgets() throws Exception {
        try (ObjectStore store = open("noop://")) {
            store.put("a", new byte[1]);
            assertThat(store.exists("a")).isFalse();
            assertThat(store.list("")).isEmpty();
        }
    }
}
