// SPDX-License-Identifier: GPL-2.0
/*
 * The self-test at module load, part two: the rule that becomes of an ntuple
 * filter, field by field, and the errors that become of a back end's refusals.
 */
#include <linux/slab.h>

#include "flow_rule.h"
#include "vifront.h"

#define CHECK(condition)                                                        \
	do {                                                                    \
		if (!(condition)) {                                             \
			pr_err("vifront: self-test: flow line %d: %s\n",        \
			       __LINE__, #condition);                           \
			return -EINVAL;                                         \
		}                                                               \
	} while (0)

#define H(field) { offsetof(struct ethtool_rx_flow_spec, h_u.field), \
		   offsetof(struct ethtool_rx_flow_spec, m_u.field) }
#define EXT(field) { offsetof(struct ethtool_rx_flow_spec, h_ext.field), \
		     offsetof(struct ethtool_rx_flow_spec, m_ext.field) }

/* One field of a filter: where it is in the filter, and where it must be in the rule. */
static const struct {
	u32 flow_type;
	struct {
		size_t spec, mask;
	} field;
	size_t len;
	unsigned int item, type, at; /* index and type of the item, byte of the header */
} fields[] = {
	{ ETHER_FLOW, H(ether_spec.h_dest), 6, 0, VIFFLOW_ITEM_ETH, 0 },
	{ ETHER_FLOW, H(ether_spec.h_source), 6, 0, VIFFLOW_ITEM_ETH, 6 },
	{ ETHER_FLOW, H(ether_spec.h_proto), 2, 0, VIFFLOW_ITEM_ETH, 12 },
	{ ETHER_FLOW | FLOW_EXT, EXT(vlan_tci), 2, 1, VIFFLOW_ITEM_VLAN, 0 },
	{ ETHER_FLOW | FLOW_EXT, EXT(vlan_etype), 2, 0, VIFFLOW_ITEM_ETH, 12 },
	{ UDP_V4_FLOW | FLOW_EXT, EXT(vlan_tci), 2, 1, VIFFLOW_ITEM_VLAN, 0 },
	{ UDP_V4_FLOW | FLOW_MAC_EXT, EXT(h_dest), 6, 0, VIFFLOW_ITEM_ETH, 0 },
	{ TCP_V4_FLOW, H(tcp_ip4_spec.ip4src), 4, 1, VIFFLOW_ITEM_IPV4, 12 },
	{ TCP_V4_FLOW, H(tcp_ip4_spec.ip4dst), 4, 1, VIFFLOW_ITEM_IPV4, 16 },
	{ TCP_V4_FLOW, H(tcp_ip4_spec.tos), 1, 1, VIFFLOW_ITEM_IPV4, 1 },
	{ TCP_V4_FLOW, H(tcp_ip4_spec.psrc), 2, 2, VIFFLOW_ITEM_TCP, 0 },
	{ TCP_V4_FLOW, H(tcp_ip4_spec.pdst), 2, 2, VIFFLOW_ITEM_TCP, 2 },
	{ UDP_V4_FLOW, H(udp_ip4_spec.psrc), 2, 2, VIFFLOW_ITEM_UDP, 0 },
	{ UDP_V4_FLOW, H(udp_ip4_spec.pdst), 2, 2, VIFFLOW_ITEM_UDP, 2 },
	{ UDP_V4_FLOW, H(udp_ip4_spec.tos), 1, 1, VIFFLOW_ITEM_IPV4, 1 },
	{ IPV4_USER_FLOW, H(usr_ip4_spec.ip4src), 4, 1, VIFFLOW_ITEM_IPV4, 12 },
	{ IPV4_USER_FLOW, H(usr_ip4_spec.tos), 1, 1, VIFFLOW_ITEM_IPV4, 1 },
	{ IPV4_USER_FLOW, H(usr_ip4_spec.proto), 1, 1, VIFFLOW_ITEM_IPV4, 9 },
	{ TCP_V6_FLOW, H(tcp_ip6_spec.ip6src), 16, 1, VIFFLOW_ITEM_IPV6, 8 },
	{ TCP_V6_FLOW, H(tcp_ip6_spec.ip6dst), 16, 1, VIFFLOW_ITEM_IPV6, 24 },
	{ TCP_V6_FLOW, H(tcp_ip6_spec.pdst), 2, 2, VIFFLOW_ITEM_TCP, 2 },
	{ UDP_V6_FLOW, H(udp_ip6_spec.psrc), 2, 2, VIFFLOW_ITEM_UDP, 0 },
	{ IPV6_USER_FLOW, H(usr_ip6_spec.l4_proto), 1, 1, VIFFLOW_ITEM_IPV6, 6 },
	{ IPV6_USER_FLOW, H(usr_ip6_spec.ip6dst), 16, 1, VIFFLOW_ITEM_IPV6, 24 },
};

