/* SPDX-License-Identifier: BSD-3-Clause */
#include "vf_wish.h"

#include <string.h>

#include "base/mac.h"
#include "common/capability.h"

#define BIT(attr) (1u << (attr))
#define ATTRS_ALL                                                                                  \
	(BIT(VIFVPF_ATTR_MAC) | BIT(VIFVPF_ATTR_VLAN) | BIT(VIFVPF_ATTR_RATE) |                    \
	 BIT(VIFVPF_ATTR_SPOOFCHK) | BIT(VIFVPF_ATTR_TRUST) | BIT(VIFVPF_ATTR_LINK))
#define TAG_PRIORITY 13
/* Rates are enforced in intervals of 50 ms, as those that xl writes. */
#define RATE_US 50000u
#define RATE_BYTES_PER_MBPS 6250u

static_assert(VIFVPF_VFS_MAX == VIFCAP_VFS_MAX, "the record names all");

bool vf_wishes_are_whole(const struct vf_wishes *wishes)
{
	if (wishes->nr > VIFVPF_VFS_MAX || wishes->wanted > wishes->nr)
		return false;
	for (uint32_t i = 0; i < wishes->nr; i++)
		if (wishes->of[i].set & ~ATTRS_ALL)
			return false;
	return true;
}

void vf_wishes_describe(const struct vf_wishes *wishes, struct vifcap *cap)
{
	if (!wishes->nr)
		return;
	cap->present |= 1u << VIFCAP_WORD_VIRTUAL_VFS;
	if (cap->flows)
		cap->features |= VIFCAP_FEATURE_VF_RULES;
	cap->virtual_vfs.nr = (uint16_t)wishes->nr;
	memcpy(cap->virtual_vfs.handle, wishes->handle, sizeof(cap->virtual_vfs.handle));
}

static uint32_t read_mac(const uint32_t data[3], struct vf_wish *wish)
{
	for (uint32_t i = 0; i < 2; i++)
		wish->mac.addr_bytes[i] = (uint8_t)(data[1] >> (8 - 8 * i));
	for (uint32_t i = 0; i < 4; i++)
		wish->mac.addr_bytes[2 + i] = (uint8_t)(data[2] >> (24 - 8 * i));
	if (data[1] > UINT16_MAX || !rte_is_valid_assigned_ether_addr(&wish->mac))
		return VIFVPF_REASON_VALUE;
	return VIFVPF_REASON_NONE;
}

static uint32_t read_vlan(const uint32_t data[3], struct vf_wish *wish)
{
	uint32_t vlan = data[1] & 0xffff, priority = data[1] >> 16;

	if (vlan > VIFVPF_VLAN_MAX || priority > VIFVPF_PRIORITY_MAX || (!vlan && priority))
		return VIFVPF_REASON_VALUE;
	if (data[2] != VIFVPF_VLAN_TYPE)
		return VIFVPF_REASON_PROTOCOL;
	wish->tag = (uint16_t)(priority << TAG_PRIORITY | vlan);
	return VIFVPF_REASON_NONE;
}

static uint32_t read_rate(const uint32_t data[3], struct vf_wish *wish)
{
	wish->rate_min = data[1];
	wish->rate_max = data[2];
	return data[2] && data[1] > data[2] ? VIFVPF_REASON_VALUE : VIFVPF_REASON_NONE;
}

/* The attributes of one word. */
static uint32_t read_choice(const uint32_t data[3], uint8_t *choice, uint32_t most)
{
	*choice = (uint8_t)data[1];
	if (data[2])
		return VIFVPF_REASON_LAYOUT;
	return data[1] > most ? VIFVPF_REASON_VALUE : VIFVPF_REASON_NONE;
}

uint32_t vf_wish_read(const uint32_t data[3], struct vf_wish *wish)
{
	uint32_t attr = VIFVPF_SET_ATTR(data[0]);

	memset(wish, 0, sizeof(*wish));
	if (attr < 32)
		wish->set = BIT(attr);
	switch (attr) {
	case VIFVPF_ATTR_MAC:
		return read_mac(data, wish);
	case VIFVPF_ATTR_VLAN:
		return read_vlan(data, wish);
	case VIFVPF_ATTR_RATE:
		return read_rate(data, wish);
	case VIFVPF_ATTR_SPOOFCHK:
		return read_choice(data, &wish->spoofchk, 1);
	case VIFVPF_ATTR_TRUST:
		return read_choice(data, &wish->trust, 1);
	case VIFVPF_ATTR_LINK:
		return read_choice(data, &wish->link, VIFVPF_LINK_DISABLE);
	default:
		return VIFVPF_REASON_ATTRIBUTE;
	}
}

static uint32_t mbps_of(uint32_t kbps)
{
	return kbps / 1000 + (kbps % 1000 != 0);
}

void vf_wish_base(const struct policy_draft *draft, const struct rte_ether_addr *mac,
		  struct vf_wish *base)
{
	static const uint8_t links[] = { [POLICY_LINK_AUTO] = VIFVPF_LINK_AUTO,
					 [POLICY_LINK_ON] = VIFVPF_LINK_ENABLE,
					 [POLICY_LINK_OFF] = VIFVPF_LINK_DISABLE };

	*base = (struct vf_wish){ .set = ATTRS_ALL,
				  .mac = *mac,
				  .tag = draft->vlan_insert,
				  .rate_min = mbps_of(policy_guaranteed(draft)),
				  .rate_max = mbps_of(rate_kbps(draft->rate)),
				  .spoofchk = draft->anti_spoof,
				  .trust = draft->guest_promiscuous,
				  .link = links[draft->link] };
}

