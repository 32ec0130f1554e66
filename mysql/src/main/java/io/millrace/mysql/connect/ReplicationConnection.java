package io.millrace.mysql.connect;

import com.github.shyiko.mysql.binlog.network.Authenticator;
import com.github.shyiko.mysql.binlog.network.ClientCapabilities;
import com.github.shyiko.mysql.binlog.network.ServerException;
import com.github.shyiko.mysql.binlog.network.protocol.ErrorPacket;
import com.github.shyiko.mysql.binlog.network.protocol.GreetingPacket;
import com.github.shyiko.mysql.binlog.network.protocol.PacketChannel;
import com.github.shyiko.mysql.binlog.network.protocol.ResultSetRowPacket;
import com.github.shyiko.mysql.binlog.network.protocol.command.Command;
import com.github.shyiko.mysql.binlog.network.protocol.command.QueryCommand;
import com.github.shyiko.mysql.binlog.network.protocol.command.SSLRequestCommand;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.MySqlGtidSet;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A connection that speaks the replication protocol. The binlog library does handshake,
 * authentication (native and caching_sha2 passwords, the latter with the server's public key where
 * there is no TLS) and TLS; the answer to a dump command is read straight from the socket.
 */
public final class ReplicationConnection implements Closeable {
    /** COM_BINLOG_DUMP and COM_BINLOG_DUMP_GTID. */
    private static final int BINLOG_DUMP = 0x12;

    private static final int BINLOG_DUMP_GTID = 0x1e;

    /** End the answer at the end of the last file instead of waiting for more. */
    private static final int DUMP_NON_BLOCK = 0x1;

    private static final int DUMP_THROUGH_GTID = 0x4;

    private final ServerAddress address;
    private final Socket socket;
    private final PacketChannel channel;
    private final String serverVersion;
    private InputStream stream;

    private ReplicationConnection(
            ServerAddress address,
            Socket socket,
            PacketChannel channel,
            String serverVersion,
            InputStream stream) {
        this.address = address;
        this.socket = socket;
        this.channel = channel;
        this.serverVersion = serverVersion;
        this.stream = stream;
    }

    /**
     * Connects and authenticates.
     *
     * @throws MillraceException UPSTREAM_CONNECTION, UPSTREAM_ACCESS_DENIED or INVALID_CONFIG
     */
    public static ReplicationConnection open(ServerAddress address) {
        Socket socket = new Socket();
        boolean done = false;
        try {
            int timeout = (int) address.connectTimeout().toMillis();
            socket.setTcpNoDelay(true);
            socket.setKeepAlive(true);
            InetAddress resolved = resolve(address.host());
            socket.connect(new InetSocketAddress(resolved, address.port()), timeout);
            socket.setSoTimeout(timeout);
            PacketChannel channel = new PacketChannel(socket);
            byte[] first = channel.read();
            throwIfError(first);
            GreetingPacket greeting = new GreetingPacket(first);
            InputStream stream = socket.getInputStream();
            SSLSocket secure = startTls(address, socket, channel, greeting);
            if (secure != null) {
                stream = secure.getInputStream();
            }
            new Authenticator(greeting, channel, null, address.user(), address.password())
                    .authenticate();
            channel.authenticationComplete();
            done = true;
            return new ReplicationConnection(
                    address, socket, channel, greeting.getServerVersion(), stream);
        } catch (ServerException e) {
            throw UpstreamErrors.of(
                    e.getErrorCode() == 0 ? 1045 : e.getErrorCode(),
                    e.getSqlState() == null ? "" : e.getSqlState(),
                    e.getMessage() == null ? "authentication failed" : e.getMessage(),
                    address,
                    e);
        } catch (IOException e) {
            throw UpstreamErrors.lost(address, e);
        } finally {
            if (!done) {
                closeQuietly(socket);
            }
        }
    }

    private static InetAddress resolve(String host) throws UnknownHostException {
        try {
            return InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new UnknownHostException("unknown host " + host);
        }
    }

