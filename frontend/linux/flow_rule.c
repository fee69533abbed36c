// SPDX-License-Identifier: GPL-2.0
/*
 * One ntuple filter becomes one rule: its items are the headers from Ethernet to
 * the innermost one that the filter looks at, with the filter's fields at the
 * places that they have on the wire. In both, a one in a mask is a bit that is
 * compared. A filter of ethtool that this cannot express is refused as a whole.
 */
#include "flow_rule.h"

#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ICMP6 58

/* Appends an item. The rule is zeroed and has room for every header of a filter. */
static struct vifflow_item *rule_item(struct vifflow_rule *r, u16 type)
{
	struct vifflow_item *item = &r->items[r->nr_items++];

	item->type = type;
	return item;
}

static void item_field(struct vifflow_item *item, unsigned int at, const void *spec,
		       const void *mask, size_t len)
{
	memcpy(item->spec + at, spec, len);
	memcpy(item->mask + at, mask, len);
}

static void item_byte(struct vifflow_item *item, unsigned int at, u8 spec, u8 mask)
{
	item->spec[at] = spec;
	item->mask[at] = mask;
}

/* Ethernet, and a VLAN tag if the filter names one. */
static int rule_link(struct vifflow_rule *r, const struct ethtool_rx_flow_spec *fs, bool ether,
		     const char **why)
{
	const struct ethtool_flow_ext *h = &fs->h_ext, *m = &fs->m_ext;
	struct vifflow_item *eth = rule_item(r, VIFFLOW_ITEM_ETH), *tag = NULL;

	if (fs->flow_type & FLOW_EXT && (m->data[0] || m->data[1])) {
		*why = "user-def is not supported";
		return -EOPNOTSUPP;
	}
	if (fs->flow_type & FLOW_MAC_EXT)
		item_field(eth, 0, h->h_dest, m->h_dest, ETH_ALEN);
	if (fs->flow_type & FLOW_EXT && (m->vlan_tci || m->vlan_etype)) {
		item_field(eth, 12, &h->vlan_etype, &m->vlan_etype, 2);
		tag = rule_item(r, VIFFLOW_ITEM_VLAN);
		item_field(tag, 0, &h->vlan_tci, &m->vlan_tci, 2);
	}
	if (!ether)
		return 0;
	if (fs->flow_type & FLOW_MAC_EXT) {
		*why = "flow type ether has its own dst";
		return -EINVAL;
	}
	item_field(eth, 0, fs->h_u.ether_spec.h_dest, fs->m_u.ether_spec.h_dest, ETH_ALEN);
	item_field(eth, ETH_ALEN, fs->h_u.ether_spec.h_source, fs->m_u.ether_spec.h_source,
		   ETH_ALEN);
	item_field(tag ? tag : eth, tag ? 2 : 12, &fs->h_u.ether_spec.h_proto,
		   &fs->m_u.ether_spec.h_proto, 2);
	return 0;
}

/* The first four bytes behind the IP header: the ports of TCP and UDP. */
static int rule_ports(struct vifflow_rule *r, u16 type, __be32 spec, __be32 mask, const char **why)
{
	if (!type) {
		*why = "l4data needs l4proto 6 (TCP), 17 (UDP), or 1 or 58 (ICMP)";
		return -EINVAL;
	}
	item_field(rule_item(r, type), 0, &spec, &mask, sizeof(spec));
	return 0;
}

/* The item of an IP protocol; 0 if it has none or is not compared as a whole */
static u16 rule_transport(u8 proto, u8 mask, u8 icmp)
{
	if (mask != 0xff)
		return 0;
	return proto == PROTO_TCP ? VIFFLOW_ITEM_TCP : proto == PROTO_UDP ? VIFFLOW_ITEM_UDP :
	       proto == icmp ? VIFFLOW_ITEM_ICMP : 0;
}

/* tcp_ip4_spec and udp_ip4_spec begin as usr_ip4_spec does, with the ports as l4_4_bytes. */
static int rule_ip4(struct vifflow_rule *r, const struct ethtool_rx_flow_spec *fs, u16 transport,
		    const char **why)
{
	const struct ethtool_usrip4_spec *h = &fs->h_u.usr_ip4_spec, *m = &fs->m_u.usr_ip4_spec;
	struct vifflow_item *ip = rule_item(r, VIFFLOW_ITEM_IPV4);

	item_byte(ip, 1, h->tos, m->tos);
	item_field(ip, 12, &h->ip4src, &m->ip4src, 4);
	item_field(ip, 16, &h->ip4dst, &m->ip4dst, 4);
	if (transport)
		return rule_ports(r, transport, h->l4_4_bytes, m->l4_4_bytes, why);
	if (h->ip_ver != ETH_RX_NFC_IP4 || m->ip_ver) {
		*why = "no such IP version";
		return -EINVAL;
	}
	item_byte(ip, 9, h->proto, m->proto);
	if (!m->l4_4_bytes)
		return 0;
	return rule_ports(r, rule_transport(h->proto, m->proto, PROTO_ICMP), h->l4_4_bytes,
			  m->l4_4_bytes, why);
}

