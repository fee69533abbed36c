/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may change while a vif is connected: the policy, rate, link, multicast filter,
 * XDP headroom. Read when its source changed, told to the path as a whole and only when
 * it differs. Two things follow from other vifs: whether any of them is isolated, and
 * what they are guaranteed; a vif that changes either marks the others.
 */
#include <string.h>

#include "path/zc_rx.h"
#include "zerocopy_rx.h"
#include "vif.h"

LOG_TAG("vif");

/* Room for data must remain in the first buffer. */
#define HEADROOM_MAX (NETIF_PAGE_SIZE / 2)

/* What the guest wants of itself; nothing in its directory is policy. */
static void read_wishes(struct vif *vif)
{
	struct store *store = vif->host->store;
	uint32_t headroom;

	vif->wishes = (struct vif_wishes){
		.disconnect = store_get_flag(store, vif->frontend, "disconnect", false),
		.mcast_filter =
			store_get_flag(store, vif->frontend, "request-multicast-control", false),
	};
	if (!store_get_u32(store, vif->frontend, "xdp-headroom", 0, HEADROOM_MAX, &headroom))
		vif->wishes.xdp_headroom = (uint16_t)headroom;
}

/* What it claims decides what the others can have. */
static void read_policy(struct vif *vif, uint64_t now_us)
{
	const struct policy_draft before = vif->policy.draft;

	if (vif_read_policy(vif))
		vif_due(vif, STALE_POLICY, now_us + VIF_RETRY_US);
	if (memcmp(&before, &vif->policy.draft, sizeof(before)))
		vif_claims_changed(vif);
}

/*
 * Before the worker takes the policy, so that nobody's first frame is earlier than its address. Who
 * shares an address, was refused one, or is to be kept apart derives that again.
 */
static void tell_isolation(struct vif *vif, const struct policy *policy)
{
	struct isolation now = { .isolated = policy->tx & POLICY_ISOLATED };
	bool was_unlisted = vif->isolation.unlisted;

	now.macs[0] = vif->mac;
	memcpy(now.macs + 1, policy->macs, policy->nr_macs * sizeof(now.macs[0]));
	now.nr_macs = policy->nr_macs + 1;
	if (isolation_tell(&vif->isolation, &now))
		vif_mark_others(vif, STALE_LIVE);
	if (vif->isolation.unlisted && !was_unlisted)
		log_error("%s: no room for its addresses in the table of all interfaces: while one "
			  "of them is isolated, nothing passes here",
			  vif->name);
}

static void keep_apart(const struct vif *vif, struct policy *policy)
{
	if (!isolation_is_isolated())
		return;
	policy->tx |= POLICY_APART;
	policy->rx |= POLICY_APART;
	/* isolated ones would take it for the wire */
	if (vif->isolation.unlisted) {
		policy->tx |= POLICY_NO_TX;
		policy->rx |= POLICY_NO_RX;
	}
}

void vif_read_live(struct vif *vif, struct path_live *live, uint64_t now_us)
{
	uint32_t stale = vif->stale;
	struct policy_draft draft;

	vif->stale &= ~(uint32_t)(STALE_GUEST | STALE_POLICY | STALE_LIVE);
	if (stale & STALE_GUEST)
		read_wishes(vif);
	if (stale & STALE_POLICY)
		read_policy(vif, now_us);
	memset(live, 0, sizeof(*live));
	live->link = !vif->wishes.disconnect;
	live->mcast_filter = vif->wishes.mcast_filter;
	live->xdp_headroom = vif->wishes.xdp_headroom;
	draft = vif->policy.draft;
	virtual_pf_follow(vif);
	virtual_pf_apply(vif, &draft);
	request_apply(vif, &draft);
	vif->link_rule = draft.link;
	policy_compile(&draft, &vif->mac, live);
	capability_limit(vif, live);
	tell_isolation(vif, &live->policy);
	keep_apart(vif, &live->policy);
}

void vif_read_unconnected(struct vif *vif, uint64_t now_us)
{
	struct path_live live = { 0 };
	struct policy_draft draft;

	if (vif->stale & STALE_POLICY)
		read_policy(vif, now_us);
	vif->stale &= ~(uint32_t)(STALE_POLICY | STALE_LIVE);
	policy_compile(&vif->policy.draft, &vif->mac, &live);
	vif->live = live;
	virtual_pf_follow(vif);
	draft = vif->policy.draft;
	virtual_pf_apply(vif, &draft);
	if (!rte_is_zero_ether_addr(&vif->mac))
		tell_isolation(vif, &live.policy);
	if (vif->published)
		kernel_path_follow(vif, now_us);
}

struct live_call {
	struct path *path;
	const struct path_live *live;
};

