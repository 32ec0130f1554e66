package io.millrace.mysql.sink;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Passes connections on to a server, and counts the commands that clients send on them: packets
 * that begin a conversation (sequence 0), as the client-server protocol has it. Only for
 * connections without TLS.
 */
final class RoundTrips implements AutoCloseable {
    private final AtomicInteger commands = new AtomicInteger();
    private final ServerSocket listener;
    private final int target;

    RoundTrips(int target) throws IOException {
        this.target = target;
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    /** Commands so far, on all connections. */
    int commands() {
        return commands.get();
    }

    private void accept() {
        while (true) {
            try {
                Socket client = listener.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                Thread.ofVirtual().start(() -> pass(client, server, true));
                Thread.ofVirtual().start(() -> pass(server, client, false));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void pass(Socket from, Socket to, boolean counted) {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            while (counted) {
                byte[] head = in.readNBytes(4);
                if (head.length < 4) {
                    return;
                }
                int length = head[0] & 0xFF | (head[1] & 0xFF) << 8 | (head[2] & 0xFF) << 16;
                byte[] packet = in.readNBytes(length);
                if (head[3] == 0) {
                    commands.incrementAndGet();
                }
                out.write(head);
                out.write(packet);
            }
            in.transferTo(out);
        } catch (IOException e) {
            // The other side has gone.
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
