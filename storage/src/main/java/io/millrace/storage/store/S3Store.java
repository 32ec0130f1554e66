package io.millrace.storage.store;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkOptions;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.DefaultAwsRegionProviderChain;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.NoSuchBucketException;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.ObjectCannedACL;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.ServerSideEncryption;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider;

/**
 * A bucket of S3 or of a service that speaks its protocol.
 *
 * <p>Options: {@code access-key}, {@code secret-access-key}, {@code session-token} (else what the
 * environment, the user's profile or the machine's role gives), {@code role-arn} with {@code
 * external-id}, {@code region}, {@code endpoint}, {@code force-path-style} (true unless the {@code
 * provider} is one that only takes the bucket as a host name), {@code sse}, {@code sse-kms-key-id},
 * {@code acl}.
 */
final class S3Store implements ObjectStore {
    /** S3 takes no smaller parts, but for the last. */
    private static final int PART_BYTES = 8 << 20;

    private static final Duration ATTEMPT_LIMIT = Duration.ofMinutes(2);
    private static final Duration CALL_LIMIT = Duration.ofMinutes(5);
    private static final String DEFAULT_REGION = "us-east-1";
    private static final Set<String> HOST_STYLE_ONLY = Set.of("alibaba", "netease");
    private static final int NOT_FOUND = 404;

    private final S3Client client;
    private final String bucket;
    private final String prefix;
    private final int partsAtOnce;
    private final Written written;
    private final List<AutoCloseable> more;

    /** How objects are written. */
    private record Written(Optional<String> sse, Optional<String> kmsKey, Optional<String> acl) {}

    private S3Store(
            S3Client client,
            String bucket,
            String prefix,
            int partsAtOnce,
            Written written,
            List<AutoCloseable> more) {
        this.client = client;
        this.bucket = bucket;
        this.prefix = prefix;
        this.partsAtOnce = partsAtOnce;
        this.written = written;
        this.more = List.copyOf(more);
    }

    static S3Store open(String bucket, String prefix, SinkOptions options, int partsAtOnce) {
        Written written =
                new Written(
                        options.text("sse"), options.text("sse-kms-key-id"), options.text("acl"));
        written.sse()
                .filter(value ->
                        ServerSideEncryption.fromValue(value)
                                == ServerSideEncryption.UNKNOWN_TO_SDK_VERSION)
                .ifPresent(value -> {
                    throw Stores.invalid(
                            "sse must be one of "
                                    + ServerSideEncryption.knownValues()
                                    + ", not '"
                                    + value
                                    + "'");
                });
        written.acl()
                .filter(value ->
                        ObjectCannedACL.fromValue(value) == ObjectCannedACL.UNKNOWN_TO_SDK_VERSION)
                .ifPresent(value -> {
                    throw Stores.invalid(
                            "acl must be one of "
                                    + ObjectCannedACL.knownValues()
                                    + ", not '"
                                    + value
                                    + "'");
                });
        if (written.kmsKey().isPresent() && written.sse().isEmpty()) {
            throw Stores.invalid("sse-kms-key-id needs sse=aws:kms");
        }
        Region region = Region.of(options.text("region").orElseGet(S3Store::usualRegion));
        List<AutoCloseable> more = new ArrayList<>();
        S3ClientBuilder builder =
                S3Client.builder()
                        .region(region)
                        .credentialsProvider(credentials(options, region, more))
                        .httpClientBuilder(
                                UrlConnectionHttpClient.builder().socketTimeout(ATTEMPT_LIMIT))
                        .overrideConfiguration(limits ->
                                limits.apiCallAttemptTimeout(ATTEMPT_LIMIT)
                                        .apiCallTimeout(CALL_LIMIT))
                        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                        .serviceConfiguration(
                                S3Configuration.builder().chunkedEncodingEnabled(false).build())
                        .forcePathStyle(
                                options.flag(
                                        "force-path-style",
                                        !HOST_STYLE_ONLY.contains(options.text("provider", ""))));
        options.text("endpoint").ifPresent(endpoint -> builder.endpointOverride(url(endpoint)));
        return new S3Store(builder.build(), bucket, prefix, partsAtOnce, written, more);
    }