/* Where 0 means: as the rules say. */
static bool is_default(uint32_t value, uint32_t base)
{
	return !value || value == base;
}

bool vf_wish_undoes(const struct vf_wish *wish, const struct vf_wish *base, uint32_t attr)
{
	switch (attr) {
	case VIFVPF_ATTR_MAC:
		return rte_is_same_ether_addr(&wish->mac, &base->mac);
	case VIFVPF_ATTR_VLAN:
		return is_default(wish->tag, base->tag);
	case VIFVPF_ATTR_RATE:
		return is_default(wish->rate_min, base->rate_min) &&
		       is_default(wish->rate_max, base->rate_max);
	case VIFVPF_ATTR_SPOOFCHK:
		return wish->spoofchk == base->spoofchk;
	case VIFVPF_ATTR_TRUST:
		return wish->trust == base->trust;
	default:
		return wish->link == VIFVPF_LINK_AUTO || wish->link == base->link;
	}
}

/* One more address: that nobody else has it was found before. */
static bool apply_mac(const struct vf_wish *wish, struct policy_draft *draft)
{
	if (!draft->guest_mac)
		return false;
	if (mac_is_in(draft->macs, draft->nr_macs, &wish->mac))
		return true;
	if (draft->nr_macs == MACS_MAX)
		return false;
	draft->macs[draft->nr_macs++] = wish->mac;
	return true;
}

/* In place of the rules about VLANs; a tag of vlan-outer stays around it. */
static bool apply_vlan(const struct vf_wish *wish, struct policy_draft *draft)
{
	if (!policy_vlan(draft->guest_vlan, wish->tag & VLAN_ID_MASK))
		return false;
	draft->vlan_insert = wish->tag;
	draft->filter = false;
	draft->allow_untagged = -1;
	memset(draft->vlans, 0, sizeof(draft->vlans));
	memset(draft->strip, 0, sizeof(draft->strip));
	return true;
}

/* A guarantee is at others' cost: it is granted only so far as the admin gives it anyway. */
static bool apply_rate(const struct vf_wish *wish, struct policy_draft *draft)
{
	uint64_t now = rate_kbps(draft->rate);
	uint64_t most = RTE_MAX(now, (uint64_t)draft->guest_rate * 1000);

	if (wish->rate_min > mbps_of(policy_guaranteed(draft)))
		return false;
	if (is_default(wish->rate_max, mbps_of((uint32_t)now)))
		return true;
	if (now && (uint64_t)wish->rate_max * 1000 > most)
		return false;
	draft->rate.bytes = (uint64_t)wish->rate_max * RATE_BYTES_PER_MBPS;
	draft->rate.us = RATE_US;
	return true;
}

/* What checks more is always fine. */
static bool apply_link(const struct vf_wish *wish, struct policy_draft *draft)
{
	if (wish->link == VIFVPF_LINK_AUTO)
		return true;
	if (wish->link == VIFVPF_LINK_ENABLE && draft->link == POLICY_LINK_OFF)
		return false;
	draft->link = wish->link == VIFVPF_LINK_ENABLE ? POLICY_LINK_ON : POLICY_LINK_OFF;
	return true;
}

static bool apply(const struct vf_wish *wish, uint32_t attr, struct policy_draft *draft)
{
	switch (attr) {
	case VIFVPF_ATTR_MAC:
		return apply_mac(wish, draft);
	case VIFVPF_ATTR_VLAN:
		return apply_vlan(wish, draft);
	case VIFVPF_ATTR_RATE:
		return apply_rate(wish, draft);
	case VIFVPF_ATTR_SPOOFCHK:
		draft->anti_spoof |= wish->spoofchk;
		return wish->spoofchk || !draft->anti_spoof;
	case VIFVPF_ATTR_TRUST:
		draft->guest_promiscuous &= wish->trust;
		return !wish->trust || draft->guest_promiscuous;
	case VIFVPF_ATTR_LINK:
		return apply_link(wish, draft);
	default:
		return false;
	}
}

uint32_t vf_wish_apply(const struct vf_wish *wish, uint32_t attr, struct policy_draft *draft)
{
	struct policy_draft next = *draft;
	char why[POLICY_ERROR_MAX];

	if (!apply(wish, attr, &next) || policy_check(&next, why))
		return VIFVPF_REASON_POLICY;
	*draft = next;
	return VIFVPF_REASON_NONE;
}

void vf_wish_copy(struct vf_wish *to, const struct vf_wish *from, uint32_t attr)
{
	to->set |= BIT(attr);
	if (attr == VIFVPF_ATTR_MAC)
		to->mac = from->mac;
	if (attr == VIFVPF_ATTR_VLAN)
		to->tag = from->tag;
	if (attr == VIFVPF_ATTR_RATE) {
		to->rate_min = from->rate_min;
		to->rate_max = from->rate_max;
	}
	if (attr == VIFVPF_ATTR_SPOOFCHK)
		to->spoofchk = from->spoofchk;
	if (attr == VIFVPF_ATTR_TRUST)
		to->trust = from->trust;
	if (attr == VIFVPF_ATTR_LINK)
		to->link = from->link;
}

void vf_wish_overlay(struct vf_wish *now, const struct vf_wish *wish, uint32_t applied)
{
	const struct vf_wish base = *now;

	for (uint32_t attr = VIFVPF_ATTR_MAC; attr <= VIFVPF_ATTR_LINK; attr++)
		if (applied & wish->set & BIT(attr))
			vf_wish_copy(now, wish, attr);
	/* a guarantee is the admin's in any case, and 0 means his limit */
	now->rate_min = base.rate_min;
	if (!now->rate_max)
		now->rate_max = base.rate_max;
}