static int run_set_live(struct worker *worker, void *arg)
{
	struct live_call *call = arg;

	(void)worker;
	path_set_live(call->path, call->live);
	return 0;
}

void vif_update_carrier(struct vif *vif, uint64_t now_us)
{
	struct port *port = path_get_port(vif->path);
	struct port_link link = { .up = true };
	int carrier;

	port->ops->link_get(port, &link);
	if (!link.up && vif->assign.link.up) {
		/* lost since assign_guard() looked, which may know a better way for the frames */
		vif_due(vif, 0, 0);
		return;
	}
	carrier = (link.up || vif->link_rule == POLICY_LINK_ON) && vif->live.link;
	if (carrier == vif->carrier)
		return;
	if (store_put(vif->host->store, vif->backend, "carrier", "%d", carrier)) {
		vif_due(vif, 0, now_us + VIF_RETRY_US);
		return;
	}
	if (vif->carrier >= 0 && vif_may_tell(vif))
		log_info("%s: link %s", vif->name, carrier ? "up" : "down");
	vif->carrier = carrier;
}

static uint32_t lower(uint32_t a, uint32_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* A VF must leave what others are guaranteed, and while the wire is full, their shares. */
static uint32_t most_mbps(struct vif *vif)
{
	uint32_t own = lower(rate_mbps(vif->live.rate), vif->share.pf_mbps);

	return lower(own, nic_claims_ceiling_mbps(vif));
}

/* VLANs that must arrive; NICs do not filter the VLAN inside an 802.1ad tag. */
static void rules_vlans(const struct policy *policy, uint64_t vlans[VLAN_WORDS])
{
	if ((policy->rx & (POLICY_VLAN | POLICY_VLAN_OUTER)) == POLICY_VLAN && policy->member)
		memcpy(vlans, policy->vlans, sizeof(policy->vlans));
}

/*
 * A NIC's spoof check knows one address and, on some NICs, no VLAN. Where the policy allows
 * more, the check is off and the path checks alone, or the NIC by flow rules.
 */
void vif_port_policy(struct vif *vif, struct port_policy *rules)
{
	static const enum port_wish links[] = { [POLICY_LINK_AUTO] = PORT_LINK_AUTO,
						[POLICY_LINK_ON] = PORT_LINK_ON,
						[POLICY_LINK_OFF] = PORT_LINK_OFF };
	const struct policy *policy = &vif->live.policy;

	*rules = (struct port_policy){
		.spoof_check = policy->anti_spoof && !policy->nr_macs &&
			       !(policy->tx & (POLICY_VLAN | POLICY_VLAN_OUTER)) &&
			       !vif->virtual_pf.rules.pushes,
		.anti_spoof = policy->anti_spoof,
		.link = links[vif->link_rule],
		.max_mbps = most_mbps(vif),
		.kbps = policy_guaranteed(&vif->policy.draft),
		.promiscuous = vif->policy.draft.promiscuous ||
			       vif->request.flags & VIFCAP_FLAG_PROMISC,
		.no_unknown = policy->rx & POLICY_NO_UNKNOWN_UNICAST,
		.no_multicast = policy->rx & POLICY_NO_MULTICAST,
		.no_broadcast = policy->rx & POLICY_NO_BROADCAST,
		.weight = vif->policy.draft.weight,
		.nr_macs = policy->nr_macs,
	};

	memcpy(rules->macs, policy->macs, sizeof(rules->macs));
	rules_vlans(policy, rules->vlans);
}

void vif_tell_port(struct vif *vif, struct port *port)
{
	struct port_policy rules;

	vif_port_policy(vif, &rules);
	port_set_policy(port, &rules);
}

/* Before the path passes more than it did; frames still arrive by a move's old port. */
static void loosen_ports(struct vif *vif)
{
	struct port_policy rules;

	vif_port_policy(vif, &rules);
	port_loosen(path_get_port(vif->path), &rules);
	if (vif->leaving)
		port_loosen(vif->leaving, &rules);
}

void vif_update_live(struct vif *vif, uint64_t now_us)
{
	struct path_live live;

	vif_read_live(vif, &live, now_us);
	if (memcmp(&live, &vif->live, sizeof(live))) {
		vif->live = live;
		assign_kick(vif->host->assign);
		if (zc_rx_bars(&live))
			zerocopy_rx_end(&vif->zerocopy_rx, vif->worker, vif->path, true);
		loosen_ports(vif);
		nic_flows_keep(&vif->nic_flows, vif->worker, vif->path, path_get_flows(vif->path),
			       &vif->live);
		worker_run(vif->worker, run_set_live,
			   &(struct live_call){ .path = vif->path, .live = &vif->live });
	}
	kernel_path_follow(vif, now_us);
	vif_update_mirror(vif);
	vf_rules_update(vif);
	vif_tell_port(vif, path_get_port(vif->path));
}
