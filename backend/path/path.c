/* SPDX-License-Identifier: BSD-3-Clause */
/* Below all else in path/: what others may set and read of a path, and the fault that stops it. */
#include "cut.h"
#include "path_private.h"

static void set_rate(struct shaper *shaper, struct rate old, struct rate new)
{
	if (!rate_is(old, new))
		shaper_set(shaper, new);
}

static void set_queue_rates(struct path *path, const struct path_live *live)
{
	path->guarantees = false;
	for (uint32_t i = 0; i < path->nr_queues; i++) {
		set_rate(&path->queues[i].shaper, path->live.queue_rates[i], live->queue_rates[i]);
		set_rate(&path->queues[i].guarantee, path->live.queue_guarantees[i],
			 live->queue_guarantees[i]);
		path->guarantees |= live->queue_guarantees[i].bytes != 0;
	}
}

/* Do other rules apply to frames from now on? */
static bool rules_change(const struct path_live *old, const struct path_live *new)
{
	return old->link != new->link || old->mtu != new->mtu || old->tx_closed != new->tx_closed ||
	       memcmp(&old->policy, &new->policy, sizeof(old->policy));
}

/* Frames that are still to be cut passed the former rules, and would take long to leave. */
static void drop_uncut(struct queue *queue)
{
	uint16_t left = 0;

	for (uint16_t i = 0; i < queue->nr_outbox; i++)
		if (cut_is_needed(queue->outbox[i]))
			queue_drop(queue, queue->outbox[i], COUNT_tx_drop_uncut);
		else
			queue->outbox[left++] = queue->outbox[i];
	queue->nr_outbox = left;
}

void path_set_live(struct path *path, const struct path_live *live)
{
	if (rules_change(&path->live, live))
		for (uint32_t i = 0; i < path->nr_queues; i++)
			drop_uncut(&path->queues[i]);
	set_rate(&path->shaper, path->live.rate, live->rate);
	set_rate(&path->rx_shaper, path->live.rx_rate, live->rx_rate);
	set_queue_rates(path, live);
	if (live->rx_delay_us != path->live.rx_delay_us)
		for (uint32_t i = 0; i < path->nr_queues; i++)
			path->queues[i].coalesce = (struct coalesce){ 0 };
	path->mcast.filter = live->mcast_filter && !live->mcast_refused;
	path->tx_plain = !live->classes.by && live->link && !live->tx_closed;
	path->rx_plain = live->link && !live->rx_closed && !live->policy.rx && !live->xdp_headroom;
	path->live = *live;
}

void path_set_groups(struct path *path, struct group_list *list, bool partial)
{
	path->mcast.list = list;
	path->mcast.partial = partial;
}

void path_set_port(struct path *path, struct port *port)
{
	path->port = port;
	port->taker = path;
}

void path_set_steer(struct path *path, const struct steer *steer)
{
	path->steer = *steer;
}

void path_set_flows(struct path *path, const struct flows *flows, struct flow_counts *counts)
{
	flow_search_init(&path->flow_search, flows, counts);
}

void path_count_flow_drops(struct path *path, uint64_t frames)
{
	path_count(&path->queues[0].counters, COUNT_rx_drop_flow, frames);
}

void path_set_mirror(struct path *path, const struct mirror *mirror, struct tap *tap)
{
	path->mirror = *mirror;
	path->tap = tap;
}

void path_set_vf_rules(struct path *path, const struct vf_rules *rules)
{
	path->vf_rules = rules;
}

void path_set_inbox(struct path *path, struct tap *inbox, bool any)
{
	path->inbox = inbox;
	path->inbox_any = any;
}

const struct path_config *path_get_config(const struct path *path)
{
	return &path->config;
}

const struct path_live *path_get_live(const struct path *path)
{
	return &path->live;
}

struct port *path_get_port(const struct path *path)
{
	return path->port;
}

struct port *path_get_old_port(const struct path *path)
{
	return path->handover && path->handover->to ? path->handover->from : NULL;
}

struct handover *path_get_handover(const struct path *path)
{
	return path->handover;
}

const struct steer *path_get_steer(const struct path *path)
{
	return &path->steer;
}

const struct flows *path_get_flows(const struct path *path)
{
	return path->flow_search.flows;
}

const struct flow_counts *path_get_flow_counts(const struct path *path)
{
	return path->flow_search.counts;
}

const struct mirror *path_get_mirror(const struct path *path)
{
	return &path->mirror;
}

