/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"

#include <string.h>

#include "base/mac.h"
#include "port/kernel/netdev.h"
#include "vif.h"

LOG_TAG("vif");

static bool wishes(const struct vif *vif, enum vifcap_word word)
{
	const struct capability *cap = &vif->cap;

	return cap->front.present && !cap->held && vifcap_has(&cap->front, word);
}

/* Connected or not: who has an address by the toolstack's word must get it when it connects. */
static bool is_anothers(const struct vif *vif, const struct rte_ether_addr *mac)
{
	const struct vif *other;

	TAILQ_FOREACH (other, &vif->host->vifs, link)
		if (other != vif &&
		    (rte_is_same_ether_addr(&other->mac, mac) ||
		     mac_is_in(other->live.policy.macs, other->live.policy.nr_macs, mac)))
			return true;
	return false;
}

/* Return: NULL, or why it is refused */
static const char *add_mac(const struct vif *vif, const struct rte_ether_addr *mac,
			   struct policy_draft *draft)
{
	if (!draft->guest_mac)
		return "guest-mac is 0";
	if (!rte_is_valid_assigned_ether_addr(mac))
		return "it is not a unicast address";
	if (is_anothers(vif, mac))
		return "it belongs to another interface";
	if (netdev_any_has(mac))
		return "it belongs to this host";
	if (mac_is_in(draft->macs, draft->nr_macs, mac))
		return NULL;
	if (draft->nr_macs == MACS_MAX)
		return "macs is full";
	draft->macs[draft->nr_macs++] = *mac;
	return NULL;
}

static void judge_mac(struct vif *vif, struct vif_request *now, struct policy_draft *draft)
{
	const char *why;

	if (wishes(vif, VIFCAP_WORD_MAC))
		memcpy(&now->asked_mac, vif->cap.front.mac, sizeof(now->asked_mac));
	if (rte_is_same_ether_addr(&now->asked_mac, &vif->mac))
		memset(&now->asked_mac, 0, sizeof(now->asked_mac));
	if (rte_is_zero_ether_addr(&now->asked_mac))
		return;
	why = add_mac(vif, &now->asked_mac, draft);
	if (!why)
		now->mac = now->asked_mac;
	if (rte_is_same_ether_addr(&now->asked_mac, &vif->request.asked_mac) &&
	    rte_is_same_ether_addr(&now->mac, &vif->request.mac))
		return;
	*(why ? &now->refused : &now->granted) += 1;
	if (vif_may_warn(vif))
		log_info("%s: asks for the address " RTE_ETHER_ADDR_PRT_FMT ": %s", vif->name,
			 RTE_ETHER_ADDR_BYTES(&now->asked_mac), why ? why : "granted");
}

static uint32_t allowed_flags(const struct policy_draft *draft)
{
	return draft->guest_promiscuous ? VIFCAP_FLAG_PROMISC : 0;
}

static void judge_flags(struct vif *vif, struct vif_request *now, struct policy_draft *draft)
{
	if (wishes(vif, VIFCAP_WORD_FLAGS))
		now->asked_flags = vif->cap.front.flags;
	now->flags = now->asked_flags & allowed_flags(draft);
	if (now->flags & VIFCAP_FLAG_PROMISC)
		draft->promiscuous = true;
	if (!now->asked_flags ||
	    (now->asked_flags == vif->request.asked_flags && now->flags == vif->request.flags))
		return;
	*(now->flags == now->asked_flags ? &now->granted : &now->refused) += 1;
	if (vif_may_warn(vif))
		log_info("%s: asks for flags %x, granted %x", vif->name, now->asked_flags,
			 now->flags);
}

/* An aware guest says the longest it could; so this is no wish that is refused. */
static void judge_mtu(const struct vif *vif, struct policy_draft *draft)
{
	uint32_t most = draft->guest_mtu;

	if (!wishes(vif, VIFCAP_WORD_MTU))
		return;
	if (vif->cap.front.mtu < most)
		most = vif->cap.front.mtu;
	if (most > draft->mtu)
		draft->mtu = most;
}

void request_apply(struct vif *vif, struct policy_draft *draft)
{
	struct vif_request now = { .granted = vif->request.granted,
				   .refused = vif->request.refused };

	judge_mac(vif, &now, draft);
	judge_flags(vif, &now, draft);
	judge_mtu(vif, draft);
	vif->request = now;
}

void request_answer(const struct vif *vif, struct vifcap *cap)
{
	const struct policy_draft *draft = &vif->policy.draft;
	const struct vif_request *request = &vif->request;
	uint32_t allowed = allowed_flags(draft);

	if (draft->guest_mac || !rte_is_zero_ether_addr(&request->asked_mac)) {
		bool own = rte_is_zero_ether_addr(&request->mac);

		cap->present |= 1u << VIFCAP_WORD_MAC;
		memcpy(cap->mac, own ? &vif->mac : &request->mac, sizeof(cap->mac));
	}
	if (!allowed && !request->asked_flags)
		return;
	cap->present |= 1u << VIFCAP_WORD_FLAGS | 1u << VIFCAP_WORD_FLAGS_ALLOWED;
	cap->flags = request->flags | (draft->promiscuous ? VIFCAP_FLAG_PROMISC : 0);
	cap->flags_allowed = allowed;
}
