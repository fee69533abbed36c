/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Polling threads. A worker owns the paths attached to it, and the uplinks; it polls while there is
 * work and for a while after, then sleeps on its event channels, its ports' descriptors and its
 * wake descriptor.
 *
 * The control thread speaks to a worker by worker_run() only: the worker executes a function
 * between two passes, and the control thread waits for its result. This is the one way in which
 * paths are attached, changed and detached, and the reason why what a worker owns needs no locks.
 * A function for a path is kept with its caller (vif/), which gives it its arguments.
 */
#ifndef VIFD_WORKER_H
#define VIFD_WORKER_H

#include <stdint.h>

#include "path/path.h"
#include "port/nic.h"

struct worker;

/* Control thread */

/**
 * worker_start() - Start a polling thread
 * @index:   0, 1, ...; names the thread
 * @poll_us: how long it polls without work before it sleeps, while that pays (idle_poll.h)
 * @cpu:     processor that it runs on, -1 = any
 * @pool:    packet memory
 *
 * Return: worker, NULL with errno set
 */
struct worker *worker_start(unsigned int index, uint32_t poll_us, int cpu,
			    struct rte_mempool *pool);

/** worker_stop() - Nothing may be attached any more; NULL is fine */
void worker_stop(struct worker *worker);

/**
 * worker_run() - Execute a function in the worker, between two passes
 *
 * Waits until the worker's pass has ended and @fn has returned. Return: what @fn returns
 */
int worker_run(struct worker *worker, int (*fn)(struct worker *worker, void *arg), void *arg);

/** worker_barrier() - After it, no worker uses what was unpublished before */
void worker_barrier(void);

/**
 * worker_hold() - While held, a worker moves no frames
 *
 * A daemon that takes over many connected guests lets none of them send before all of them have
 * their port on the switch.
 */
void worker_hold(struct worker *worker, bool held);

/** worker_busy_us() - us in which it moved frames, ever */
const _Atomic uint64_t *worker_busy_us(const struct worker *worker);

/** worker_lcore() - EAL's number of its thread, which has started */
unsigned int worker_lcore(struct worker *worker);

/** worker_node() - NUMA node of its processors, -1: unknown, or several */
int worker_node(const struct worker *worker);

/** worker_load() - Paths attached; for choosing a worker */
unsigned int worker_load(const struct worker *worker);

/** worker_attach() - Bind a path's channels, poll it, wait for its port. Return: 0, -errno */
int worker_attach(struct worker *worker, struct path *path);

/** worker_detach() - Stop polling a path; its ports are removed too */
void worker_detach(struct worker *worker, struct path *path);

/**
 * worker_move() - Another worker serves a path from now on; its ports go with it
 *
 * Frames stay where they are. If the other worker cannot bind the channels, all is as before; if
 * that cannot be had either, the path is faulted. Return: 0, -errno
 */
int worker_move(struct worker *from, struct worker *to, struct path *path);

/** worker_attach_nic() - Poll a NIC's uplink too. Return: 0, -ENOSPC */
int worker_attach_nic(struct worker *worker, struct nic *nic);

/** worker_detach_nic() - Stop polling it */
void worker_detach_nic(struct worker *worker, struct nic *nic);

/* For functions that worker_run() executes */

/** worker_tools() - What the worker's paths are polled with */
struct path_tools *worker_tools(struct worker *worker);

/** worker_add_port() - Wake up for what @port receives; NULL is fine */
void worker_add_port(struct worker *worker, struct port *port);

/** worker_remove_port() - No longer; NULL is fine */
void worker_remove_port(struct worker *worker, struct port *port);

#endif