    private static URI url(String endpoint) {
        try {
            URI url = new URI(endpoint.contains("://") ? endpoint : "https://" + endpoint);
            if (url.getHost() != null) {
                return url;
            }
        } catch (URISyntaxException e) {
            throw new MillraceException(
                    ErrorCode.STORAGE_INVALID_CONFIG,
                    "endpoint must be a URL: " + e.getReason(),
                    e);
        }
        throw Stores.invalid("endpoint must be a URL such as http://host:port");
    }

    private static String usualRegion() {
        try {
            return DefaultAwsRegionProviderChain.builder().build().getRegion().id();
        } catch (SdkClientException e) {
            return DEFAULT_REGION; // S3 itself names the right one when it matters
        }
    }

    private static AwsCredentialsProvider credentials(
            SinkOptions options, Region region, List<AutoCloseable> more) {
        Optional<String> id = options.text("access-key");
        Optional<String> secret = options.text("secret-access-key");
        if (id.isPresent() != secret.isPresent()) {
            throw Stores.invalid("access-key and secret-access-key belong together");
        }
        AwsCredentialsProvider own;
        if (id.isPresent() && secret.isPresent()) {
            Optional<String> token = options.text("session-token");
            own =
                    StaticCredentialsProvider.create(
                            token.isPresent()
                                    ? AwsSessionCredentials.create(
                                            id.get(), secret.get(), token.get())
                                    : AwsBasicCredentials.create(id.get(), secret.get()));
        } else {
            own = DefaultCredentialsProvider.builder().build();
        }
        Optional<String> role = options.text("role-arn");
        Optional<String> external = options.text("external-id");
        if (role.isEmpty()) {
            if (external.isPresent()) {
                throw Stores.invalid("external-id needs role-arn");
            }
            return own;
        }
        StsClient sts =
                StsClient.builder()
                        .region(region)
                        .credentialsProvider(own)
                        .httpClientBuilder(UrlConnectionHttpClient.builder())
                        .build();
        StsAssumeRoleCredentialsProvider assumed =
                StsAssumeRoleCredentialsProvider.builder()
                        .stsClient(sts)
                        .refreshRequest(request -> {
                            request.roleArn(role.get()).roleSessionName("millrace");
                            external.ifPresent(request::externalId);
                        })
                        .build();
        more.add(assumed);
        more.add(sts);
        return assumed;
    }

    private String key(String name) {
        return prefix + Names.checked(name);
    }

    private static RequestBody body(byte[] content, int offset, int length) {
        return RequestBody.fromContentProvider(
                () -> new ByteArrayInputStream(content, offset, length),
                length,
                "application/octet-stream");
    }

    @Override
    public void put(String name, byte[] content, int offset, int length) {
        if (partsAtOnce > 1 && length > 2 * PART_BYTES) {
            putInParts(name, content, offset, length);
            return;
        }
        PutObjectRequest.Builder request = PutObjectRequest.builder().bucket(bucket).key(key(name));
        written.sse().ifPresent(request::serverSideEncryption);
        written.kmsKey().ifPresent(request::ssekmsKeyId);
        written.acl().ifPresent(request::acl);
        try {
            client.putObject(request.build(), body(content, offset, length));
        } catch (SdkException e) {
            throw failure("write", name, e);
        }
    }

