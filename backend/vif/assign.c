/* SPDX-License-Identifier: BSD-3-Clause */
#include "assign.h"

#include <stdlib.h>
#include <string.h>

#include "deserve.h"
#include "vif.h"

LOG_TAG("assign");

#define ROWS_MAX 4096u
#define LOOK_US 1000000u
/*
 * The kernel tells of links that change by events. A VF of DPDK's own driver has no netdev,
 * and learns of its link from the PF a little later: it is looked at this soon after an
 * event, then after twice as long and so on, up to LOOK_US.
 */
#define LINK_LOOK_MIN_US 5000u
/*
 * When a wire comes back, its VFs get their links a little later, and send what waited in
 * their rings: no reason to leave them.
 */
#define LINK_WAIT_US 200000u
/* How long a new vif waits for a VF that is being given back. */
#define SETTLE_US 10000000u

/*
 * struct assign
 * @next_us: when it is time to decide again
 * @link_us: when it is time to look at links; @link_wait_us: how long after the last time that is
 * @nics:    of each NIC, between decisions: the rival's time, what there was to claim
 * @rows, @vifs: scratch of one decision
 */
struct assign {
	struct host *host;
	uint64_t next_us, link_us, link_wait_us;
	struct assign_nic {
		uint64_t rival_since_us;
		uint32_t vfs, mbps;
	} nics[CONFIG_NICS_MAX];
	struct deserve_vif rows[ROWS_MAX];
	struct vif *vifs[ROWS_MAX];
};

struct assign *assign_create(struct host *host)
{
	struct assign *assign = calloc(1, sizeof(*assign));

	if (assign)
		assign->host = host;
	return assign;
}

void assign_destroy(struct assign *assign)
{
	free(assign);
}

void assign_kick(struct assign *assign)
{
	assign->next_us = 0;
}

static bool on_vf(const struct vif *vif)
{
	return path_get_port(vif->path)->kind == PORT_VF;
}

static bool is_moving(const struct vif *vif)
{
	return vif->vf_ticket || vif->leaving || vif->move != VIF_MOVE_NONE;
}

static uint64_t bytes_of(const struct path *path)
{
	uint32_t last = path_nr_queues(path) - 1;

	return path_counted(path, COUNT_tx_bytes, 0, last) +
	       path_counted(path, COUNT_rx_bytes, 0, last);
}

/* Smoothed: halfway from the last value to that of the last second. */
static void sample(struct vif *vif, uint64_t now_us)
{
	struct assign_vif *own = &vif->assign;
	uint64_t bytes = bytes_of(vif->path), past_us = now_us - own->sampled_us;

	if (own->sampled_us && past_us < LOOK_US / 2)
		return;
	if (own->sampled_us && bytes >= own->bytes)
		own->load = (own->load + (bytes - own->bytes) * 1000000 / past_us) / 2;
	own->bytes = bytes;
	own->sampled_us = now_us;
}

/* Who names a VF in so many words has it, whatever is known of it. */
static bool insists(const struct vif *vif)
{
	return vif->assign.pinned || vif->policy.draft.vf == POLICY_VF_REQUIRE;
}

/* Who sends longer packets than the VF takes would lose those that may not be cut. */
static bool is_too_small(const struct vif *vif, const struct port *vf)
{
	return vf->mtu < RTE_MIN((uint32_t)vif->live.mtu, (uint32_t)nic_mtu(vif->nic));
}

bool assign_fits(struct vif *vif, const struct port *vf)
{
	vif->assign.small = is_too_small(vif, vf) && !insists(vif);
	return !vif->assign.small;
}

/*
 * A VF that does not receive what the rules let in would lose it without a word. Return: which rule
 * that is, NULL = none
 */
static const char *beyond_reach(const struct vif *vif, uint32_t macs, bool promiscuous)
{
	if (vif->assign.small)
		return "mtu: the VF takes no packets as long as the rule and the wire allow";
	if (!promiscuous &&
	    (vif->policy.draft.promiscuous || vif->request.flags & VIFCAP_FLAG_PROMISC))
		return "promiscuous: VFs of its NIC are not known to receive frames to any address";
	if (vif->live.policy.nr_macs > macs)
		return "macs: VFs of its NIC are not known to receive frames to so many addresses";
	return NULL;
}

/* A guest that may ask for either can do so again and again. */
static void look_at_reach(struct vif *vif, uint32_t macs, bool promiscuous, uint64_t now_us)
{
	const char *unfit;

	/* another VF, or another try, may do better */
	if (on_vf(vif))
		vif->assign.small = is_too_small(vif, path_get_port(vif->path));
	else if (now_us >= vif->assign.barred_us)
		vif->assign.small = false;
	unfit = beyond_reach(vif, macs, promiscuous);
	if (unfit && unfit != vif->assign.unfit && vif_may_tell(vif))
		log_info("%s: %s", vif->name, unfit);
	if (unfit && !vif->assign.unfit && on_vf(vif))
		assign_bar(vif, now_us);
	vif->assign.unfit = unfit;
}

