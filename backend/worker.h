/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Polling threads. A worker owns the paths attached to it, and the uplinks; it
 * polls while there is work and for a while after, then sleeps on its event
 * channels, its ports' descriptors and its wake descriptor.
 *
 * The control thread speaks to a worker by worker_run() only: a function is
 * executed in the worker, between two passes, and the control thread waits for
 * its result. That is the one way in which paths are attached, moved and
 * detached, and what makes everything a worker owns free of locks.
 */
#ifndef VIFD_WORKER_H
#define VIFD_WORKER_H

#include <stdint.h>

#include "path/path.h"
#include "port/nic.h"

struct worker;

/**
 * worker_start() - Start a polling thread
 * @index:   0, 1, ...; names the thread
 * @poll_us: how long it polls without work before it sleeps
 * @pool:    packet memory
 *
 * Control thread. Return: worker, NULL with errno set
 */
struct worker *worker_start(unsigned int index, uint32_t poll_us, struct rte_mempool *pool);

/** worker_stop() - Nothing may be attached any more; NULL is fine */
void worker_stop(struct worker *worker);

/**
 * worker_run() - Execute a function in the worker, between two passes
 *
 * Control thread; waits for the end of the worker's pass. Return: what @fn returns
 */
int worker_run(struct worker *worker, int (*fn)(struct worker *worker, void *arg), void *arg);

/** worker_barrier() - After it, no worker uses what was unpublished before. Control thread */
void worker_barrier(void);

/**
 * worker_hold() - While held, a worker moves no frames
 *
 * Control thread. A daemon that takes over many connected guests lets none of
 * them send before all of them have their place on the switch.
 */
void worker_hold(struct worker *worker, bool held);

/** worker_load() - Paths attached; for choosing a worker. Control thread */
unsigned int worker_load(const struct worker *worker);

/** worker_attach() - Bind a path's channels and poll it. Return: 0, -errno */
int worker_attach(struct worker *worker, struct path *path);

/** worker_detach() - Stop polling a path; its ports are detached too */
void worker_detach(struct worker *worker, struct path *path);

/**
 * worker_pause() - The path, whose frames are placed (zc_rx.h), is given what is there and polled
 * no more
 */
void worker_pause(struct worker *worker, struct path *path);

/** worker_resume() - Nothing is placed any more. @go_on: it is polled again */
void worker_resume(struct worker *worker, struct path *path, bool go_on);

/**
 * worker_observe() - The path's port will be left for another
 * @handover: Of a path that has none; the worker's until it is ended. See handover.h
 */
void worker_observe(struct worker *worker, struct path *path, struct handover *handover);

/** worker_begin_handover() - The path's port is @to from now on; it has a handover */
void worker_begin_handover(struct worker *worker, struct path *path, struct port *to);

/** worker_quieted() - The port that the path leaves was made quiet */
void worker_quieted(struct worker *worker, struct path *path);

/**
 * worker_end_handover() - Return: the handover, now the caller's as its old port is if it has begun
 */
struct handover *worker_end_handover(struct worker *worker, struct path *path);

/** worker_attach_nic() - Poll a NIC's uplink too. Return: 0, -ENOSPC */
int worker_attach_nic(struct worker *worker, struct nic *nic);

/** worker_detach_nic() - Stop polling it */
void worker_detach_nic(struct worker *worker, struct nic *nic);

#endif