/* The masks of all items of a rule, but of one field, are 0. */
static bool nothing_else(const struct vifflow_rule *r, unsigned int item, unsigned int at,
			 size_t len)
{
	unsigned int i, b;

	for (i = 0; i < VIFFLOW_ITEMS_MAX; i++)
		for (b = 0; b < VIFFLOW_HEADER_MAX; b++)
			if (r->items[i].mask[b] && (i != item || b < at || b >= at + len))
				return false;
	return true;
}

static int test_field(struct vifflow_rule *r, unsigned int n)
{
	struct ethtool_rx_flow_spec fs = { .flow_type = fields[n].flow_type, .location = 9,
					   .ring_cookie = 3 };
	static const u8 value[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	const struct vifflow_item *item = &r->items[fields[n].item];
	size_t len = fields[n].len;
	const char *why = NULL;

	if (fs.flow_type == IPV4_USER_FLOW)
		fs.h_u.usr_ip4_spec.ip_ver = ETH_RX_NFC_IP4;
	memcpy((u8 *)&fs + fields[n].field.spec, value, len);
	memset((u8 *)&fs + fields[n].field.mask, 0xff, len);
	memset(r, 0, sizeof(*r));
	CHECK(!vifront_flow_rule(r, &fs, 77, &why) && !why);
	CHECK(r->id == 77 && r->priority == 9);
	CHECK(r->nr_items > fields[n].item && r->items[0].type == VIFFLOW_ITEM_ETH);
	CHECK(item->type == fields[n].type && !memcmp(item->spec + fields[n].at, value, len));
	CHECK(!memchr_inv(item->mask + fields[n].at, 0xff, len));
	CHECK(nothing_else(r, fields[n].item, fields[n].at, len));
	CHECK(r->nr_actions == 1 && r->actions[0].type == VIFFLOW_ACTION_QUEUE);
	CHECK(r->actions[0].value == 3);
	return 0;
}

/* What lies across bytes, or means another header. */
static int test_special(struct vifflow_rule *r)
{
	struct ethtool_rx_flow_spec fs = { .flow_type = UDP_V6_FLOW,
					   .ring_cookie = RX_CLS_FLOW_DISC };
	const char *why = NULL;

	fs.h_u.udp_ip6_spec.tclass = 0xb8;
	fs.m_u.udp_ip6_spec.tclass = 0xfc;
	CHECK(!vifront_flow_rule(r, &fs, 0, &why) && r->items[1].type == VIFFLOW_ITEM_IPV6);
	CHECK(r->items[1].spec[0] == 0x0b && r->items[1].spec[1] == 0x80);
	CHECK(r->items[1].mask[0] == 0x0f && r->items[1].mask[1] == 0xc0);
	CHECK(r->actions[0].type == VIFFLOW_ACTION_DROP && !r->actions[0].value);
	fs = (struct ethtool_rx_flow_spec){ .flow_type = IPV4_USER_FLOW };
	fs.h_u.usr_ip4_spec.ip_ver = ETH_RX_NFC_IP4;
	fs.h_u.usr_ip4_spec.proto = IPPROTO_ICMP;
	fs.m_u.usr_ip4_spec.proto = 0xff;
	fs.h_u.usr_ip4_spec.l4_4_bytes = htonl(0x08000000);
	fs.m_u.usr_ip4_spec.l4_4_bytes = htonl(0xff000000);
	memset(r, 0, sizeof(*r));
	CHECK(!vifront_flow_rule(r, &fs, 0, &why) && r->nr_items == 3);
	CHECK(r->items[2].type == VIFFLOW_ITEM_ICMP && r->items[2].spec[0] == 8);
	CHECK(r->items[2].mask[0] == 0xff && !r->items[2].mask[1]);
	fs = (struct ethtool_rx_flow_spec){ .flow_type = ETHER_FLOW | FLOW_EXT };
	fs.m_ext.vlan_tci = htons(0xfff);
	fs.m_u.ether_spec.h_proto = htons(0xffff); /* of what is behind the tag */
	memset(r, 0, sizeof(*r));
	CHECK(!vifront_flow_rule(r, &fs, 0, &why) && r->nr_items == 2);
	CHECK(!r->items[0].mask[12] && r->items[1].mask[2] == 0xff && r->items[1].mask[0] == 0xf);
	return 0;
}

/* Filters that no rule can express. */
static int test_refused_filters(struct vifflow_rule *r)
{
	struct ethtool_rx_flow_spec fs = { .flow_type = IPV4_USER_FLOW };
	const char *why = NULL;

	CHECK(vifront_flow_rule(r, &fs, 0, &why) == -EINVAL && why); /* ip_ver is 0 */
	fs.h_u.usr_ip4_spec.ip_ver = ETH_RX_NFC_IP4;
	fs.m_u.usr_ip4_spec.l4_4_bytes = htonl(1); /* of which protocol? */
	memset(r, 0, sizeof(*r));
	CHECK(vifront_flow_rule(r, &fs, 0, &why) == -EINVAL);
	fs = (struct ethtool_rx_flow_spec){ .flow_type = UDP_V4_FLOW | FLOW_RSS };
	memset(r, 0, sizeof(*r));
	CHECK(vifront_flow_rule(r, &fs, 0, &why) == -EOPNOTSUPP);
	fs.flow_type = SCTP_V4_FLOW;
	memset(r, 0, sizeof(*r));
	CHECK(vifront_flow_rule(r, &fs, 0, &why) == -EOPNOTSUPP);
	fs.flow_type = UDP_V4_FLOW | FLOW_EXT;
	fs.m_ext.data[1] = htonl(1);
	memset(r, 0, sizeof(*r));
	CHECK(vifront_flow_rule(r, &fs, 0, &why) == -EOPNOTSUPP);
	return 0;
}

static int test_refusals(void)
{
	static const u32 hostile[] = { 0, 1, 14, 15, 0xffff, 0x10000, 0xffffffff };
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hostile); i++) {
		CHECK(vifront_flow_refused(-EINVAL, hostile[i], &why) < 0 && why);
		CHECK(vifront_flow_refused(-ETIMEDOUT, hostile[i], &why) == -ETIMEDOUT);
	}
	CHECK(vifront_flow_refused(-EINVAL, VIFFLOW_REASON_MANY, &why) == -ENOSPC);
	CHECK(vifront_flow_refused(-EINVAL, VIFFLOW_REASON_POLICY | 2 << 16, &why) == -EPERM);
	CHECK(vifront_flow_refused(-EINVAL, VIFFLOW_REASON_EXISTS, &why) == -EEXIST);
	return 0;
}

/* Logs a check that fails. Return: 0, -EINVAL or -ENOMEM */
int vifront_selftest_flow(void)
{
	struct vifflow_rule *r = kzalloc(sizeof(*r), GFP_KERNEL);
	unsigned int i;
	int rc = 0;

	if (!r)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(fields) && !rc; i++) {
		rc = test_field(r, i);
		if (rc)
			pr_err("vifront: self-test: flow field %u failed\n", i);
	}
	memset(r, 0, sizeof(*r));
	rc = rc ? rc : test_special(r);
	memset(r, 0, sizeof(*r));
	rc = rc ? rc : test_refused_filters(r);
	rc = rc ? rc : test_refusals();
	kfree(r);
	return rc;
}