static enum policy_vf wish(const struct vif *vif)
{
	if (vif_wants_kernel(vif))
		return POLICY_VF_NEVER;
	if (vif->assign.pinned && !vif->assign.pinned_vf)
		return POLICY_VF_NEVER;
	if (vif->assign.pinned && vif->policy.draft.vf == POLICY_VF_NEVER)
		return POLICY_VF_PREFER;
	if (vif->assign.unfit && !insists(vif) && vif->policy.draft.vf == POLICY_VF_PREFER)
		return POLICY_VF_NEVER;
	return vif->policy.draft.vf;
}

static void fill_row(struct deserve_vif *row, struct vif *vif, uint64_t now_us)
{
	sample(vif, now_us);
	*row = (struct deserve_vif){
		.wish = wish(vif),
		.weight = vif->policy.draft.weight,
		.load = vif->assign.load,
		.on_vf = on_vf(vif),
		.moving = is_moving(vif),
		.barred = now_us < vif->assign.barred_us,
		.pinned = vif->assign.pinned,
		.settled = vif->assign.settled,
	};
}

/* A vif that lost its VF, or that the admin moved, is not yet settled on the software path. */
static void settle(struct vif *vif, const struct deserve_vif *row, bool follow, uint64_t now_us)
{
	struct assign_vif *own = &vif->assign;

	own->settled = !follow && !row->on_vf && !row->moving && !own->pinned && !own->bar_us &&
		       row->wish == POLICY_VF_PREFER && row->verdict == DESERVE_STAY &&
		       now_us - vif->connected_us > SETTLE_US;
}

static void obey(struct vif *vif, enum deserve_verdict verdict)
{
	if (verdict == DESERVE_STAY)
		return;
	if (verdict == DESERVE_SOFTWARE && vif_may_tell(vif))
		log_info("%s: gives up its VF", vif->name);
	vif_send(vif, verdict == DESERVE_VF ? VIF_MOVE_VF : VIF_MOVE_SOFTWARE);
}

/* With another link speed or number of VFs, a refused claim may fit, and the ceilings change. */
static void look_at_claims(struct assign_nic *known, struct nic *nic, struct vif *of, uint32_t vfs)
{
	uint32_t mbps = nic_capacity_mbps(nic);

	if (known->vfs == vfs && known->mbps == mbps)
		return;
	known->vfs = vfs;
	known->mbps = mbps;
	vif_claims_changed(of);
	of->stale |= STALE_POLICY;
}

static void decide(struct assign *assign, uint32_t which, uint64_t now_us)
{
	struct nic *nic = assign->host->nics[which];
	struct deserve_nic table = {
		.follow = assign->host->config->nics[which].assign == CONFIG_ASSIGN_LOAD,
		.now_us = now_us,
		.rival_since_us = assign->nics[which].rival_since_us,
	};
	uint32_t nr = 0, vfs, macs;
	bool promiscuous = nic_vf_reach(nic, &macs);
	struct vif *vif;

	TAILQ_FOREACH (vif, &assign->host->vifs, link) {
		if (!vif->path || vif->nic != nic || nr == ROWS_MAX)
			continue;
		look_at_reach(vif, macs, promiscuous, now_us);
		assign->vifs[nr] = vif;
		fill_row(&assign->rows[nr++], vif, now_us);
	}
	if (nr == 0)
		return;
	table.free = nic_vf_count(nic, &vfs);
	look_at_claims(&assign->nics[which], nic, assign->vifs[0], vfs);
	/* VFs that are being opened count as free still; do not give them away twice */
	for (uint32_t i = 0; i < nr; i++)
		if (table.free && !assign->rows[i].on_vf && assign->rows[i].moving)
			table.free--;
	deserve_decide(&table, assign->rows, nr);
	assign->nics[which].rival_since_us = table.rival_since_us;
	for (uint32_t i = 0; i < nr; i++) {
		settle(assign->vifs[i], &assign->rows[i], table.follow, now_us);
		obey(assign->vifs[i], assign->rows[i].verdict);
	}
}

static struct port_link link_of(struct vif *vif)
{
	struct port *port = path_get_port(vif->path);
	struct port_link link = { .up = true };

	port->ops->link_get(port, &link);
	return link;
}

static bool same_link(const struct port_link *a, const struct port_link *b)
{
	return a->up == b->up && a->gone == b->gone && a->reset == b->reset &&
	       a->stuck == b->stuck && a->other_mtu == b->other_mtu &&
	       a->speed_mbps == b->speed_mbps;
}

