/**
 * The simulation: a model of an upstream, the real engine, and models of downstreams in one thread,
 * under a virtual clock and one seed. It crashes the engine at every place where something becomes
 * durable and between any two steps, starts it again from what is durable, and checks that nothing
 * is lost, nothing invented, rows of a key keep their order, DDL is applied once and at its place,
 * transactions are whole where that is promised, and no checkpoint is ahead of the sink.
 *
 * <p>Begin reading at {@link io.millrace.testkit.sim.Simulation}; {@link
 * io.millrace.testkit.sim.Checker} holds what must be true.
 */
@NullMarked
package io.millrace.testkit.sim;

import org.jspecify.annotations.NullMarked;
