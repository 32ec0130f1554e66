package io.millrace.testkit.net;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A TCP proxy on a free loopback port that can misbehave like a network.
 *
 * <p>Thread-safe: faults may be switched from any thread while connections run. Each direction of
 * each connection is pumped by a virtual thread of its own.
 */
public final class FaultProxy implements AutoCloseable {
    private static final int BUFFER_BYTES = 16 * 1024;
    private static final int CONNECT_TIMEOUT_MS = 10_000;
    private static final long NO_LIMIT = Long.MAX_VALUE;
    private static final byte[] LOOPBACK = {127, 0, 0, 1};

    private final int port;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong forwardedBytes = new AtomicLong();

    /** Guards the mutable state below; pumps wait on it while stalled. */
    private final Object monitor = new Object();

    private InetSocketAddress target;
    private @Nullable ServerSocket listener;
    private @Nullable Thread acceptor;
    private boolean stalled;
    private boolean closed;
    private long delayNs;
    private long bytesPerSecond = NO_LIMIT;
    private long cutAfterBytes = NO_LIMIT;

    /** A proxy to {@code host:targetPort}, forwarding at once. */
    public FaultProxy(String host, int targetPort) {
        this.target = new InetSocketAddress(host, targetPort);
        ServerSocket socket = listen(0);
        this.listener = socket;
        this.port = socket.getLocalPort();
        acceptOn(socket);
    }

    public String host() {
        return "127.0.0.1";
    }

    /** Where clients connect; stays the same also while connections are refused. */
    public int port() {
        return port;
    }

    /** Closes all connections with a reset; new ones are accepted. */
    public void cutAll() {
        for (Link link : links) {
            link.cut();
        }
    }