/* @untold: no event has come for a while */
static void look_at_links(struct assign *assign, bool untold)
{
	struct vif *vif;

	TAILQ_FOREACH (vif, &assign->host->vifs, link) {
		struct port_link link;

		if (!vif->path)
			continue;
		link = link_of(vif);
		if (same_link(&link, &vif->assign.link))
			continue;
		vif_due(vif, 0, 0);
		if (untold)
			log_debug("%s: its link has changed, and no event has told of it",
				  vif->name);
	}
}

void assign_links_changed(struct assign *assign)
{
	look_at_links(assign, false);
	assign->link_us = 0;
	assign->link_wait_us = LINK_LOOK_MIN_US;
}

static void run_links(struct assign *assign, uint64_t now_us)
{
	if (now_us < assign->link_us)
		return;
	look_at_links(assign, assign->link_wait_us == LOOK_US);
	assign->link_wait_us *= 2;
	if (assign->link_wait_us > LOOK_US || !assign->link_wait_us)
		assign->link_wait_us = LOOK_US;
	assign->link_us = now_us + assign->link_wait_us;
}

uint64_t assign_run(struct assign *assign, uint64_t now_us)
{
	run_links(assign, now_us);
	if (now_us >= assign->next_us) {
		assign->next_us = now_us + LOOK_US;
		for (uint32_t i = 0; i < assign->host->nr_nics; i++)
			decide(assign, i, now_us);
	}
	return RTE_MIN(assign->next_us, assign->link_us);
}

static const char *what_failed(const struct port_link *link)
{
	if (link->reset)
		return "was reset by its PF";
	if (link->gone)
		return "is gone";
	if (link->up)
		return "or its wire has another MTU";
	return link->stuck ? "accepts frames and sends none" : "has lost its link";
}

void assign_bar(struct vif *vif, uint64_t now_us)
{
	struct assign_vif *own = &vif->assign;

	if (now_us - own->gained_us > ASSIGN_FORGIVE_US)
		own->bar_us = 0;
	own->bar_us = own->bar_us ? own->bar_us * 2 : ASSIGN_RETURN_MIN_US;
	if (own->bar_us > ASSIGN_RETURN_MAX_US)
		own->bar_us = ASSIGN_RETURN_MAX_US;
	own->barred_us = now_us + own->bar_us;
}

/* Return: there is a better way for the frames than this VF */
static bool is_lost(struct vif *vif, const struct port_link *link, uint64_t now_us)
{
	struct assign_vif *own = &vif->assign;

	if (link->gone)
		return true;
	if (!nic_uplink_is_up(vif->nic)) {
		own->wire_down = true;
		return false; /* there is nowhere better to go: carrier tells */
	}
	if (own->wire_down) {
		own->wire_down = false;
		own->wait_us = now_us + LINK_WAIT_US;
	}
	if (now_us >= own->wait_us)
		return true;
	vif_due(vif, 0, own->wait_us);
	return false;
}

void assign_guard(struct vif *vif, uint64_t now_us)
{
	struct port_link link = link_of(vif);

	vif->assign.link = link;
	if (link.gone)
		vif->stale |= STALE_LIVE; /* it may be a netdev that is to be made again */
	if ((link.up && !link.other_mtu) || !on_vf(vif) || is_moving(vif)) {
		vif->assign.wire_down = false;
		vif->assign.wait_us = 0;
		return;
	}
	if (!is_lost(vif, &link, now_us))
		return;
	if (now_us < vif->assign.barred_us) {
		/* it was to leave already, and could not */
		vif_due(vif, 0, vif->assign.barred_us);
		return;
	}
	vif->assign.failed = what_failed(&link);
	assign_bar(vif, now_us);
	vif_send(vif, VIF_MOVE_SOFTWARE);
}

/* A guest that reconnects again and again would have VFs opened and closed without end. */
void assign_begin(struct vif *vif, uint64_t now_us)
{
	struct assign_vif *own = &vif->assign;

	if (own->asked && now_us - own->begun_us < ASSIGN_FLAP_US)
		own->flaps++;
	else
		own->flaps = 0;
	if (own->flaps > 1)
		assign_bar(vif, now_us);
	own->asked = false;
	own->begun_us = now_us;
}

void assign_forget(struct vif *vif)
{
	struct assign_vif *own = &vif->assign;

	*own = (struct assign_vif){ .barred_us = own->barred_us,
				    .bar_us = own->bar_us,
				    .gained_us = own->gained_us,
				    .asked = own->asked,
				    .unfit = own->unfit,
				    .small = own->small,
				    .begun_us = own->begun_us,
				    .flaps = own->flaps };
}
