package io.millrace.storage.store;

import com.google.api.client.googleapis.json.GoogleJsonResponseException;
import com.google.api.client.http.ByteArrayContent;
import com.google.api.client.http.HttpRequestInitializer;
import com.google.api.client.http.HttpResponseException;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.gson.GsonFactory;
import com.google.api.services.storage.Storage;
import com.google.api.services.storage.model.Objects;
import com.google.api.services.storage.model.StorageObject;
import com.google.auth.http.HttpCredentialsAdapter;
import com.google.auth.oauth2.GoogleCredentials;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkOptions;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A bucket of Google Cloud Storage.
 *
 * <p>Options: {@code credentials-file} (else the application's default credentials; none at all
 * with an {@code endpoint} of one's own), {@code storage-class}, {@code predefined-acl}.
 */
final class GcsStore implements ObjectStore {
    private static final String SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
    private static final int TIMEOUT_MS = 120_000;
    private static final int NOT_FOUND = 404;

    private final Storage client;
    private final String bucket;
    private final String prefix;
    private final Optional<String> storageClass;
    private final Optional<String> acl;

    private GcsStore(
            Storage client,
            String bucket,
            String prefix,
            Optional<String> storageClass,
            Optional<String> acl) {
        this.client = client;
        this.bucket = bucket;
        this.prefix = prefix;
        this.storageClass = storageClass;
        this.acl = acl;
    }

    static GcsStore open(String bucket, String prefix, SinkOptions options) {
        Optional<String> endpoint = options.text("endpoint");
        HttpRequestInitializer authorised =
                credentials(options.text("credentials-file"), endpoint.isPresent());
        Storage.Builder builder =
                new Storage.Builder(
                                new NetHttpTransport(),
                                GsonFactory.getDefaultInstance(),
                                request -> {
                                    if (authorised != null) {
                                        authorised.initialize(request);
                                    }
                                    request.setConnectTimeout(TIMEOUT_MS);
                                    request.setReadTimeout(TIMEOUT_MS);
                                })
                        .setApplicationName("millrace");
        endpoint.ifPresent(url -> builder.setRootUrl((url.endsWith("/") ? url : url + "/")));
        return new GcsStore(
                builder.build(),
                bucket,
                prefix,
                options.text("storage-class"),
                options.text("predefined-acl"));
    }

    private static @Nullable HttpRequestInitializer credentials(
            Optional<String> file, boolean ownEndpoint) {
        try {
            if (file.isPresent()) {
                try (InputStream in = Files.newInputStream(Path.of(file.get()))) {
                    return new HttpCredentialsAdapter(
                            GoogleCredentials.fromStream(in).createScoped(SCOPE));
                }
            }
            return ownEndpoint
                    ? null
                    : new HttpCredentialsAdapter(
                            GoogleCredentials.getApplicationDefault().createScoped(SCOPE));
        } catch (IOException e) {
            throw new MillraceException(
                    ErrorCode.STORAGE_INVALID_CONFIG,
                    file.isPresent()
                            ? "credentials-file " + file.get() + " cannot be read: " + e
                            : "no credentials for Google Cloud Storage: set credentials-file, or"
                                    + " the application's default credentials",
                    e);
        }
    }

    private String key(String name) {
        return prefix + Names.checked(name);
    }

    @Override
    public void put(String name, byte[] content, int offset, int length) {
        try {
            StorageObject facts = new StorageObject().setName(key(name));
            storageClass.ifPresent(facts::setStorageClass);
            Storage.Objects.Insert insert =
                    client.objects()
                            .insert(
                                    bucket,
                                    facts,
                                    new ByteArrayContent(
                                            "application/octet-stream", content, offset, length));
            insert.getMediaHttpUploader().setDirectUploadEnabled(true);
            acl.ifPresent(insert::setPredefinedAcl);
            insert.execute();
        } catch (IOException e) {
            throw failure("write", name, e);
        }
    }

    @Override
    public byte[] get(String name) throws FileNotFoundException {
        try (InputStream in = open(name)) {
            return in.readAllBytes();
        } catch (FileNotFoundException e) {
            throw e;
        } catch (IOException e) {
            throw failure("read", name, e);
        }
    }

    @Override
    public InputStream open(String name) throws FileNotFoundException {
        try {
            return client.objects().get(bucket, key(name)).executeMediaAsInputStream();
        } catch (HttpResponseException e) {
            if (e.getStatusCode() == NOT_FOUND) {
                FileNotFoundException missing =
                        new FileNotFoundException("no object " + name + " in " + location());
                missing.initCause(e);
                throw missing;
            }
            throw failure("read", name, e);
        } catch (IOException e) {
            throw failure("read", name, e);
        }
    }

    @Override
    public boolean exists(String name) {
        try {
            client.objects().get(bucket, key(name)).execute();
            return true;
        } catch (HttpResponseException e) {
            if (e.getStatusCode() == NOT_FOUND) {
                return false;
            }
            throw failure("look for", name, e);
        } catch (IOException e) {
            throw failure("look for", name, e);
        }
    }

    @Override
    public void delete(String name) {
        try {
            client.objects().delete(bucket, key(name)).execute();
        } catch (HttpResponseException e) {
            if (e.getStatusCode() != NOT_FOUND) {
                throw failure("delete", name, e);
            }
        } catch (IOException e) {
            throw failure("delete", name, e);
        }
    }

    @Override
    public List<Entry> list(String below) {
        try {
            List<Entry> found = new ArrayList<>();
            Storage.Objects.List request = client.objects().list(bucket).setPrefix(prefix + below);
            Objects page;
            do {
                page = request.execute();
                if (page.getItems() != null) {
                    for (StorageObject object : page.getItems()) {
                        found.add(
                                new Entry(
                                        object.getName().substring(prefix.length()),
                                        object.getSize().longValue(),
                                        object.getUpdated() == null
                                                ? 0
                                                : object.getUpdated().getValue()));
                    }
                }
                request.setPageToken(page.getNextPageToken());
            } while (page.getNextPageToken() != null);
            found.sort(Comparator.comparing(Entry::name, Names.BYTES));
            return found;
        } catch (IOException e) {
            throw failure("list", below, e);
        }
    }

    @Override
    public String location() {
        return "gcs://" + bucket + "/" + prefix;
    }

    private MillraceException failure(String what, String name, IOException e) {
        String where = "cannot " + what + " " + name + " in " + location() + ": ";
        if (e instanceof HttpResponseException answer) {
            String code =
                    answer instanceof GoogleJsonResponseException json
                                    && json.getDetails() != null
                                    && json.getDetails().getMessage() != null
                            ? json.getDetails().getMessage()
                            : "";
            return HttpFailures.of(where, answer.getStatusCode(), code, false, e);
        }
        return new MillraceException(ErrorCode.SINK_CONNECTION, where + e, e);
    }
}
