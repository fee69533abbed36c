/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules beyond anti-spoof. Worker; nothing here keeps anything.
 *
 * Not protected against: frames inside a tunnel, and fragments other than the first.
 */
#include "verdict.h"

#include <string.h>

#include <netinet/in.h>

#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

#include "base/mac.h"
#include "base/vlan.h"
#include "isolation.h"

#define PASS ((enum path_counter)VERDICT_PASS)
#define IPV6_EXTENSIONS_MAX 8u

#define DHCP_CLIENT 68u
#define DHCP_SERVER 67u

#define ND_ROUTER_ADVERTISEMENT 134u
#define ND_NEIGHBOR_SOLICIT 135u
#define ND_NEIGHBOR_ADVERTISEMENT 136u
#define ND_REDIRECT 137u
#define ND_ROUTER_SOLICIT 133u
#define ND_OPTION_SOURCE 1u
#define ND_OPTION_TARGET 2u

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
	return offset + 2 > b->len ? 0 : (uint16_t)(b->at[offset] << 8 | b->at[offset + 1]);
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

static bool vlan_member(const uint64_t map[VLAN_WORDS], int vlan)
{
	return vlan > 0 && policy_vlan(map, (uint16_t)vlan);
}

static bool mac_allowed(const struct policy *policy, const uint8_t *mac)
{
	return mac_is_in(&policy->mac, 1, mac) || mac_is_in(policy->macs, policy->nr_macs, mac);
}

static bool has_prefix(const uint8_t addr[16], const struct policy_ip *ip)
{
	uint32_t whole = ip->bits / 8, rest = ip->bits % 8;

	if (memcmp(addr, ip->addr, whole) != 0)
		return false;
	return !rest || (addr[whole] ^ ip->addr[whole]) >> (8 - rest) == 0;
}

static bool ip_allowed(const struct policy *policy, const uint8_t addr[16])
{
	for (uint32_t i = 0; i < policy->nr_ips; i++)
		if (has_prefix(addr, &policy->ips[i]))
			return true;
	return false;
}

static bool ipv4_allowed(const struct policy *policy, const uint8_t *addr)
{
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };

	memcpy(mapped + 12, addr, 4);
	return ip_allowed(policy, mapped);
}

/* The link-local address that follows from the vif's own MAC (RFC 4291, EUI-64). */
static bool is_own_link_local(const struct policy *policy, const uint8_t addr[16])
{
	const uint8_t *mac = policy->mac.addr_bytes;
	const uint8_t own[16] = { 0xfe,	      0x80,   0,      0,    0,	  0,	  0,	  0,
				  mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] };

	return !memcmp(addr, own, sizeof(own));
}

static bool ipv6_allowed(const struct policy *policy, const uint8_t addr[16])
{
	return is_own_link_local(policy, addr) || ip_allowed(policy, addr);
}

static bool is_zero(const uint8_t *bytes, uint32_t len)
{
	while (len)
		if (bytes[--len])
			return false;
	return true;
}

/* DHCP: a guest that asks for its address has none yet. */
static bool is_dhcp_request(const struct bytes *b, uint32_t l3)
{
	uint32_t l4 = l3 + (b->at[l3] & 0x0f) * 4u;

	return b->at[l3 + 9] == IPPROTO_UDP && !(get16(b, l3 + 6) & 0x1fff) &&
	       get16(b, l4) == DHCP_CLIENT && get16(b, l4 + 2) == DHCP_SERVER;
}

static enum path_counter judge_ipv4(const struct policy *policy, const struct bytes *b, uint32_t l3)
{
	const uint8_t *source = b->at + l3 + 12;

	if (l3 + sizeof(struct rte_ipv4_hdr) > b->len || b->at[l3] >> 4 != 4)
		return COUNT_tx_drop_ip;
	if (is_zero(source, 4))
		return is_dhcp_request(b, l3) ? PASS : COUNT_tx_drop_ip;
	return ipv4_allowed(policy, source) ? PASS : COUNT_tx_drop_ip;
}

/* The sender may only use its own addresses, and claim only what is its own. */
static enum path_counter judge_arp(const struct policy *policy, const struct bytes *b, uint32_t l3)
{
	const uint8_t *sender = b->at + l3 + 8;

