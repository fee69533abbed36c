/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules beyond anti-spoof. Worker; nothing here keeps anything.
 *
 * Tags are read in every way in which a receiver may read them, and each reading must be allowed.
 * Some take a priority tag off and go by the tag behind it, others leave that alone; to a bridge of
 * customer VLANs 802.1ad's tags are no tags, to others they are.
 */
#include "verdict.h"

#include <string.h>

#include <rte_byteorder.h>

#include "base/mac.h"
#include "base/vlan.h"
#include "verdict_ip.h"

#define PASS ((enum path_counter)VERDICT_PASS)

/* The bytes of the first segment. */
struct bytes {
	const uint8_t *at;
	uint32_t len;
};

static struct bytes first_segment(const struct rte_mbuf *frame)
{
	return (struct bytes){ rte_pktmbuf_mtod(frame, const uint8_t *), frame->data_len };
}

/* Big endian; 0 beyond the end. */
static uint16_t get16(const struct bytes *b, uint32_t offset)
{
	return vlan_type_at(b->at, b->len, offset);
}

/* The VLAN of the tag at @offset; 0 = untagged or a priority only, -1 = cut short. */
static int vlan_at(const struct bytes *b, uint32_t offset)
{
	int tci = vlan_tci_at(b->at, b->len, offset);

	return tci < 0 ? -1 : tci & VLAN_ID_MASK;
}

/* Is there a tag without a VLAN, which only tells a priority? */
static bool priority_only(const struct bytes *b, uint32_t offset)
{
	return vlan_is_tag(get16(b, offset)) && !vlan_at(b, offset);
}

/*
 * May the tags from @at on pass? By 802.1Q, the outermost tag with a VLAN decides.
 * @untagged: some receiver takes the frame for one without a VLAN
 */
static bool tags_allowed(const struct policy *policy, const struct bytes *b, uint32_t at,
			 bool *untagged)
{
	*untagged = false;
	for (uint32_t i = 0; i <= VLAN_TAGS_MAX; i++, at += VLAN_TAG_BYTES) {
		uint16_t type = get16(b, at);
		int vlan = vlan_at(b, at);

		*untagged |= type != RTE_ETHER_TYPE_VLAN || !vlan;
		if (!vlan_is_tag(type))
			return at + 2 <= b->len;
		if (vlan)
			return vlan > 0 && policy_vlan(policy->vlans, (uint16_t)vlan);
	}
	return false;
}

bool verdict_put_tag(struct rte_mbuf *frame, uint16_t type, uint16_t tag)
{
	const uint8_t bytes[VLAN_TAG_BYTES] = { (uint8_t)(type >> 8), (uint8_t)type,
						(uint8_t)(tag >> 8), (uint8_t)tag };
	char *start = rte_pktmbuf_prepend(frame, VLAN_TAG_BYTES);

	if (!start)
		return false;
	memmove(start, start + VLAN_TAG_BYTES, VLAN_OUTERMOST);
	memcpy(start + VLAN_OUTERMOST, bytes, VLAN_TAG_BYTES);
	if (frame->l2_len)
		frame->l2_len += VLAN_TAG_BYTES;
	return true;
}

/* An untagged frame gets its tag, in place of one with a priority only. */
static enum path_counter insert_tag(const struct policy *policy, struct rte_mbuf *frame,
				    const struct bytes *b)
{
	if (priority_only(b, VLAN_OUTERMOST))
		verdict_cut_tags(frame, VLAN_TAG_BYTES);
	return verdict_put_tag(frame, RTE_ETHER_TYPE_VLAN, policy->insert) ? PASS :
									     COUNT_tx_drop_vlan;
}

/* The guest has tagged a frame with the VLAN that its untagged ones get: they have one priority. */
static void keep_priority(const struct policy *policy, struct rte_mbuf *frame)
{
	struct rte_vlan_hdr *tag =
		rte_pktmbuf_mtod_offset(frame, struct rte_vlan_hdr *, RTE_ETHER_HDR_LEN);

	if (policy->insert && !((rte_be_to_cpu_16(tag->vlan_tci) ^ policy->insert) & VLAN_ID_MASK))
		tag->vlan_tci = rte_cpu_to_be_16(policy->insert);
}

enum path_counter verdict_tx_vlan(const struct policy *policy, struct rte_mbuf *frame)
{
	const struct bytes b = first_segment(frame);
	bool untagged;

	if (policy->insert && !vlan_at(&b, VLAN_OUTERMOST))
		return insert_tag(policy, frame, &b);
	if (!tags_allowed(policy, &b, VLAN_OUTERMOST, &untagged))
		return COUNT_tx_drop_vlan;
	if (untagged && !policy->untagged)
		return COUNT_tx_drop_untagged;
	if (get16(&b, VLAN_OUTERMOST) == RTE_ETHER_TYPE_VLAN)
		keep_priority(policy, frame);
	return PASS;
}

