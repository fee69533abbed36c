/* SPDX-License-Identifier: BSD-3-Clause */
/* What a guest asks of its virtual VFs, by the control ring of their PF. */
#include <string.h>

#include "base/clock.h"
#include "ctrl_turn.h"
#include "vif.h"

LOG_TAG("virtual-pf");

static uint32_t refuse(struct turn *turn, uint32_t reason)
{
	turn->data = reason;
	return NETIF_CTRL_STATUS_INVALID_PARAMETER;
}

static uint32_t enable(struct vif *pf, struct turn *turn)
{
	struct vf_wishes *wishes = &pf->virtual_pf.wishes;
	uint32_t wanted = turn->req.data[0], before = wishes->wanted;
	struct vif *vf;

	if (turn->req.data[1] || turn->req.data[2])
		return refuse(turn, VIFVPF_REASON_LAYOUT);
	if (wanted > wishes->nr)
		return refuse(turn, VIFVPF_REASON_INDEX);
	for (uint32_t i = wanted; i < before; i++) {
		if (wishes->of[i].set && !virtual_pf_find(pf, i, &vf))
			vf->stale |= STALE_LIVE;
		memset(&wishes->of[i], 0, sizeof(wishes->of[i]));
	}
	wishes->wanted = wanted;
	vf_rules_trim(pf);
	turn->set = true;
	turn->data = wanted;
	if (wanted != before && vif_may_tell(pf))
		log_info("%s: its guest wants %u of %u virtual VFs", pf->name, wanted, wishes->nr);
	return NETIF_CTRL_STATUS_SUCCESS;
}

/* What is granted holds before the guest is told so. The guest pays for the wait. */
static void put_in_force(struct vif *vf, struct turn *turn)
{
	uint64_t now_us = clock_us();

	if (!vf->path)
		return;
	vif_update_live(vf, now_us);
	vif_due(vf, 0, 0);
	turn->waited_us += (uint32_t)(clock_us() - now_us) + 1;
}

static uint32_t set_value(struct vif *pf, struct turn *turn)
{
	uint32_t index = VIFVPF_SET_INDEX(turn->req.data[0]);
	uint32_t attr = VIFVPF_SET_ATTR(turn->req.data[0]);
	struct vif *vf = NULL;
	struct vf_wish wish, base, *now;
	struct policy_draft draft;
	uint32_t reason = virtual_pf_find(pf, index, &vf);

	if (!reason)
		reason = vf_wish_read(turn->req.data, &wish);
	if (reason)
		return reason;
	draft = vf->policy.draft;
	vf_wish_base(&draft, &vf->mac, &base);
	now = &pf->virtual_pf.wishes.of[index];
	if (vf_wish_undoes(&wish, &base, attr)) {
		now->set &= ~(1u << attr);
	} else {
		reason = virtual_pf_judge(vf, &wish, attr, &draft);
		if (reason)
			return reason;
		vf_wish_copy(now, &wish, attr);
		vf->virtual_pf.applied |= 1u << attr;
	}
	put_in_force(vf, turn);
	turn->set = true;
	return VIFVPF_REASON_NONE;
}

static uint32_t set(struct vif *pf, struct turn *turn)
{
	static const char *const names[] = {
		"no such thing",   "an address", "a VLAN",   "a rate",
		"the spoof check", "trust",	 "the link",
	};
	uint32_t attr = VIFVPF_SET_ATTR(turn->req.data[0]);
	uint32_t reason = set_value(pf, turn);

	if (!reason) {
		pf->virtual_pf.granted++;
		return NETIF_CTRL_STATUS_SUCCESS;
	}
	pf->virtual_pf.refused++;
	if (vif_may_warn(pf))
		log_info("%s: its guest may not set %s of virtual VF %u (reason %u)", pf->name,
			 names[attr <= VIFVPF_ATTR_LINK ? attr : 0],
			 VIFVPF_SET_INDEX(turn->req.data[0]), reason);
	return refuse(turn, reason);
}

static uint64_t count(const struct vif *vf, enum path_counter which)
{
	return path_shown(vf->path, which, 0, path_nr_queues(vf->path) - 1);
}