const struct vf_rules *path_get_vf_rules(const struct path *path)
{
	return path->vf_rules;
}

struct tap *path_get_inbox(const struct path *path, bool *any)
{
	*any = path->inbox_any;
	return path->inbox;
}

struct tap *path_get_tap(const struct path *path)
{
	return path->tap;
}

bool path_has_zc_rx(const struct path *path)
{
	return path->queues[0].zc_rx != NULL;
}

const struct statics *path_get_statics(const struct path *path, uint32_t queue)
{
	return &path->queues[queue].statics;
}

void path_swap_statics(struct path *path, uint32_t queue, struct statics *statics)
{
	struct statics former = path->queues[queue].statics;

	path->queues[queue].statics = *statics;
	*statics = former;
}

bool path_was_served(const struct path *path)
{
	for (uint32_t i = 0; i < path->nr_queues; i++)
		if (path->queues[i].tx_rsp_prod || path->queues[i].rx_req_cons)
			return true;
	return false;
}

uint32_t path_tx_held(const struct path *path)
{
	uint32_t sum = path->classes.buffers;

	for (uint32_t i = 0; i < path->nr_queues; i++)
		for (uint32_t k = 0; k < path->queues[i].nr_outbox; k++)
			sum += path->queues[i].outbox[k]->nb_segs;
	return sum;
}

uint32_t path_rx_held(const struct path *path)
{
	uint32_t sum = path->handover ? path->handover->held_buffers : 0;

	for (uint32_t i = 0; i < path->nr_queues; i++)
		sum += path->queues[i].backlog_buffers;
	return sum;
}

uint32_t path_held(const struct path *path)
{
	return atomic_load_explicit(&path->held, memory_order_relaxed);
}

uint32_t path_rx_delay_us(const struct path *path)
{
	uint32_t us = 0;

	for (uint32_t i = 0; i < path->nr_queues; i++)
		us = RTE_MAX(us, path->queues[i].coalesce.delay_us);
	return us;
}

uint32_t path_static_pages(const struct path *path)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < path->nr_queues; i++)
		sum += path->queues[i].statics.nr;
	return sum;
}

uint32_t path_lent_pages(const struct path *path)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < path->nr_queues; i++)
		sum += lease_out(path->queues[i].statics.tx_lease) +
		       lease_out(path->queues[i].statics.rx_lease);
	return sum;
}

uint32_t path_nr_queues(const struct path *path)
{
	return path->nr_queues;
}

uint32_t path_channels(const struct path *path, uint32_t ports[2 * NETIF_QUEUES_MAX])
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < path->nr_queues; i++) {
		const struct queue *queue = &path->queues[i];

		if (queue->tx.port >= 0)
			ports[nr++] = (uint32_t)queue->tx.port;
		if (queue->rx.port >= 0)
			ports[nr++] = (uint32_t)queue->rx.port;
	}
	return nr;
}

uint64_t path_counted(const struct path *path, enum path_counter which, uint32_t first,
		      uint32_t last)
{
	uint64_t sum = 0;

	for (uint32_t i = first; i <= last; i++)
		sum += atomic_load_explicit(&path->queues[i].counters.value[which],
					    memory_order_relaxed);
	return sum;
}

uint64_t path_shown(const struct path *path, enum path_counter which, uint32_t first, uint32_t last)
{
	uint64_t sum = path_counted(path, which, first, last);

	for (uint32_t i = first; i <= last; i++)
		sum -= path->queues[i].counted_before[which];
	return sum;
}

void path_reset_counters(struct path *path)
{
	for (uint32_t i = 0; i < path->nr_queues; i++)
		for (enum path_counter which = 0; which < COUNTERS; which++)
			path->queues[i].counted_before[which] = path_counted(path, which, i, i);
}

uint32_t path_tx_owed(const struct path *path, uint32_t queue)
{
	return path->queues[queue].tx_owed;
}

bool path_tx_answered(const struct path *path, uint32_t queue, uint32_t owed)
{
	return (int32_t)(owed - path->queues[queue].tx_rsp_prod) <= 0;
}

const char *path_faulted(const struct path *path)
{
	return atomic_load(&path->fault);
}

bool path_is_polled(const struct path *path)
{
	return !path->paused && !path_is_stopped(path);
}

void path_fault(struct path *path, const char *why)
{
	const char *none = NULL;

	if (atomic_compare_exchange_strong(&path->fault, &none, why))
		wake_worker(path->raise);
}