    private void putInParts(String name, byte[] content, int offset, int length) {
        CreateMultipartUploadRequest.Builder request =
                CreateMultipartUploadRequest.builder().bucket(bucket).key(key(name));
        written.sse().ifPresent(request::serverSideEncryption);
        written.kmsKey().ifPresent(request::ssekmsKeyId);
        written.acl().ifPresent(request::acl);
        String upload = null;
        // Ends with all its tasks done.
        try (ExecutorService parts =
                Executors.newFixedThreadPool(partsAtOnce, Thread.ofVirtual().factory())) {
            String id = client.createMultipartUpload(request.build()).uploadId();
            upload = id;
            List<Future<CompletedPart>> sent = new ArrayList<>();
            for (int at = 0; at < length; at += PART_BYTES) {
                int number = sent.size() + 1;
                int from = offset + at;
                int size = Math.min(PART_BYTES, length - at);
                sent.add(parts.submit(() -> part(name, id, number, body(content, from, size))));
            }
            List<CompletedPart> done = new ArrayList<>();
            for (Future<CompletedPart> part : sent) {
                done.add(part.get());
            }
            client.completeMultipartUpload(all ->
                    all.bucket(bucket)
                            .key(key(name))
                            .uploadId(id)
                            .multipartUpload(list -> list.parts(done)));
        } catch (SdkException e) {
            abort(name, upload);
            throw failure("write", name, e);
        } catch (ExecutionException e) {
            abort(name, upload);
            if (e.getCause() instanceof SdkException cause) {
                throw failure("write", name, cause);
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            abort(name, upload);
            Thread.currentThread().interrupt();
            throw new MillraceException(
                    ErrorCode.SINK_TRANSIENT, "interrupted while writing " + name, e);
        }
    }

    private CompletedPart part(String name, String upload, int number, RequestBody body) {
        String tag =
                client.uploadPart(
                                one ->
                                        one.bucket(bucket)
                                                .key(key(name))
                                                .uploadId(upload)
                                                .partNumber(number),
                                body)
                        .eTag();
        return CompletedPart.builder().partNumber(number).eTag(tag).build();
    }

    private void abort(String name, @Nullable String upload) {
        if (upload == null) {
            return;
        }
        try {
            client.abortMultipartUpload(
                    request -> request.bucket(bucket).key(key(name)).uploadId(upload));
        } catch (SdkException e) {
            // The first error is the one to tell; buckets expire abandoned parts.
            return;
        }
    }

    @Override
    public byte[] get(String name) throws FileNotFoundException {
        try {
            return client.getObjectAsBytes(request -> request.bucket(bucket).key(key(name)))
                    .asByteArrayUnsafe();
        } catch (NoSuchKeyException e) {
            throw missing(name, e);
        } catch (SdkException e) {
            throw failure("read", name, e);
        }
    }

    @Override
    public InputStream open(String name) throws FileNotFoundException {
        try {
            return client.getObject(request -> request.bucket(bucket).key(key(name)));
        } catch (NoSuchKeyException e) {
            throw missing(name, e);
        } catch (SdkException e) {
            throw failure("read", name, e);
        }
    }

    private FileNotFoundException missing(String name, NoSuchKeyException cause) {
        FileNotFoundException missing =
                new FileNotFoundException("no object " + name + " in " + location());
        missing.initCause(cause);
        return missing;
    }

    @Override
    public boolean exists(String name) {
        try {
            client.headObject(request -> request.bucket(bucket).key(key(name)));
            return true;
        } catch (NoSuchKeyException e) {
            return false;
        } catch (S3Exception e) {
            if (e.statusCode() == NOT_FOUND && !(e instanceof NoSuchBucketException)) {
                return false;
            }
            throw failure("look for", name, e);
        } catch (SdkException e) {
            throw failure("look for", name, e);
        }
    }

    @Override
    public void delete(String name) {
        try {
            client.deleteObject(request -> request.bucket(bucket).key(key(name)));
        } catch (NoSuchKeyException e) {
            return; // not there is fine
        } catch (SdkException e) {
            throw failure("delete", name, e);
        }
    }

    @Override
    public List<Entry> list(String below) {
        try {
            List<Entry> found = new ArrayList<>();
            client.listObjectsV2Paginator(request -> request.bucket(bucket).prefix(prefix + below))
                    .contents()
                    .forEach(object ->
                            found.add(
                                    new Entry(
                                            object.key().substring(prefix.length()),
                                            object.size(),
                                            object.lastModified().toEpochMilli())));
            found.sort(Comparator.comparing(Entry::name, Names.BYTES));
            return found;
        } catch (SdkException e) {
            throw failure("list", below, e);
        }
    }

    @Override
    public String location() {
        return "s3://" + bucket + "/" + prefix;
    }

    private MillraceException failure(String what, String name, SdkException e) {
        String where = "cannot " + what + " " + name + " in " + location() + ": ";
        if (e instanceof S3Exception answer) {
            String code =
                    answer.awsErrorDetails() == null
                            ? ""
                            : String.valueOf(answer.awsErrorDetails().errorCode());
            return HttpFailures.of(
                    where, answer.statusCode(), code, code.equals("NoSuchBucket"), e);
        }
        String message = String.valueOf(e.getMessage());
        if (message.contains("Unable to load credentials")) {
            return new MillraceException(
                    ErrorCode.SINK_ACCESS_DENIED,
                    where
                            + "no credentials found; set access-key and secret-access-key, or those"
                            + " of the environment",
                    e);
        }
        return new MillraceException(ErrorCode.SINK_CONNECTION, where + message, e);
    }

    @Override
    public void close() {
        client.close();
        for (AutoCloseable each : more) {
            try {
                each.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