/* As rule_ip4(). The traffic class lies across the first two bytes. */
static int rule_ip6(struct vifflow_rule *r, const struct ethtool_rx_flow_spec *fs, u16 transport,
		    const char **why)
{
	const struct ethtool_usrip6_spec *h = &fs->h_u.usr_ip6_spec, *m = &fs->m_u.usr_ip6_spec;
	struct vifflow_item *ip = rule_item(r, VIFFLOW_ITEM_IPV6);

	item_byte(ip, 0, h->tclass >> 4, m->tclass >> 4);
	item_byte(ip, 1, h->tclass << 4, m->tclass << 4);
	item_field(ip, 8, h->ip6src, m->ip6src, 16);
	item_field(ip, 24, h->ip6dst, m->ip6dst, 16);
	if (transport)
		return rule_ports(r, transport, h->l4_4_bytes, m->l4_4_bytes, why);
	item_byte(ip, 6, h->l4_proto, m->l4_proto);
	if (!m->l4_4_bytes)
		return 0;
	return rule_ports(r, rule_transport(h->l4_proto, m->l4_proto, PROTO_ICMP6), h->l4_4_bytes,
			  m->l4_4_bytes, why);
}

static int rule_items(struct vifflow_rule *r, const struct ethtool_rx_flow_spec *fs,
		      const char **why)
{
	u32 type = fs->flow_type & ~(FLOW_EXT | FLOW_MAC_EXT);
	int rc = rule_link(r, fs, type == ETHER_FLOW, why);

	if (rc)
		return rc;
	switch (type) {
	case ETHER_FLOW:
		return 0;
	case IPV4_USER_FLOW:
		return rule_ip4(r, fs, 0, why);
	case TCP_V4_FLOW:
		return rule_ip4(r, fs, VIFFLOW_ITEM_TCP, why);
	case UDP_V4_FLOW:
		return rule_ip4(r, fs, VIFFLOW_ITEM_UDP, why);
	case IPV6_USER_FLOW:
		return rule_ip6(r, fs, 0, why);
	case TCP_V6_FLOW:
		return rule_ip6(r, fs, VIFFLOW_ITEM_TCP, why);
	case UDP_V6_FLOW:
		return rule_ip6(r, fs, VIFFLOW_ITEM_UDP, why);
	}
	*why = "flow types are ether, ip4, tcp4, udp4, ip6, tcp6, udp6; no contexts";
	return -EOPNOTSUPP;
}

/**
 * vifront_flow_rule() - Make the back end's rule of a filter
 * @r:   Zeroed; filled in
 * @fs:  The filter. Its location is the rule's priority, so that the lowest decides
 * @id:  Of the rule
 * @why: Set to what is wrong, a constant, if it fails
 *
 * Any context, uses nothing but its arguments. Whether the queue exists is the
 * caller's business.
 *
 * Return: 0; -EOPNOTSUPP or -EINVAL: the filter is none that a rule can express
 */
int vifront_flow_rule(struct vifflow_rule *r, const struct ethtool_rx_flow_spec *fs, u32 id,
		      const char **why)
{
	r->id = id;
	r->priority = fs->location;
	r->nr_actions = 1;
	if (fs->ring_cookie == RX_CLS_FLOW_DISC) {
		r->actions[0].type = VIFFLOW_ACTION_DROP;
	} else {
		r->actions[0].type = VIFFLOW_ACTION_QUEUE;
		r->actions[0].value = fs->ring_cookie;
	}
	return rule_items(r, fs, why);
}

static const struct {
	int rc;
	const char *why;
} refusals[] = {
	[VIFFLOW_REASON_NONE] = { -EINVAL, "refused without a reason" },
	[VIFFLOW_REASON_PAGE] = { -EIO, "the back end cannot read the rule" },
	[VIFFLOW_REASON_LAYOUT] = { -EINVAL, "layout of the rule refused" },
	[VIFFLOW_REASON_ITEM_TYPE] = { -EOPNOTSUPP, "the back end does not know the header" },
	[VIFFLOW_REASON_ITEM_ORDER] = { -EINVAL, "order of the headers refused" },
	[VIFFLOW_REASON_ITEM_SPEC] = { -EINVAL, "mask refused" },
	[VIFFLOW_REASON_ACTION_TYPE] = { -EOPNOTSUPP, "the back end does not know the action" },
	[VIFFLOW_REASON_ACTION_VALUE] = { -EINVAL, "the back end has no such queue" },
	[VIFFLOW_REASON_FATE] = { -EINVAL, "action refused" },
	[VIFFLOW_REASON_POLICY] = { -EPERM, "the host's policy lets in no such frame" },
	[VIFFLOW_REASON_MANY] = { -ENOSPC, "too many rules: delete one first" },
	[VIFFLOW_REASON_COST] = { -ENOSPC, "the rules compare too much: delete one first" },
	[VIFFLOW_REASON_EXISTS] = { -EEXIST, "the back end has a rule of this id" },
	[VIFFLOW_REASON_ABSENT] = { -ENOENT, "the back end does not have the rule" },
	[VIFFLOW_REASON_MEMORY] = { -ENOMEM, "the back end is out of memory" },
};

/**
 * vifront_flow_refused() - Make an error of a message that failed
 * @rc:   Of vifront_ctrl_call(), not 0
 * @data: Of the response, untrusted; 0 if there was none
 * @why:  Set to what is wrong, a constant
 *
 * Any context, uses nothing but its arguments.
 *
 * Return: -errno
 */
int vifront_flow_refused(int rc, u32 data, const char **why)
{
	u32 reason = VIFFLOW_REASON(data);

	if (rc != -EINVAL) {
		*why = rc == -EOPNOTSUPP ? "no control ring, or no rules: see ethtool --reset" :
					   "the back end does not answer as it should";
		return rc;
	}
	if (reason >= ARRAY_SIZE(refusals) || !refusals[reason].why)
		reason = VIFFLOW_REASON_NONE;
	*why = refusals[reason].why;
	return refusals[reason].rc;
}
