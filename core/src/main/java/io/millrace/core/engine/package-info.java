/**
 * The path of a row through one job. Does not see {@code control}.
 *
 * <ol>
 *   <li>A {@link io.millrace.core.spi.Capture} on its own thread emits events into the {@link
 *       io.millrace.core.engine.Intake}: a {@link io.millrace.core.engine.Ring} of events plus a
 *       {@link io.millrace.core.engine.MemoryBudget} of their bytes. When either is full the
 *       capture blocks, and with it the upstream's socket.
 *   <li>The {@link io.millrace.core.engine.Pipeline}, a duty cycle on the job's second thread,
 *       takes events out in order. {@code Admission} drops what the filter or the key rule keeps
 *       out.
 *   <li>Rows are entered in the {@link io.millrace.core.engine.AckLedger}, which gives them a dense
 *       seq, and are offered to the {@link io.millrace.core.spi.Sink}. When it is full, the batch
 *       is held and offered again.
 *   <li>A DDL raises the {@code Barrier}: all acks in, checkpoint, intent, apply, ack, checkpoint.
 *   <li>Marks and dropped events have no seq; they hang on the last event before them.
 *   <li>The sink acks seqs in any order from any thread. The ledger moves over the gapless prefix;
 *       its position and resolved TSO are the only source of checkpoints.
 *   <li>{@code CheckpointWriter} brings the checkpoint to the {@link
 *       io.millrace.core.engine.JobStore}, twice a second at most while rows flow, at once at a
 *       barrier. Then the sink hears {@code resolved}: up to here nothing is missing.
 * </ol>
 *
 * <p>{@link io.millrace.core.engine.JobRunner} gives all this its two threads and one end; {@link
 * io.millrace.core.engine.RetryPolicy} says when to run again after an error. The simulation in
 * {@code testkit} steps the same pipeline by hand.
 *
 * <p>A mark whose TSO came from the upstream's clock while it was idle is a promise about the
 * numbers of later transactions. The pipeline makes it durable before it tells the sink of it and
 * before it lets a later event pass; otherwise a restart could number transactions below it.
 */
@NullMarked
package io.millrace.core.engine;

import org.jspecify.annotations.NullMarked;