static uint64_t drops(const struct vif *vf, const char *prefix)
{
	uint64_t sum = 0;

	for (enum path_counter which = 0; which < COUNTERS; which++)
		if (!strncmp(path_counter_name(which), prefix, strlen(prefix)))
			sum += count(vf, which);
	return sum;
}

static void fill_counters(const struct vif *vf, struct vifvpf_state *state)
{
	state->connected = 1;
	state->rx_frames = count(vf, COUNT_rx_packets);
	state->rx_bytes = count(vf, COUNT_rx_bytes);
	state->tx_frames = count(vf, COUNT_tx_packets);
	state->tx_bytes = count(vf, COUNT_tx_bytes);
	state->rx_dropped = drops(vf, "rx_drop_");
	state->tx_dropped = drops(vf, "tx_drop_");
}

static void fill_state(const struct vif *vf, const struct vf_wish *wish, struct vifvpf_state *state)
{
	struct vf_wish now;

	vf_wish_base(&vf->policy.draft, &vf->mac, &now);
	vf_wish_overlay(&now, wish, vf->virtual_pf.applied);
	*state = (struct vifvpf_state){ .handle = vf->handle,
					.rate_min = now.rate_min,
					.rate_max = now.rate_max,
					.vlan = now.tag & VLAN_ID_MASK,
					.priority = (uint8_t)(now.tag >> 13),
					.link = now.link,
					.spoofchk = now.spoofchk,
					.trust = now.trust };
	memcpy(state->mac, now.mac.addr_bytes, sizeof(state->mac));
	if (vf->path)
		fill_counters(vf, state);
}

/* Of the VFs from @first on. Those whose vif is not there stay as they are. */
static void fill_states(const struct vif *pf, uint32_t first, struct vifvpf_state *states,
			uint32_t nr)
{
	const struct vf_wishes *wishes = &pf->virtual_pf.wishes;
	const struct vif *vf;
	int index;

	TAILQ_FOREACH (vf, &pf->host->vifs, link) {
		index = virtual_pf_is_vf_of(vf, pf) ? virtual_pf_index(pf, vf) : -1;
		if (index >= (int)first && index < (int)(first + nr))
			fill_state(vf, &wishes->of[index], &states[(uint32_t)index - first]);
	}
}

/* Counts as a list of the size of what is written, so that a turn answers one or a few of these. */
static uint32_t query(struct vif *pf, struct turn *turn)
{
	const struct vf_wishes *wishes = &pf->virtual_pf.wishes;
	uint32_t first = turn->req.data[0], nr;
	struct vifvpf_state states[VIFVPF_STATES_MAX];
	struct gnt_copy copy = { .local = states, .ref = turn->req.data[1] };

	if (turn->req.data[2])
		return refuse(turn, VIFVPF_REASON_LAYOUT);
	if (first >= wishes->nr)
		return refuse(turn, VIFVPF_REASON_INDEX);
	if (first >= wishes->wanted)
		return refuse(turn, VIFVPF_REASON_PARKED);
	nr = RTE_MIN(wishes->wanted - first, VIFVPF_STATES_MAX);
	memset(states, 0, nr * sizeof(states[0]));
	for (uint32_t i = 0; i < nr; i++)
		states[i].gone = 1;
	fill_states(pf, first, states, nr);
	copy.len = (uint16_t)(nr * sizeof(states[0]));
	turn->pages += copy.len / (uint32_t)sizeof(struct netif_gref);
	if (gnt_copy_out(turn->gnt, turn->domid, &copy, 1) || copy.status)
		return refuse(turn, VIFVPF_REASON_PAGE);
	turn->data = nr;
	return NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t virtual_pf_message(struct vif *pf, struct turn *turn)
{
	if (!pf->virtual_pf.wishes.nr)
		return NETIF_CTRL_STATUS_NOT_SUPPORTED;
	switch (turn->req.type) {
	case VIFVPF_CTRL_ENABLE:
		return enable(pf, turn);
	case VIFVPF_CTRL_SET:
		return set(pf, turn);
	case VIFVPF_CTRL_QUERY:
		return query(pf, turn);
	default:
		return vf_rules_message(pf, turn);
	}
}
