/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"

#include <string.h>

#include "base/clock.h"
#include "base/mac.h"
#include "port/kernel/netdev.h"
#include "vif.h"

LOG_TAG("vif");

/* Between two questions about one vif; a guest may change its mind much faster. */
#define ASK_US 1000000u

static bool wishes(const struct vif *vif, enum vifcap_word word)
{
	const struct capability *cap = &vif->cap;

	return cap->front.present && !cap->held && vifcap_has(&cap->front, word);
}

bool request_is_anothers(const struct vif *vif, const struct rte_ether_addr *mac)
{
	const struct vif *other;

	TAILQ_FOREACH (other, &vif->host->vifs, link)
		if (other != vif &&
		    (rte_is_same_ether_addr(&other->mac, mac) ||
		     mac_is_in(other->live.policy.macs, other->live.policy.nr_macs, mac)))
			return true;
	return false;
}

void request_owner_came(const struct vif *vif)
{
	struct vif *other;

	TAILQ_FOREACH (other, &vif->host->vifs, link)
		if (other != vif &&
		    mac_is_in(other->live.policy.macs, other->live.policy.nr_macs, &vif->mac))
			other->stale |= STALE_LIVE;
}

/* Return: NULL, or why it is refused */
static const char *add_mac(const struct vif *vif, const struct rte_ether_addr *mac,
			   struct policy_draft *draft)
{
	if (!draft->guest_mac)
		return "guest-mac is 0";
	if (!rte_is_valid_assigned_ether_addr(mac))
		return "it is not a unicast address";
	if (request_is_anothers(vif, mac))
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

static bool is_open(const struct vif_request *request)
{
	return request->state == REQUEST_WAITS || request->state == REQUEST_ASKED;
}

static void judge_mac(struct vif *vif, struct vif_request *now, struct policy_draft *draft)
{
	const char *why;

	if (rte_is_zero_ether_addr(&now->asked_mac) || is_open(now))
		return;
	why = now->approved ? add_mac(vif, &now->asked_mac, draft) : "it was not approved";
	if (!why)
		now->mac = now->asked_mac;
	if (vif->request.judged &&
	    rte_is_same_ether_addr(&now->asked_mac, &vif->request.asked_mac) &&
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
	if (!now->asked_flags || is_open(now))
		return;
	now->flags = now->approved ? now->asked_flags & allowed_flags(draft) : 0;
	if (now->flags & VIFCAP_FLAG_PROMISC)
		draft->promiscuous = true;
	if (vif->request.judged && now->asked_flags == vif->request.asked_flags &&
	    now->flags == vif->request.flags)
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

static void read_asked(const struct vif *vif, struct vif_request *now)
{
	if (wishes(vif, VIFCAP_WORD_MAC))
		memcpy(&now->asked_mac, vif->cap.front.mac, sizeof(now->asked_mac));
	if (rte_is_same_ether_addr(&now->asked_mac, &vif->mac))
		memset(&now->asked_mac, 0, sizeof(now->asked_mac));
	if (wishes(vif, VIFCAP_WORD_FLAGS))
		now->asked_flags = vif->cap.front.flags;
}

/* Do the rules allow anything of what is asked? */
static bool may_be_granted(const struct vif_request *now, const struct policy_draft *draft)
{
	return (draft->guest_mac && !rte_is_zero_ether_addr(&now->asked_mac)) ||
	       (now->asked_flags & allowed_flags(draft));
}

static bool is_same(const struct vif_request *a, const struct vif_request *b)
{
	return rte_is_same_ether_addr(&a->asked_mac, &b->asked_mac) &&
	       a->asked_flags == b->asked_flags;
}

/* Ask, wait, or give up; an update is due when that is over. */
static void seek_approval(struct vif *vif, struct vif_request *now, uint64_t now_us)
{
	uint64_t limit_us = (uint64_t)vif->host->config->approval_s * 1000000;

	if (now->state == REQUEST_NONE || !is_same(now, &vif->request)) {
		now->state = REQUEST_WAITS;
		now->approved = false;
	}
	if (now->state == REQUEST_WAITS && now_us - now->ask_us >= ASK_US) {
		now->state = REQUEST_ASKED;
		now->ask++;
		now->ask_us = now_us;
	}
	if (now->state == REQUEST_ASKED && now_us - now->ask_us >= limit_us) {
		now->state = REQUEST_ANSWERED;
		if (vif_may_warn(vif))
			log_warn("%s: nobody approved its request in %u s: refused", vif->name,
				 vif->host->config->approval_s);
	}
	if (is_open(now))
		vif_due(vif, STALE_LIVE,
			now->ask_us + (now->state == REQUEST_WAITS ? ASK_US : limit_us));
}

void request_apply(struct vif *vif, struct policy_draft *draft)
{
	const struct vif_request *was = &vif->request;
	struct vif_request now = { .granted = was->granted,
				   .refused = was->refused,
				   .state = was->state,
				   .approved = was->approved,
				   .ask = was->ask,
				   .ask_us = was->ask_us };

	read_asked(vif, &now);
	if (vif->host->config->approval_s && may_be_granted(&now, draft)) {
		seek_approval(vif, &now, clock_us());
	} else {
		now.state = REQUEST_NONE;
		now.approved = true;
	}
	judge_mac(vif, &now, draft);
	judge_flags(vif, &now, draft);
	judge_mtu(vif, draft);
	now.judged = !is_open(&now);
	vif->request = now;
}

int request_reply(struct vif *vif, uint32_t ask, bool grant)
{
	struct vif_request *request = &vif->request;

	if (request->state != REQUEST_ASKED || request->ask != ask)
		return -ENOENT;
	request->state = REQUEST_ANSWERED;
	request->approved = grant;
	vif->stale |= STALE_LIVE;
	return 0;
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