    private static @Nullable SSLSocket startTls(
            ServerAddress address, Socket socket, PacketChannel channel, GreetingPacket greeting)
            throws IOException {
        ServerAddress.TlsMode mode = address.tls().mode();
        if (mode == ServerAddress.TlsMode.DISABLED) {
            return null;
        }
        if ((greeting.getServerCapabilities() & ClientCapabilities.SSL) == 0) {
            if (mode == ServerAddress.TlsMode.PREFERRED) {
                return null;
            }
            throw new MillraceException(
                    ErrorCode.UPSTREAM_MISCONFIGURED,
                    "Upstream "
                            + address
                            + " does not offer TLS; configure ssl_ca, ssl_cert and"
                            + " ssl_key there, or use ssl-mode=disabled.");
        }
        SSLRequestCommand request = new SSLRequestCommand();
        request.setCollation(greeting.getServerCollation());
        channel.write(request);
        SSLSocket[] made = new SSLSocket[1];
        try {
            channel.upgradeToSSL(plain -> made[0] = secure(address, plain), null);
        } catch (javax.net.ssl.SSLException e) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_MISCONFIGURED,
                    "Upstream " + address + ": TLS handshake failed: " + e.getMessage(),
                    e);
        }
        return made[0];
    }

    private static SSLSocket secure(ServerAddress address, Socket plain) throws SocketException {
        try {
            SSLSocket socket =
                    (SSLSocket)
                            TlsContext.of(address.tls())
                                    .getSocketFactory()
                                    .createSocket(plain, address.host(), address.port(), true);
            if (address.tls().mode() == ServerAddress.TlsMode.VERIFY_IDENTITY) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(parameters);
            }
            return socket;
        } catch (SocketException e) {
            throw e;
        } catch (IOException e) {
            SocketException wrapped = new SocketException(e.getMessage());
            wrapped.initCause(e);
            throw wrapped;
        }
    }

    /** As the handshake says it, such as {@code 8.0.33} or {@code 5.5.5-10.11.6-MariaDB}. */
    public String serverVersion() {
        return serverVersion;
    }

    /** How long a read of {@link #stream} may wait before it fails. */
    public void readTimeout(int milliseconds) throws SocketException {
        socket.setSoTimeout(milliseconds);
    }

    /** Runs a statement that returns no rows. */
    public void execute(String sql) throws IOException {
        channel.write(new QueryCommand(sql));
        throwIfError(channel.read());
    }

    /** Runs a statement that returns few rows without NULL, in UTF-8. */
    public List<List<String>> query(String sql) throws IOException {
        execute("SET NAMES utf8mb4");
        channel.write(new QueryCommand(sql));
        byte[] packet = channel.read();
        throwIfError(packet);
        while (!isEnd(packet)) {
            packet = channel.read(); // column definitions
        }
        List<List<String>> rows = new ArrayList<>();
        for (packet = channel.read(); !isEnd(packet); packet = channel.read()) {
            throwIfError(packet);
            rows.add(List.of(new ResultSetRowPacket(packet).getValues()));
        }
        return rows;
    }

    private static boolean isEnd(byte[] packet) {
        return packet.length < 9 && packet[0] == (byte) 0xFE;
    }

    /** Asks for a file from an offset on; the answer comes from {@link #stream}. */
    public void dump(BinlogCoordinate from, long serverId, boolean wait) throws IOException {
        byte[] file = from.file().getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(BINLOG_DUMP);
        put(out, from.offset(), 4);
        put(out, wait ? 0 : DUMP_NON_BLOCK, 2);
        put(out, serverId, 4);
        out.write(file);
        send(out);
    }

    /** MySQL: asks for all transactions that are not in the set. */
    public void dumpAfter(MySqlGtidSet executed, long serverId) throws IOException {
        byte[] set = executed.toWire();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(BINLOG_DUMP_GTID);
        put(out, DUMP_THROUGH_GTID, 2);
        put(out, serverId, 4);
        put(out, 0, 4);
        put(out, BinlogCoordinate.FIRST_OFFSET, 8);
        put(out, set.length, 4);
        out.write(set);
        send(out);
    }

    private void send(ByteArrayOutputStream command) throws IOException {
        byte[] bytes = command.toByteArray();
        channel.write((Command) () -> bytes);
    }

    /** The raw answer to a dump command. */
    public InputStream stream() {
        return stream;
    }

    private static void put(ByteArrayOutputStream out, long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >>> 8 * i));
        }
    }

    private static void throwIfError(byte[] packet) throws IOException {
        if (packet.length > 0 && packet[0] == (byte) 0xFF) {
            ErrorPacket error = new ErrorPacket(Arrays.copyOfRange(packet, 1, packet.length));
            throw new ServerException(
                    error.getErrorMessage(), error.getErrorCode(), error.getSqlState());
        }
    }

    /** Closes the socket; a read that waits in another thread fails. */
    @Override
    public void close() {
        closeQuietly(socket);
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // A socket that cannot be closed is as good as closed.
            return;
        }
    }
}
