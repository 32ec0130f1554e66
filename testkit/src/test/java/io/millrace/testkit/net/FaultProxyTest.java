package io.millrace.testkit.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class FaultProxyTest {
    private ServerSocket echo;
    private FaultProxy proxy;

    @BeforeEach
    void startEcho() throws IOException {
        echo = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual()
                .start(() -> {
                    while (!echo.isClosed()) {
                        try {
                            Socket client = echo.accept();
                            Thread.ofVirtual()
                                    .start(() -> {
                                        try (client) {
                                            client.getInputStream()
                                                    .transferTo(client.getOutputStream());
                                        } catch (IOException e) {
                                            // The connection was cut, which is what these tests do.
                                        }
                                    });
                        } catch (IOException e) {
                            return;
                        }
                    }
                });
        proxy = new FaultProxy("127.0.0.1", echo.getLocalPort());
    }

    @AfterEach
    void stop() throws IOException {
        proxy.close();
        echo.close();
    }

    @Test
    void forwardsBothWaysAndEndsCleanly() throws IOException {
        try (Socket client = connect()) {
            byte[] data = new byte[100_000];
            data[99_999] = 7;
            Thread.ofVirtual()
                    .start(() -> {
                        try {
                            client.getOutputStream().write(data);
                            client.shutdownOutput();
                        } catch (IOException e) {
                            throw new IllegalStateException(e);
                        }
                    });
            assertThat(client.getInputStream().readAllBytes()).isEqualTo(data);
        }
        assertThat(proxy.forwardedBytes()).isEqualTo(200_000);
    }

    @Test
    void cutResetsOpenConnectionsAndTakesNewOnes() throws IOException {
        try (Socket client = connect()) {
            echoes(client, 1);
            proxy.cutAll();
            assertThatThrownBy(
                            () -> {
                                echoes(client, 2);
                                echoes(client, 3);
                            })
                    .isInstanceOf(SocketException.class);
        }
        try (Socket client = connect()) {
            echoes(client, 4);
        }
        assertThat(proxy.acceptedConnections()).isEqualTo(2);
    }

    @Test
    void cutAfterLetsExactlySoManyBytesThrough() throws IOException {
        try (Socket client = connect()) {
            proxy.cutAfter(3);
            client.getOutputStream().write(new byte[] {1, 2, 3, 4, 5});
            int received = 0;
            try {
                while (client.getInputStream().read() >= 0) {
                    received++;
                }
            } catch (SocketException e) {
                // A reset may overtake the bytes in the receiver's buffer.
            }
            assertThat(received).isLessThanOrEqualTo(3);
            assertThat(proxy.forwardedBytes()).isEqualTo(5 + 3);
        }
    }

    @Test
    void stallHoldsBytesBackWithoutLosingThem() throws IOException {
        try (Socket client = connect()) {
            echoes(client, 1);
            proxy.stall();
            client.getOutputStream().write(2);
            client.setSoTimeout(200);
            assertThatThrownBy(() -> client.getInputStream().read())
                    .isInstanceOf(SocketTimeoutException.class);
            proxy.resume();
            client.setSoTimeout(10_000);
            assertThat(client.getInputStream().read()).isEqualTo(2);
        }
    }

    @Test
    void refusesNewConnectionsOnlyUntilHealed() throws IOException {
        try (Socket old = connect()) {
            echoes(old, 1);
            proxy.refuseNew();
            assertThatThrownBy(this::connect).isInstanceOf(IOException.class);
            echoes(old, 2);
            proxy.heal();
            try (Socket client = connect()) {
                echoes(client, 3);
            }
        }
    }

    @Test
    void delayAndLimitSlowDown() throws IOException {
        try (Socket client = connect()) {
            echoes(client, 1);
            proxy.delay(Duration.ofMillis(100));
            assertThat(echoMs(client)).isGreaterThanOrEqualTo(200);
            proxy.heal();
            proxy.limit(10);
            assertThat(echoMs(client)).isGreaterThanOrEqualTo(200);
            proxy.heal();
            assertThat(echoMs(client)).isLessThan(200);
        }
    }

    private static long echoMs(Socket client) throws IOException {
        long start = System.nanoTime();
        echoes(client, 9);
        return (System.nanoTime() - start) / 1_000_000;
    }

    private Socket connect() throws IOException {
        return new Socket("127.0.0.1", proxy.port());
    }

    private static void echoes(Socket client, int value) throws IOException {
        client.getOutputStream().write(value);
        assertThat(client.getInputStream().read()).isEqualTo(value);
    }
}
