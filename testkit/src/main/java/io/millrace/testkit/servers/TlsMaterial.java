package io.millrace.testkit.servers;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * A private certificate authority with a server and a client certificate, as PEM files. Made once
 * per cache folder with the JDK's {@code keytool}; for tests only.
 *
 * @param ca certificate of the authority
 * @param serverCertificate for {@code localhost} and {@code 127.0.0.1}
 * @param serverKey PKCS#8, not encrypted
 * @param clientCertificate common name {@code millrace-client}
 * @param clientKey PKCS#8, not encrypted
 */
public record TlsMaterial(
        Path ca, Path serverCertificate, Path serverKey, Path clientCertificate, Path clientKey) {
    private static final String PASSWORD = "millrace";
    private static final List<String> FILES =
            List.of(
                    "ca.pem",
                    "server-cert.pem",
                    "server-key.pem",
                    "client-cert.pem",
                    "client-key.pem");

    /** Copies the files into a new folder that the server account can read. */
    public static TlsMaterial copyInto(Path folder) throws IOException {
        Path source = Cache.entry("tls-1", TlsMaterial::generate);
        Files.createDirectory(folder);
        RunAs.own(folder);
        for (String name : FILES) {
            Files.copy(source.resolve(name), folder.resolve(name));
            RunAs.own(folder.resolve(name));
        }
        return new TlsMaterial(
                folder.resolve(FILES.get(0)),
                folder.resolve(FILES.get(1)),
                folder.resolve(FILES.get(2)),
                folder.resolve(FILES.get(3)),
                folder.resolve(FILES.get(4)));
    }

    private static void generate(Path folder) throws IOException {
        Path store = folder.resolve("store.p12");
        keytool(
                store,
                "-genkeypair",
                "-alias",
                "ca",
                "-dname",
                "CN=Millrace test authority",
                "-ext",
                "bc:c=ca:true");
        for (String who : List.of("server", "client")) {
            keytool(store, "-genkeypair", "-alias", who, "-dname", "CN=millrace-" + who);
            Path request = folder.resolve(who + ".csr");
            Path certificate = folder.resolve(who + "-cert.pem");
            keytool(store, "-certreq", "-alias", who, "-file", request.toString());
            keytool(
                    store,
                    "-gencert",
                    "-alias",
                    "ca",
                    "-rfc",
                    "-infile",
                    request.toString(),
                    "-outfile",
                    certificate.toString(),
                    "-ext",
                    who.equals("server")
                            ? "san=dns:localhost,ip:127.0.0.1"
                            : "ku=digitalSignature");
            Files.delete(request);
        }
        keytool(
                store,
                "-exportcert",
                "-alias",
                "ca",
                "-rfc",
                "-file",
                folder.resolve("ca.pem").toString());
        try (InputStream in = Files.newInputStream(store)) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(in, PASSWORD.toCharArray());
            for (String who : List.of("server", "client")) {
                Key key = keys.getKey(who, PASSWORD.toCharArray());
                Files.writeString(
                        folder.resolve(who + "-key.pem"),
                        "-----BEGIN PRIVATE KEY-----\n"
                                + Base64.getMimeEncoder(
                                                64, "\n".getBytes(StandardCharsets.US_ASCII))
                                        .encodeToString(key.getEncoded())
                                + "\n-----END PRIVATE KEY-----\n");
            }
        } catch (GeneralSecurityException e) {
            throw new IOException("cannot read back the keys that keytool made", e);
        }
        Files.delete(store);
    }

    private static void keytool(Path store, String command, String... arguments) {
        List<String> line =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                command));
        line.addAll(Arrays.asList(arguments));
        line.addAll(
                List.of(
                        "-keystore",
                        store.toString(),
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD));
        if (command.equals("-genkeypair")) {
            line.addAll(List.of("-keyalg", "RSA", "-keysize", "2048", "-validity", "3650"));
        }
        if (command.equals("-gencert")) {
            line.addAll(List.of("-validity", "3650"));
        }
        Commands.output(line);
    }
}
