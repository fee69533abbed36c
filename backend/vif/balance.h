/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which worker serves a vif: the one with most time left when it connects, and another one when
 * that has too much to do later.
 *
 * Theory of operation. Once a second the control thread looks how much of the time each worker
 * moved frames, and how many frames of each vif that were. If one worker is busy and another is
 * not, the vif whose move evens that out best goes over: its channels are unbound, and bound by
 * the other worker, which looks at the rings at once. Frames stay where they are, in rings, backlog
 * and port, so none is lost or overtaken. A vif that has moved stays for some time.
 *
 * A vif is on a worker of the NIC's NUMA node if there is one. Where nodes are not known, as in
 * most dom0s, all are the same.
 *
 * Control thread.
 */
#ifndef VIFD_VIF_BALANCE_H
#define VIFD_VIF_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

struct host;
struct vif;
struct worker;

/**
 * struct balance - Of the host
 * @looked_us:  last look, monotonic
 * @busy_us:    of each worker, ever, at that time
 * @busy:       of each worker, of the time before it, 0 to 1000
 */
struct balance {
	uint64_t looked_us;
	uint64_t busy_us[CONFIG_WORKERS_MAX];
	uint32_t busy[CONFIG_WORKERS_MAX];
};

/**
 * struct balance_vif - Of one connection
 * @frames:  in both directions, ever, at the last look
 * @stay_us: does not move before, monotonic
 */
struct balance_vif {
	uint64_t frames, stay_us;
};

/**
 * struct balance_load - A vif in the eyes of balance_choose()
 * @worker:  that it is on
 * @frames:  since the last look
 * @allowed: bit 1 << N: it may be on worker N
 */
struct balance_load {
	uint32_t worker;
	uint64_t frames;
	uint32_t allowed;
};

/**
 * balance_choose() - Which vif is to move, and where to
 * @busy: of each worker, 0 to 1000
 * @to:   set to the worker
 *
 * A function of its arguments. Return: index in @loads, -1: none
 */
int balance_choose(const uint32_t *busy, uint32_t nr_workers, const struct balance_load *loads,
		   uint32_t nr_loads, uint32_t *to);

/** balance_worker() - For a vif that connects; its NIC is known */
struct worker *balance_worker(const struct vif *vif);

/**
 * balance_run() - Look, and move one vif at most
 * @now_us: monotonic
 *
 * Return: when to call it again; UINT64_MAX: there is one worker, or no vif
 */
uint64_t balance_run(struct host *host, uint64_t now_us);

#endif