/* Is @mac another vif's, from which this one is kept apart? */
static bool kept_apart(const struct policy *policy, uint32_t rules, const uint8_t *mac)
{
	const struct rte_ether_addr *addr = (const void *)mac;

	return !rte_is_multicast_ether_addr(addr) && !policy_mac_allowed(policy, mac) &&
	       isolation_separates(addr, !(rules & POLICY_ISOLATED));
}

enum path_counter verdict_tx_rules(const struct policy *policy, struct rte_mbuf *frame)
{
	struct bytes b = first_segment(frame);
	enum path_counter cause = PASS;

	if (policy->tx & POLICY_NO_TX)
		return COUNT_tx_drop_off;
	if (policy->anti_spoof && !policy_mac_allowed(policy, b.at + RTE_ETHER_ADDR_LEN))
		return COUNT_tx_drop_spoof;
	if (policy->tx & (POLICY_ISOLATED | POLICY_APART) && kept_apart(policy, policy->tx, b.at))
		return COUNT_tx_drop_isolated;
	if (policy->tx & POLICY_ISOLATED)
		frame->ol_flags |= ISOLATION_MARK;
	if (policy->tx & POLICY_IP)
		cause = verdict_ip(policy, b.at, b.len);
	if (cause == PASS && policy->tx & POLICY_VLAN)
		cause = verdict_tx_vlan(policy, frame);
	if (cause == PASS && policy->tx & POLICY_VLAN_OUTER &&
	    !verdict_put_tag(frame, RTE_ETHER_TYPE_QINQ, policy->vlan_outer))
		cause = COUNT_tx_drop_vlan;
	return cause;
}

/* Is the frame's outer tag the vif's? */
static bool has_outer(const struct policy *policy, const struct bytes *b)
{
	return get16(b, VLAN_OUTERMOST) == RTE_ETHER_TYPE_QINQ &&
	       vlan_at(b, VLAN_OUTERMOST) == (policy->vlan_outer & VLAN_ID_MASK);
}

static enum path_counter judge_rx_vlan(const struct policy *policy, const struct bytes *b)
{
	uint32_t at = VLAN_OUTERMOST + (policy->rx & POLICY_VLAN_OUTER ? VLAN_TAG_BYTES : 0);
	bool untagged;

	if (policy->rx & POLICY_VLAN_OUTER && !has_outer(policy, b))
		return COUNT_rx_drop_vlan;
	if (!(policy->rx & POLICY_VLAN))
		return PASS;
	if (!tags_allowed(policy, b, at, &untagged))
		return COUNT_rx_drop_vlan;
	return untagged && !policy->untagged ? COUNT_rx_drop_untagged : PASS;
}

static enum path_counter judge_destination(const struct policy *policy, const struct bytes *b)
{
	const struct rte_ether_addr *to = (const void *)b->at;

	if (!rte_is_multicast_ether_addr(to))
		return policy->rx & POLICY_NO_UNKNOWN_UNICAST &&
				       !policy_mac_allowed(policy, b->at) ?
			       COUNT_rx_drop_unicast :
			       PASS;
	if (rte_is_broadcast_ether_addr(to))
		return policy->rx & POLICY_NO_BROADCAST ? COUNT_rx_drop_broadcast : PASS;
	return policy->rx & POLICY_NO_MULTICAST ? COUNT_rx_drop_multicast : PASS;
}

enum path_counter verdict_rx_rules(const struct policy *policy, const struct rte_mbuf *frame)
{
	const struct bytes b = first_segment(frame);
	enum path_counter cause;

	if (policy->rx & POLICY_NO_RX)
		return COUNT_rx_drop_off;
	if (policy->rx & (POLICY_ISOLATED | POLICY_APART) &&
	    kept_apart(policy, policy->rx, b.at + RTE_ETHER_ADDR_LEN))
		return COUNT_rx_drop_isolated;
	cause = judge_destination(policy, &b);
	return cause == PASS ? judge_rx_vlan(policy, &b) : cause;
}

uint32_t verdict_rx_tags(const struct policy *policy, const struct rte_mbuf *frame)
{
	const struct bytes b = first_segment(frame);
	uint32_t tags = policy->rx & POLICY_VLAN_OUTER ? VLAN_TAG_BYTES : 0;
	int vlan = vlan_at(&b, VLAN_OUTERMOST + tags);

	if (policy->rx & POLICY_VLAN && vlan > 0 && policy_vlan(policy->strip, (uint16_t)vlan) &&
	    get16(&b, VLAN_OUTERMOST + tags) == RTE_ETHER_TYPE_VLAN)
		tags += VLAN_TAG_BYTES;
	return tags;
}

void verdict_cut_tags(struct rte_mbuf *frame, uint32_t bytes)
{
	char *start = rte_pktmbuf_mtod(frame, char *);

	memmove(start + bytes, start, VLAN_OUTERMOST);
	rte_pktmbuf_adj(frame, (uint16_t)bytes);
	if (frame->l2_len > bytes)
		frame->l2_len -= bytes;
}
