/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule ip: IPv4, IPv6, ARP, RARP and neighbour discovery, as Ethernet II or in LLC/SNAP, inside
 * up to VLAN_TAGS_MAX tags. A header that is not all there, and a packet that is hidden in any other
 * way which receivers are known to unpack, is not what the rule allows. Worker; keeps nothing.
 *
 * Not protected against: packets inside a tunnel; see doc/policy.md.
 */
#include "verdict_ip.h"

#include <string.h>

#include <netinet/in.h>

#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

#include "base/vlan.h"

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

/* Below this the EtherType is a length, and LLC follows. */
#define ETHER_TYPE_MIN 0x0600u
#define LLC_BYTES 3u
#define SNAP_BYTES 8u
#define LLC_UI 0x03u
/* Service access points, without the bit for groups and responses. */
#define SAP_MASK 0xfeu
#define SAP_SNAP 0xaau
#define SAP_IP 0x06u
#define SAP_ARP 0x98u

/* The bytes of the first segment. */
struct bytes {
	const uint8_t *at;
	uint32_t len;
};

/* Big endian; 0 beyond the end. */
static uint16_t get16(const struct bytes *b, uint32_t offset)
{
	return offset + 2 > b->len ? 0 : (uint16_t)(b->at[offset] << 8 | b->at[offset + 1]);
}

static uint64_t half_of(const uint8_t *bytes, uint32_t half)
{
	uint64_t value;

	memcpy(&value, bytes + half * sizeof(value), sizeof(value));
	return value;
}

/* One by one, so each in a few instructions: there may be POLICY_IPS_MAX, and this is for every frame. */
static bool ip_allowed(const struct policy *policy, const uint8_t addr[16])
{
	uint64_t first = half_of(addr, 0), second = half_of(addr, 1);

	for (uint32_t i = 0; i < policy->nr_ips; i++) {
		const struct policy_ip *ip = &policy->ips[i];

		if (!(((first ^ half_of(ip->addr, 0)) & half_of(ip->mask, 0)) |
		      ((second ^ half_of(ip->addr, 1)) & half_of(ip->mask, 1))))
			return true;
	}
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
	if (!policy_mac_allowed(policy, sender))
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
		    !policy_mac_allowed(policy, b->at + at + 2))
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

/* Bytes of the IPv6 extension header @type at @at, all of whose first eight bytes are there. */
static uint32_t extension_bytes(const struct bytes *b, uint32_t at, uint8_t type)
{
	if (type == IPPROTO_FRAGMENT)
		return 8;
	return type == IPPROTO_AH ? b->at[at + 1] * 4u + 8u : b->at[at + 1] * 8u + 8u;
}

static bool is_extension(uint8_t type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_DSTOPTS ||
	       type == IPPROTO_FRAGMENT || type == IPPROTO_AH;
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
		uint8_t type = next;

		if (!is_extension(type))
			return type;
		if (*l4 + 8 > b->len)
			return -1;
		*fragment |= type == IPPROTO_FRAGMENT;
		if (type == IPPROTO_FRAGMENT && get16(b, *l4 + 2) & 0xfff8)
			return IPPROTO_NONE; /* not the first: no header in it */
		next = b->at[*l4];
		*l4 += extension_bytes(b, *l4, type);
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

static enum path_counter judge_type(const struct policy *policy, const struct bytes *b,
				    uint16_t type, uint32_t at)
{
	switch (type) {
	case RTE_ETHER_TYPE_IPV4:
		return judge_ipv4(policy, b, at);
	case RTE_ETHER_TYPE_IPV6:
		return judge_ipv6(policy, b, at);
	case RTE_ETHER_TYPE_ARP:
	case RTE_ETHER_TYPE_RARP:
		return judge_arp(policy, b, at);
	default:
		/* more tags than are looked behind */
		return vlan_is_tag(type) ? COUNT_tx_drop_ip : PASS;
	}
}

/*
 * SNAP's own EtherType means what Ethernet's does for the codes of RFC 1042 and 802.1H. Under other
 * codes whole frames may be hidden.
 */
static enum path_counter judge_snap(const struct policy *policy, const struct bytes *b,
				    uint32_t llc)
{
	const uint8_t *code = b->at + llc + LLC_BYTES;
	uint16_t type = get16(b, llc + SNAP_BYTES - 2);

	if (llc + SNAP_BYTES > b->len || b->at[llc] != SAP_SNAP || b->at[llc + 1] != SAP_SNAP ||
	    b->at[llc + 2] != LLC_UI)
		return COUNT_tx_drop_ip;
	if (code[0] || code[1] || (code[2] && code[2] != 0xf8))
		return COUNT_tx_drop_ip;
	if (type < ETHER_TYPE_MIN || vlan_is_tag(type))
		return COUNT_tx_drop_ip;
	return judge_type(policy, b, type, llc + SNAP_BYTES);
}

static enum path_counter judge_llc(const struct policy *policy, const struct bytes *b, uint32_t llc)
{
	uint8_t to, from;

	if (llc + LLC_BYTES > b->len)
		return COUNT_tx_drop_ip;
	to = b->at[llc] & SAP_MASK;
	from = b->at[llc + 1] & SAP_MASK;
	if (to == SAP_SNAP || from == SAP_SNAP)
		return judge_snap(policy, b, llc);
	/* IP and ARP have had service access points of their own */
	return to == SAP_IP || to == SAP_ARP || from == SAP_IP || from == SAP_ARP ?
		       COUNT_tx_drop_ip :
		       PASS;
}

enum path_counter verdict_ip(const struct policy *policy, const uint8_t *frame, uint32_t len)
{
	const struct bytes b = { frame, len };
	uint32_t at = vlan_skip(frame, len, VLAN_OUTERMOST);
	uint16_t type = get16(&b, at);

	if (at + 2 > len)
		return COUNT_tx_drop_ip;
	return type < ETHER_TYPE_MIN ? judge_llc(policy, &b, at + 2) :
				       judge_type(policy, &b, type, at + 2);
}
