package io.millrace.connect.host.runtime;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Ports, asked for before a server that handles a port in use badly gets to it. */
public final class TcpPorts {
    private TcpPorts() {}

    /**
     * Fails unless one can listen there at this moment.
     *
     * @param key name of the setting, for the message
     * @param port 0 is always free
     * @throws MillraceException INVALID_CONFIG
     */
    public static void requireFree(String key, String host, int port) {
        if (port == 0) {
            return;
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByName(host), port));
        } catch (IOException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    key
                            + " - cannot listen on "
                            + host
                            + ":"
                            + port
                            + " ("
                            + e.getMessage()
                            + "); another server may use it: choose another port, or leave Kafka"
                            + " Connect out (connect.enabled, --no-connect)",
                    e);
        }
    }

    /** A port that was free a moment ago. */
    public static int free(String host) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getByName(host), 0));
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new MillraceException(
                    ErrorCode.INTERNAL, "no free port on " + host + ": " + e.getMessage(), e);
        }
    }
}