	if (l3 + sizeof(struct rte_arp_hdr) > b->len || get16(b, l3) != RTE_ARP_HRD_ETHER ||
	    get16(b, l3 + 2) != RTE_ETHER_TYPE_IPV4 || get16(b, l3 + 4) != 0x0604)
		return COUNT_tx_drop_arp;
	if (!mac_allowed(policy, sender))
		return COUNT_tx_drop_arp;
	/* a probe (RFC 5227) has no address of its own yet, and asks for the one it wants */
	if (is_zero(sender + 6, 4) && get16(b, l3 + 6) == RTE_ARP_OP_REQUEST)
		return ipv4_allowed(policy, sender + 16) ? PASS : COUNT_tx_drop_arp;
	return ipv4_allowed(policy, sender + 6) ? PASS : COUNT_tx_drop_arp;
}

/* Do all link-layer addresses in the options from @at on belong to the guest? */
static bool nd_options_own(const struct policy *policy, const struct bytes *b, uint32_t at,
			   uint32_t end)
{
	while (at + 8 <= end) {
		uint32_t len = b->at[at + 1] * 8u;

		if (!len || at + len > end)
			return false;
		if ((b->at[at] == ND_OPTION_SOURCE || b->at[at] == ND_OPTION_TARGET) &&
		    !mac_allowed(policy, b->at + at + 2))
			return false;
		at += len;
	}
	return at == end;
}

/* Neighbour discovery; router advertisements and redirects are not a guest's to send. */
static enum path_counter judge_icmpv6(const struct policy *policy, const struct bytes *b,
				      uint32_t at, uint32_t end, bool fragment, bool nobody)
{
	uint32_t options;
	uint8_t type;

	if (at >= end || at >= b->len)
		return COUNT_tx_drop_arp;
	type = b->at[at];
	options = at + (type == ND_ROUTER_SOLICIT ? 8u : 24u);
	if (type < ND_ROUTER_SOLICIT || type > ND_REDIRECT)
		return PASS;
	if (fragment || type == ND_ROUTER_ADVERTISEMENT || type == ND_REDIRECT || options > end ||
	    end > b->len)
		return COUNT_tx_drop_arp;
	/* duplicate detection: without an address yet, it asks for the one it wants */
	if ((type == ND_NEIGHBOR_ADVERTISEMENT || (type == ND_NEIGHBOR_SOLICIT && nobody)) &&
	    !ipv6_allowed(policy, b->at + at + 8))
		return COUNT_tx_drop_arp;
	return nd_options_own(policy, b, options, end) ? PASS : COUNT_tx_drop_arp;
}

/*
 * Find what follows the IPv6 header and its extensions.
 * @l4: where it begins. Return: its protocol, -1 not to be found
 */
static int ipv6_upper(const struct bytes *b, uint32_t l3, uint32_t *l4, bool *fragment)
{
	uint8_t next = b->at[l3 + 6];

	*l4 = l3 + sizeof(struct rte_ipv6_hdr);
	*fragment = false;
	for (uint32_t i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			return next;
		if (*l4 + 8 > b->len)
			return -1;
		if (next == IPPROTO_FRAGMENT) {
			*fragment = true;
			if (get16(b, *l4 + 2) & 0xfff8)
				return IPPROTO_NONE; /* not the first: no header in it */
			next = b->at[*l4];
			*l4 += 8;
		} else {
			next = b->at[*l4];
			*l4 += b->at[*l4 + 1] * 8u + 8u;
		}
	}
	return -1;
}

static enum path_counter judge_ipv6(const struct policy *policy, const struct bytes *b, uint32_t l3)
{
	const uint8_t *source = b->at + l3 + 8;
	uint32_t l4, end;
	bool fragment, nobody;
	int protocol;

	if (l3 + sizeof(struct rte_ipv6_hdr) > b->len || b->at[l3] >> 4 != 6)
		return COUNT_tx_drop_ip;
	nobody = is_zero(source, 16);
	protocol = ipv6_upper(b, l3, &l4, &fragment);
	/* without an address: duplicate detection, router solicitation, MLD */
	if (protocol < 0 || (nobody ? protocol != IPPROTO_ICMPV6 : !ipv6_allowed(policy, source)))
		return COUNT_tx_drop_ip;
	end = l3 + (uint32_t)sizeof(struct rte_ipv6_hdr) + get16(b, l3 + 4);
	return protocol == IPPROTO_ICMPV6 ? judge_icmpv6(policy, b, l4, end, fragment, nobody) :
					    PASS;
}

