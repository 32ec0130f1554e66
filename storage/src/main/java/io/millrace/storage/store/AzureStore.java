package io.millrace.storage.store;

import com.azure.core.http.jdk.httpclient.JdkHttpClientBuilder;
import com.azure.core.util.Context;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobServiceClientBuilder;
import com.azure.storage.blob.models.AccessTier;
import com.azure.storage.blob.models.BlobErrorCode;
import com.azure.storage.blob.models.BlobItem;
import com.azure.storage.blob.models.BlobStorageException;
import com.azure.storage.blob.models.CustomerProvidedKey;
import com.azure.storage.blob.models.ListBlobsOptions;
import com.azure.storage.blob.options.BlockBlobSimpleUploadOptions;
import com.azure.storage.common.StorageSharedKeyCredential;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkOptions;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A container of Azure Blob Storage.
 *
 * <p>Options: {@code account-name} and {@code account-key} or {@code sas-token} (else {@code
 * AZURE_STORAGE_ACCOUNT} and {@code AZURE_STORAGE_KEY} of the environment), {@code endpoint},
 * {@code access-tier}, {@code encryption-scope}, {@code encryption-key}.
 */
final class AzureStore implements ObjectStore {
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final int NOT_FOUND = 404;

    private final BlobContainerClient container;
    private final String bucket;
    private final String prefix;
    private final Optional<AccessTier> tier;

    private AzureStore(
            BlobContainerClient container,
            String bucket,
            String prefix,
            Optional<AccessTier> tier) {
        this.container = container;
        this.bucket = bucket;
        this.prefix = prefix;
        this.tier = tier;
    }

    static AzureStore open(String bucket, String prefix, SinkOptions options) {
        String account =
                options.text("account-name")
                        .or(() -> environment("AZURE_STORAGE_ACCOUNT"))
                        .orElseThrow(() ->
                                Stores.invalid(
                                        "account-name is missing, and the environment has"
                                                + " no AZURE_STORAGE_ACCOUNT"));
        String endpoint = options.text("endpoint", "https://" + account + ".blob.core.windows.net");
        Optional<String> sas = options.text("sas-token");
        Optional<String> key =
                options.text("account-key").or(() -> environment("AZURE_STORAGE_KEY"));
        Optional<AccessTier> tier = options.text("access-tier").map(AccessTier::fromString);
        tier.filter(value ->
                        !List.of(
                                        AccessTier.HOT,
                                        AccessTier.COOL,
                                        AccessTier.COLD,
                                        AccessTier.ARCHIVE)
                                .contains(value))
                .ifPresent(value -> {
                    throw Stores.invalid(
                            "access-tier must be Hot, Cool, Cold or Archive, not '" + value + "'");
                });
        try {
            BlobServiceClientBuilder builder =
                    new BlobServiceClientBuilder()
                            .httpClient(new JdkHttpClientBuilder().build())
                            .endpoint(endpoint);
            if (sas.isPresent()) {
                builder.sasToken(sas.get());
            } else {
                builder.credential(
                        new StorageSharedKeyCredential(
                                account,
                                key.orElseThrow(() ->
                                        Stores.invalid("account-key or sas-token is missing"))));
            }
            options.text("encryption-scope").ifPresent(builder::encryptionScope);
            options.text("encryption-key")
                    .ifPresent(
                            secret -> builder.customerProvidedKey(new CustomerProvidedKey(secret)));
            return new AzureStore(
                    builder.buildClient().getBlobContainerClient(bucket), bucket, prefix, tier);
        } catch (IllegalArgumentException e) {
            // The library's message may repeat a key.
            throw Stores.invalid(
                    "endpoint, account-key, sas-token or encryption-key of Azure is malformed");
        }
    }

    private static Optional<String> environment(String name) {
        return Optional.ofNullable(System.getenv(name)).filter(value -> !value.isBlank());
    }

    private String key(String name) {
        return prefix + Names.checked(name);
    }

    @Override
    public void put(String name, byte[] content, int offset, int length) {
        String key = key(name);
        BlockBlobSimpleUploadOptions upload =
                new BlockBlobSimpleUploadOptions(
                        new ByteArrayInputStream(content, offset, length), length);
        tier.ifPresent(upload::setTier);
        try {
            container
                    .getBlobClient(key)
                    .getBlockBlobClient()
                    .uploadWithResponse(upload, LIMIT, Context.NONE);
        } catch (RuntimeException e) {
            throw failure("write", name, e);
        }
    }

    @Override
    public byte[] get(String name) throws FileNotFoundException {
        return read(name, blob -> blob.downloadContent().toBytes());
    }

    @Override
    public InputStream open(String name) throws FileNotFoundException {
        return read(name, BlobClient::openInputStream);
    }

    private <T> T read(String name, Function<BlobClient, T> how) throws FileNotFoundException {
        String key = key(name);
        try {
            return how.apply(container.getBlobClient(key));
        } catch (BlobStorageException e) {
            if (isMissing(e)) {
                FileNotFoundException missing =
                        new FileNotFoundException("no blob " + name + " in " + location());
                missing.initCause(e);
                throw missing;
            }
            throw failure("read", name, e);
        } catch (RuntimeException e) {
            throw failure("read", name, e);
        }
    }

    private static boolean isMissing(BlobStorageException e) {
        return e.getStatusCode() == NOT_FOUND
                && !BlobErrorCode.CONTAINER_NOT_FOUND.equals(e.getErrorCode());
    }

    @Override
    public boolean exists(String name) {
        String key = key(name);
        try {
            return container.getBlobClient(key).exists();
        } catch (RuntimeException e) {
            throw failure("look for", name, e);
        }
    }

    @Override
    public void delete(String name) {
        String key = key(name);
        try {
            container.getBlobClient(key).deleteIfExists();
        } catch (RuntimeException e) {
            throw failure("delete", name, e);
        }
    }

    @Override
    public List<Entry> list(String below) {
        try {
            List<Entry> found = new ArrayList<>();
            for (BlobItem blob :
                    container.listBlobs(new ListBlobsOptions().setPrefix(prefix + below), LIMIT)) {
                found.add(
                        new Entry(
                                blob.getName().substring(prefix.length()),
                                blob.getProperties().getContentLength(),
                                blob.getProperties().getLastModified().toInstant().toEpochMilli()));
            }
            found.sort(Comparator.comparing(Entry::name, Names.BYTES));
            return found;
        } catch (RuntimeException e) {
            throw failure("list", below, e);
        }
    }

    @Override
    public String location() {
        return "azblob://" + bucket + "/" + prefix;
    }

    private MillraceException failure(String what, String name, RuntimeException e) {
        String where = "cannot " + what + " " + name + " in " + location() + ": ";
        if (e instanceof BlobStorageException answer) {
            return HttpFailures.of(
                    where,
                    answer.getStatusCode(),
                    String.valueOf(answer.getErrorCode()),
                    BlobErrorCode.CONTAINER_NOT_FOUND.equals(answer.getErrorCode()),
                    e);
        }
        // Time-outs and connections come as various exceptions of the library below.
        return new MillraceException(
                ErrorCode.SINK_CONNECTION, where + e.getClass().getSimpleName(), e);
    }
}
