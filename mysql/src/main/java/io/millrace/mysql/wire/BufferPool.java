package io.millrace.mysql.wire;

/**
 * Byte arrays in power-of-two sizes, reused. Taken by the capture's thread, given back by whichever
 * thread releases a batch last. Never blocks and never refuses: limiting memory is the engine's
 * business, this only avoids garbage. What is kept idle is bounded by {@link #MAX_IDLE_BYTES} per
 * size; larger arrays than {@link #MAX_POOLED} are left to the garbage collector.
 */
public final class BufferPool {
    /** Smallest array handed out. */
    public static final int MIN_SIZE = 256;

    /** Largest array that is kept. */
    public static final int MAX_POOLED = 4 << 20;

    /** Idle bytes kept per size. */
    public static final int MAX_IDLE_BYTES = 8 << 20;

    private static final int MIN_BITS = Integer.numberOfTrailingZeros(MIN_SIZE);
    private static final int CLASSES = Integer.numberOfTrailingZeros(MAX_POOLED) - MIN_BITS + 1;

    private final Shelf[] shelves = new Shelf[CLASSES];

    private static final class Shelf {
        final byte[][] idle;
        int count;

        Shelf(int arrays) {
            idle = new byte[arrays][];
        }
    }

    public BufferPool() {
        for (int i = 0; i < CLASSES; i++) {
            shelves[i] = new Shelf(Math.min(4096, Math.max(2, MAX_IDLE_BYTES >> (MIN_BITS + i))));
        }
    }

    /** An array of at least {@code size} bytes with arbitrary content. */
    public byte[] take(int size) {
        int index = classOf(size);
        if (index >= CLASSES) {
            return new byte[size];
        }
        Shelf shelf = shelves[index];
        synchronized (shelf) {
            if (shelf.count > 0) {
                return shelf.idle[--shelf.count];
            }
        }
        return new byte[MIN_SIZE << index];
    }

    /** Takes an array back; the caller must not use it any more. Any array may be given. */
    public void give(byte[] buffer) {
        int index = classOf(buffer.length);
        if (index >= CLASSES || buffer.length != MIN_SIZE << index) {
            return;
        }
        Shelf shelf = shelves[index];
        synchronized (shelf) {
            if (shelf.count < shelf.idle.length) {
                shelf.idle[shelf.count++] = buffer;
            }
        }
    }

    private static int classOf(int size) {
        return size <= MIN_SIZE ? 0 : 32 - Integer.numberOfLeadingZeros(size - 1) - MIN_BITS;
    }
}