static enum path_counter judge_ip(const struct policy *policy, const struct bytes *b)
{
	uint32_t at = vlan_skip(b->at, b->len, VLAN_OUTERMOST);

	switch (get16(b, at)) {
	case RTE_ETHER_TYPE_IPV4:
		return judge_ipv4(policy, b, at + 2);
	case RTE_ETHER_TYPE_IPV6:
		return judge_ipv6(policy, b, at + 2);
	case RTE_ETHER_TYPE_ARP:
	case RTE_ETHER_TYPE_RARP:
		return judge_arp(policy, b, at + 2);
	default:
		return PASS;
	}
}

/* Put a tag after the addresses. Return: false: no room */
static bool put_tag(struct rte_mbuf *frame, uint16_t type, uint16_t tag)
{
	const uint8_t bytes[VLAN_TAG_BYTES] = { (uint8_t)(type >> 8), (uint8_t)type,
						(uint8_t)(tag >> 8), (uint8_t)tag };
	char *start = rte_pktmbuf_prepend(frame, VLAN_TAG_BYTES);

	if (!start)
		return false;
	memmove(start, start + VLAN_TAG_BYTES, VLAN_OUTERMOST);
	memcpy(start + VLAN_OUTERMOST, bytes, VLAN_TAG_BYTES);
	return true;
}

/* Which VLAN does the guest send to, and may it? Untagged frames get theirs. */
static enum path_counter judge_tx_vlan(const struct policy *policy, struct rte_mbuf *frame)
{
	const struct bytes b = first_segment(frame);
	int vlan = vlan_at(&b, VLAN_OUTERMOST);

	if (vlan)
		return vlan_member(policy->vlans, vlan) ? PASS : COUNT_tx_drop_vlan;
	if (!policy->insert)
		return policy->untagged ? PASS : COUNT_tx_drop_untagged;
	if (priority_only(&b, VLAN_OUTERMOST))
		verdict_cut_tags(frame, VLAN_TAG_BYTES);
	return put_tag(frame, RTE_ETHER_TYPE_VLAN, policy->insert) ? PASS : COUNT_tx_drop_vlan;
}

/* Is @mac another vif's, from which this one is kept apart? */
static bool kept_apart(const struct policy *policy, uint32_t rules, const uint8_t *mac)
{
	const struct rte_ether_addr *addr = (const void *)mac;

	return !rte_is_multicast_ether_addr(addr) && !mac_allowed(policy, mac) &&
	       isolation_separates(addr, !(rules & POLICY_ISOLATED));
}

enum path_counter verdict_tx_rules(const struct policy *policy, struct rte_mbuf *frame)
{
	struct bytes b = first_segment(frame);
	enum path_counter cause = PASS;

	if (policy->tx & POLICY_NO_TX)
		return COUNT_tx_drop_off;
	if (policy->anti_spoof && !mac_allowed(policy, b.at + RTE_ETHER_ADDR_LEN))
		return COUNT_tx_drop_spoof;
	if (policy->tx & (POLICY_ISOLATED | POLICY_APART) && kept_apart(policy, policy->tx, b.at))
		return COUNT_tx_drop_isolated;
	if (policy->tx & POLICY_IP)
		cause = judge_ip(policy, &b);
	if (cause == PASS && policy->tx & POLICY_VLAN)
		cause = judge_tx_vlan(policy, frame);
	if (cause == PASS && policy->tx & POLICY_VLAN_OUTER &&
	    !put_tag(frame, RTE_ETHER_TYPE_QINQ, policy->vlan_outer))
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
	int vlan;

	if (policy->rx & POLICY_VLAN_OUTER && !has_outer(policy, b))
		return COUNT_rx_drop_vlan;
	if (!(policy->rx & POLICY_VLAN))
		return PASS;
	vlan = vlan_at(b, at);
	if (vlan)
		return vlan_member(policy->vlans, vlan) ? PASS : COUNT_rx_drop_vlan;
	return policy->untagged ? PASS : COUNT_rx_drop_untagged;
}

static enum path_counter judge_destination(const struct policy *policy, const struct bytes *b)
{
	const struct rte_ether_addr *to = (const void *)b->at;

	if (!rte_is_multicast_ether_addr(to))
		return policy->rx & POLICY_NO_UNKNOWN_UNICAST && !mac_allowed(policy, b->at) ?
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

	if (policy->rx & POLICY_VLAN && vlan && vlan_member(policy->strip, vlan))
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
