/* SPDX-License-Identifier: BSD-3-Clause */
#include "balance.h"

#include <stdlib.h>

#include "host.h"
#include "log.h"
#include "vif.h"

LOG_TAG("balance");

#define LOOK_US 1000000u
#define STAY_US 10000000u
/* In thousandths of the time: a worker with less to do is left alone, ... */
#define BUSY 600u
/* ... and so is one that gains less. */
#define GAIN 100u

_Static_assert(CONFIG_WORKERS_MAX <= 32, "struct balance_load has a bit for each worker");

static uint32_t busiest(const uint32_t *busy, uint32_t nr)
{
	uint32_t most = 0;

	for (uint32_t i = 1; i < nr; i++)
		if (busy[i] > busy[most])
			most = i;
	return most;
}

/* Of those that the vif may be on. Return: @from if there is no other */
static uint32_t idlest(const uint32_t *busy, uint32_t nr, uint32_t allowed, uint32_t from)
{
	uint32_t least = from;

	for (uint32_t i = 0; i < nr; i++)
		if (allowed & UINT32_C(1) << i && busy[i] < busy[least])
			least = i;
	return least;
}

static uint64_t frames_of(const struct balance_load *loads, uint32_t nr, uint32_t worker)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nr; i++)
		if (loads[i].worker == worker)
			sum += loads[i].frames;
	return sum;
}

int balance_choose(const uint32_t *busy, uint32_t nr_workers, const struct balance_load *loads,
		   uint32_t nr_loads, uint32_t *to)
{
	uint32_t from = busiest(busy, nr_workers), best = busy[from] - RTE_MIN(busy[from], GAIN);
	uint64_t frames = frames_of(loads, nr_loads, from);
	int chosen = -1;

	if (busy[from] < BUSY || !frames)
		return -1;
	for (uint32_t i = 0; i < nr_loads; i++) {
		uint32_t there = idlest(busy, nr_workers, loads[i].allowed, from);
		uint32_t share = (uint32_t)(busy[from] * loads[i].frames / frames);
		uint32_t after;

		if (loads[i].worker != from || there == from)
			continue;
		after = RTE_MAX(busy[from] - share, busy[there] + share);
		if (after >= best)
			continue;
		best = after;
		chosen = (int)i;
		*to = there;
	}
	return chosen;
}

/* Bits of the workers on the NIC's NUMA node; of all if there are none. */
static uint32_t allowed(const struct host *host, const struct nic *nic)
{
	uint32_t all = 0, near = 0;

	for (uint32_t i = 0; i < host->nr_workers; i++) {
		all |= UINT32_C(1) << i;
		if (worker_node(host->workers[i]) == nic_node(nic))
			near |= UINT32_C(1) << i;
	}
	return near && nic_node(nic) >= 0 ? near : all;
}

/* Has @a more time left than @b? In steps, so that vifs that connect together are spread. */
static bool is_freer(const struct host *host, uint32_t a, uint32_t b)
{
	uint32_t busy_a = host->balance.busy[a] / GAIN, busy_b = host->balance.busy[b] / GAIN;

	if (busy_a != busy_b)
		return busy_a < busy_b;
	return worker_load(host->workers[a]) < worker_load(host->workers[b]);
}

struct worker *balance_worker(const struct vif *vif)
{
	const struct host *host = vif->host;
	uint32_t may = allowed(host, vif->nic), best = UINT32_MAX;

	for (uint32_t i = 0; i < host->nr_workers; i++)
		if (may & UINT32_C(1) << i && (best == UINT32_MAX || is_freer(host, i, best)))
			best = i;
	return host->workers[best];
}

static void look_at_workers(struct host *host, uint64_t passed_us)
{
	struct balance *balance = &host->balance;

	for (uint32_t i = 0; i < host->nr_workers; i++) {
		uint64_t busy_us = atomic_load_explicit(worker_busy_us(host->workers[i]),
							memory_order_relaxed);

		balance->busy[i] = (uint32_t)RTE_MIN(
			(busy_us - balance->busy_us[i]) * 1000 / passed_us, UINT64_C(1000));
		balance->busy_us[i] = busy_us;
	}
}

/* Return: frames since the last look */
static uint64_t look_at_vif(struct vif *vif)
{
	uint32_t last = path_nr_queues(vif->path) - 1;
	uint64_t before = vif->balance.frames;

	vif->balance.frames = path_counted(vif->path, COUNT_tx_packets, 0, last) +
			      path_counted(vif->path, COUNT_rx_packets, 0, last);
	return vif->balance.frames - before;
}

/* One that is about to change its port, or its rings, has enough of that. */
static bool may_move(const struct vif *vif, uint64_t now_us)
{
	return vif->move == VIF_MOVE_NONE && !vif->leaving && !path_get_old_port(vif->path) &&
	       vif->balance.stay_us <= now_us;
}

static uint32_t index_of(const struct host *host, const struct worker *worker)
{
	uint32_t i = 0;

	while (i + 1 < host->nr_workers && host->workers[i] != worker)
		i++;
	return i;
}

/* @loads: room for all vifs; @of: whose they are. Return: how many */
static uint32_t list_loads(struct host *host, uint64_t now_us, struct balance_load *loads,
			   struct vif **of)
{
	struct vif *vif;
	uint32_t nr = 0;

	TAILQ_FOREACH (vif, &host->vifs, link) {
		if (!vif->path)
			continue;
		of[nr] = vif;
		loads[nr++] = (struct balance_load){
			.worker = index_of(host, vif->worker),
			.frames = look_at_vif(vif),
			.allowed = may_move(vif, now_us) ? allowed(host, vif->nic) : 0,
		};
	}
	return nr;
}

static void move(struct vif *vif, uint32_t from, uint32_t to, uint64_t now_us)
{
	struct host *host = vif->host;
	int ret = worker_move(host->workers[from], host->workers[to], vif->path);

	vif->balance.stay_us = now_us + STAY_US;
	if (ret) {
		log_error("%s: its event channels cannot be bound by worker %u: %s", vif->name, to,
			  strerror(-ret));
		return;
	}
	vif->worker = host->workers[to];
	vif_due(vif, STALE_LIVE, 0); /* who has frames for it wakes that one */
	log_info("%s: from worker %u, busy for %u %% of the time, to worker %u, %u %%", vif->name,
		 from, host->balance.busy[from] / 10, to, host->balance.busy[to] / 10);
}

static void even_out(struct host *host, uint64_t now_us, uint32_t nr)
{
	/* one more, so that there is always something to allocate */
	struct balance_load *loads = calloc(nr + 1, sizeof(*loads));
	struct vif **of = calloc(nr + 1, sizeof(struct vif *));
	uint32_t to = 0;
	int chosen = -1;

	if (loads && of)
		chosen = balance_choose(host->balance.busy, host->nr_workers, loads,
					list_loads(host, now_us, loads, of), &to);
	if (chosen >= 0)
		move(of[chosen], loads[chosen].worker, to, now_us);
	free(loads);
	free(of);
}

uint64_t balance_run(struct host *host, uint64_t now_us)
{
	uint64_t passed_us = now_us - host->balance.looked_us;
	struct vif *vif;
	uint32_t nr = 0;

	if (host->nr_workers < 2 || TAILQ_EMPTY(&host->vifs))
		return UINT64_MAX;
	if (passed_us < LOOK_US)
		return host->balance.looked_us + LOOK_US;
	host->balance.looked_us = now_us;
	look_at_workers(host, passed_us);
	TAILQ_FOREACH (vif, &host->vifs, link)
		nr++;
	even_out(host, now_us, nr);
	return now_us + LOOK_US;
}
