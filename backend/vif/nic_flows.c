/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_flows.h"

#include <errno.h>
#include <string.h>

#include "path/flow_nic.h"
#include "path/path.h"
#include "worker.h"

#define LOOK_US 1000000u

struct dropped_call {
	struct path *path;
	uint64_t frames;
};

static int run_dropped(struct worker *worker, void *arg)
{
	const struct dropped_call *call = arg;

	(void)worker;
	path_count_flow_drops(call->path, call->frames);
	return 0;
}

static void tell_dropped(struct worker *worker, struct path *path, uint64_t frames)
{
	if (frames)
		worker_run(worker, run_dropped,
			   &(struct dropped_call){ .path = path, .frames = frames });
}

/* Return: frames dropped since the port was asked last. @gone: it has this rule no more */
static uint64_t look(struct nic_flow *flow, struct port *port, bool *gone)
{
	uint64_t frames = flow->frames, more;

	*gone = port->ops->drop_count(port, flow->number, &frames) < 0;
	more = frames > flow->frames ? frames - flow->frames : 0;
	flow->frames = frames;
	return more;
}

static void forget(struct nic_flows *nic, uint32_t index)
{
	nic->of[index] = nic->of[--nic->nr];
}

static void take_back(struct nic_flows *nic, uint32_t index, struct worker *worker,
		      struct path *path)
{
	struct port *port = path_get_port(path);
	bool gone;

	tell_dropped(worker, path, look(&nic->of[index], port, &gone));
	port->ops->drop_end(port, nic->of[index].number);
	forget(nic, index);
}

/* Does a table still say what the NIC does for it? */
static bool still_says(const struct nic_flow *flow, const struct flows *flows,
		       const struct rte_ether_addr *mac)
{
	int index = flows ? flows_find(flows, flow->id) : -1;
	struct port_drop drop;

	return index >= 0 && flow_nic_drop(flows, (uint32_t)index, mac, &drop) &&
	       !memcmp(&drop, &flow->drop, sizeof(drop));
}

void nic_flows_keep(struct nic_flows *nic, struct worker *worker, struct path *path,
		    const struct flows *flows, const struct path_live *live)
{
	bool barred = flow_nic_bars(live);

	nic->changed = true;
	for (uint32_t i = nic->nr; i-- > 0;)
		if (barred || !still_says(&nic->of[i], flows, &path_get_port(path)->mac))
			take_back(nic, i, worker, path);
}

void nic_flows_end(struct nic_flows *nic, struct worker *worker, struct path *path)
{
	nic->changed = true;
	while (nic->nr)
		take_back(nic, nic->nr - 1, worker, path);
}

static bool is_barred(const struct path *path)
{
	return !path_get_port(path)->ops->drop_begin || path_get_handover(path) ||
	       path_get_mirror(path)->directions & MIRROR_RX || flow_nic_bars(path_get_live(path));
}

/* Return: false: the driver takes no rules at all */
static bool add(struct nic_flows *nic, struct port *port, uint32_t id, const struct port_drop *drop)
{
	int number = port->ops->drop_begin(port, drop);

	if (number >= 0)
		nic->of[nic->nr++] = (struct nic_flow){ .id = id, .number = number, .drop = *drop };
	return number != -ENOSYS;
}

/* No more is tried than a port may have: what is refused costs time, too. */
static void add_missing(struct nic_flows *nic, const struct path *path)
{
	const struct flows *flows = path_get_flows(path);
	struct port *port = path_get_port(path);
	uint32_t left = PORT_DROPS_MAX - nic->nr;
	struct port_drop drop;

	for (uint32_t i = 0; flows && i < flows->nr && left; i++) {
		if (nic_flows_has(nic, flows->rules[i].id) ||
		    !flow_nic_drop(flows, i, &port->mac, &drop))
			continue;
		if (!add(nic, port, flows->rules[i].id, &drop))
			return;
		left--;
	}
}

static void look_at_all(struct nic_flows *nic, struct worker *worker, struct path *path)
{
	struct port *port = path_get_port(path);
	uint64_t frames = 0;
	bool gone;

	for (uint32_t i = nic->nr; i-- > 0;) {
		frames += look(&nic->of[i], port, &gone);
		if (gone)
			forget(nic, i);
	}
	tell_dropped(worker, path, frames);
}

uint64_t nic_flows_update(struct nic_flows *nic, struct worker *worker, struct path *path,
			  uint64_t now_us)
{
	if (nic->changed && !is_barred(path)) {
		nic->changed = false;
		add_missing(nic, path);
	}
	if (!nic->nr)
		return UINT64_MAX;
	if (now_us >= nic->look_us) {
		look_at_all(nic, worker, path);
		nic->look_us = now_us + LOOK_US;
	}
	return nic->look_us;
}
