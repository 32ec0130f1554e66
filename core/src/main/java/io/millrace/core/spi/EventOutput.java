package io.millrace.core.spi;

import io.millrace.core.model.ChangeEvent;

/** Where a capture puts events. */
public interface EventOutput {
    /**
     * Hands an event on, in stream order, with the caller's reference if it is a batch. Blocks
     * while the pipeline is full or the memory quota is used up: this is how back-pressure reaches
     * the upstream's socket.
     */
    void emit(ChangeEvent event) throws InterruptedException;
}