    /**
     * Cuts all connections as soon as this many more bytes went from the server to the clients;
     * once.
     */
    public void cutAfter(long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("bytes must be positive: " + bytes);
        }
        synchronized (monitor) {
            cutAfterBytes = bytes;
        }
    }

    /**
     * Stops forwarding in both directions; connections stay open, new ones are accepted and stall
     * as well.
     */
    public void stall() {
        synchronized (monitor) {
            stalled = true;
        }
    }

    /** Ends {@link #stall()}; nothing that was sent is lost. */
    public void resume() {
        synchronized (monitor) {
            stalled = false;
            monitor.notifyAll();
        }
    }

    /** New connections get "connection refused"; existing ones go on. */
    public void refuseNew() {
        synchronized (monitor) {
            closeListener();
        }
    }

    /** Ends {@link #refuseNew()}. */
    public void acceptNew() {
        synchronized (monitor) {
            if (listener == null && !closed) {
                ServerSocket socket = listen(port);
                listener = socket;
                acceptOn(socket);
            }
        }
    }

    /** Holds every piece of up to 16 KiB back for this long; zero ends it. */
    public void delay(Duration delay) {
        synchronized (monitor) {
            delayNs = delay.toNanos();
        }
    }

    /** Limits each direction of each connection; zero ends it. */
    public void limit(long bytesPerSecondPerDirection) {
        if (bytesPerSecondPerDirection < 0) {
            throw new IllegalArgumentException(
                    "the limit must not be negative: " + bytesPerSecondPerDirection);
        }
        synchronized (monitor) {
            bytesPerSecond =
                    bytesPerSecondPerDirection == 0 ? NO_LIMIT : bytesPerSecondPerDirection;
        }
    }

    /** Sends new connections elsewhere. */
    public void retarget(String host, int targetPort) {
        synchronized (monitor) {
            target = new InetSocketAddress(host, targetPort);
        }
    }

    /** Ends all faults: forwards, accepts, no delay, no limit. */
    public void heal() {
        delay(Duration.ZERO);
        limit(0);
        synchronized (monitor) {
            cutAfterBytes = NO_LIMIT;
        }
        acceptNew();
        resume();
    }

    /** Connections that are open now. */
    public int openConnections() {
        return links.size();
    }

    /** Connections accepted since the start. */
    public long acceptedConnections() {
        return accepted.get();
    }

    /** Bytes forwarded since the start, both directions. */
    public long forwardedBytes() {
        return forwardedBytes.get();
    }

    @Override
    public void close() {
        synchronized (monitor) {
            closed = true;
            closeListener();
            monitor.notifyAll();
        }
        cutAll();
    }

    private void closeListener() {
        ServerSocket current = listener;
        listener = null;
        if (current != null) {
            try {
                current.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            awaitAcceptor();
        }
    }

    /** The socket goes on listening until the thread that waits in accept has left it. */
    private void awaitAcceptor() {
        Thread thread = acceptor;
        try {
            if (thread != null && !thread.join(Duration.ofSeconds(10))) {
                throw new IllegalStateException("the listening socket does not close");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static ServerSocket listen(int port) {
        try {
            ServerSocket socket = new ServerSocket();
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByAddress(LOOPBACK), port));
            return socket;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen on 127.0.0.1:" + port, e);
        }
    }

    private void acceptOn(ServerSocket socket) {
        acceptor =
                Thread.ofVirtual()
                        .name("fault-proxy-accept")
                        .start(() -> {
                            while (true) {
                                Socket client;
                                try {
                                    client = socket.accept();
                                } catch (IOException e) {
                                    return; // closed by refuseNew() or close()
                                }
                                accepted.incrementAndGet();
                                Thread.ofVirtual()
                                        .name("fault-proxy-connect")
                                        .start(() -> connect(client));
                            }
                        });
    }

    private void connect(Socket client) {
        InetSocketAddress where;
        synchronized (monitor) {
            where = target;
        }
        Socket server = new Socket();
        Link link = new Link(client, server);
        links.add(link);
        try {
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            server.connect(where, CONNECT_TIMEOUT_MS);
        } catch (IOException e) {
            link.cut();
            return;
        }
        if (isClosed()) {
            link.cut();
            return;
        }
        Thread.ofVirtual().name("fault-proxy-up").start(() -> pump(link, client, server, false));
        Thread.ofVirtual().name("fault-proxy-down").start(() -> pump(link, server, client, true));
    }

    private boolean isClosed() {
        synchronized (monitor) {
            return closed;
        }
    }

    private void pump(Link link, Socket from, Socket to, boolean fromServer) {
        byte[] buffer = new byte[BUFFER_BYTES];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            while (true) {
                int n = in.read(buffer);
                if (n < 0) {
                    to.shutdownOutput();
                    link.endOfOneDirection();
                    return;
                }
                forward(buffer, n, out, fromServer);
            }
        } catch (IOException e) {
            link.cut();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            link.cut();
        }
    }

    private void forward(byte[] buffer, int n, OutputStream out, boolean fromServer)
            throws IOException, InterruptedException {
        long pauseNs;
        long rate;
        int allowed = n;
        boolean cut = false;
        synchronized (monitor) {
            pauseNs = delayNs;
            rate = bytesPerSecond;
        }
        if (pauseNs > 0) {
            Thread.sleep(Duration.ofNanos(pauseNs));
        }
        if (rate != NO_LIMIT) {
            Thread.sleep(Duration.ofNanos(n * 1_000_000_000L / rate));
        }
        synchronized (monitor) {
            while (stalled && !closed) {
                monitor.wait();
            }
            if (fromServer && cutAfterBytes != NO_LIMIT) {
                cut = n >= cutAfterBytes;
                allowed = (int) Math.min(n, cutAfterBytes);
                cutAfterBytes = cut ? NO_LIMIT : cutAfterBytes - n;
            }
        }
        out.write(buffer, 0, allowed);
        out.flush();
        forwardedBytes.addAndGet(allowed);
        if (cut) {
            cutAll();
        }
    }

    /** The two sockets of one client. */
    private final class Link {
        private final Socket client;
        private final Socket server;
        private boolean oneEnded;

        Link(Socket client, Socket server) {
            this.client = client;
            this.server = server;
        }

        void cut() {
            links.remove(this);
            abort(client);
            abort(server);
        }

        synchronized void endOfOneDirection() {
            if (oneEnded) {
                cut();
            }
            oneEnded = true;
        }

        /**
         * Zero linger turns the close into a reset, so that the peer notices at once and not at its
         * next read.
         */
        private static void abort(Socket socket) {
            try {
                socket.setSoLinger(true, 0);
            } catch (IOException e) {
                // Already closed: nothing to reset.
            }
            try {
                socket.close();
            } catch (IOException e) {
                // Nothing more can be done with a socket that can't be closed.
            }
        }
    }
}
