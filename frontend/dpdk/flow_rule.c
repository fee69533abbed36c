/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_rule.h"

#define VXLAN_PORT 4789u

#define REFUSE(code, type, cause, text)                                                            \
	rte_flow_error_set(error, code, RTE_FLOW_ERROR_TYPE_##type, cause, text)

/* Most bytes of an item of rte_flow: of IPv6 */
#define SPEC_MAX 48u

/*
 * Items that are headers.
 *
 * @bytes:  of the header that the item describes, from its first on
 * @size:   of the item's struct; what lies behind @bytes is no part of the header
 * @fields: bytes of each field of the header, for ranges
 * @mask:   rte_flow's default
 */
static const struct header {
	enum rte_flow_item_type type;
	uint8_t wire, bytes, size;
	const char *fields;
	const void *mask;
} headers[] = {
	{ RTE_FLOW_ITEM_TYPE_ETH, VIFFLOW_ITEM_ETH, 14, sizeof(struct rte_flow_item_eth), "\6\6\2",
	  &rte_flow_item_eth_mask },
	{ RTE_FLOW_ITEM_TYPE_VLAN, VIFFLOW_ITEM_VLAN, 4, sizeof(struct rte_flow_item_vlan), "\2\2",
	  &rte_flow_item_vlan_mask },
	{ RTE_FLOW_ITEM_TYPE_IPV4, VIFFLOW_ITEM_IPV4, 20, sizeof(struct rte_flow_item_ipv4),
	  "\1\1\2\2\2\1\1\2\4\4", &rte_flow_item_ipv4_mask },
	{ RTE_FLOW_ITEM_TYPE_IPV6, VIFFLOW_ITEM_IPV6, 40, sizeof(struct rte_flow_item_ipv6),
	  "\4\2\1\1\20\20", &rte_flow_item_ipv6_mask },
	{ RTE_FLOW_ITEM_TYPE_TCP, VIFFLOW_ITEM_TCP, 20, sizeof(struct rte_flow_item_tcp),
	  "\2\2\4\4\1\1\2\2\2", &rte_flow_item_tcp_mask },
	{ RTE_FLOW_ITEM_TYPE_UDP, VIFFLOW_ITEM_UDP, 8, sizeof(struct rte_flow_item_udp), "\2\2\2\2",
	  &rte_flow_item_udp_mask },
	{ RTE_FLOW_ITEM_TYPE_ICMP, VIFFLOW_ITEM_ICMP, 8, sizeof(struct rte_flow_item_icmp),
	  "\1\1\2\2\2", &rte_flow_item_icmp_mask },
	{ RTE_FLOW_ITEM_TYPE_ICMP6, VIFFLOW_ITEM_ICMP, 4, sizeof(struct rte_flow_item_icmp6),
	  "\1\1\2", &rte_flow_item_icmp6_mask },
	{ RTE_FLOW_ITEM_TYPE_VXLAN, VIFFLOW_ITEM_VXLAN, 8, sizeof(struct rte_flow_item_vxlan),
	  "\1\3\3\1", &rte_flow_item_vxlan_mask },
};

static const struct header *header_of(enum rte_flow_item_type type)
{
	for (size_t i = 0; i < RTE_DIM(headers); i++)
		if (headers[i].type == type)
			return &headers[i];
	return NULL;
}

static int check_attr(const struct rte_flow_attr *attr, struct rte_flow_error *error)
{
	if (attr->group)
		return REFUSE(ENOTSUP, ATTR_GROUP, attr, "there is only group 0");
	if (attr->egress)
		return REFUSE(ENOTSUP, ATTR_EGRESS, attr, "rules are for received frames: ingress");
	if (attr->transfer)
		return REFUSE(ENOTSUP, ATTR_TRANSFER, attr, "a guest's rules do not transfer");
	if (!attr->ingress)
		return REFUSE(EINVAL, ATTR_INGRESS, attr, "rules are for received frames: ingress");
	return 0;
}

/* --- items --- */

/* Return: a field of @last, under the mask, is neither 0 nor as in @spec */
static bool is_range(const struct header *h, const uint8_t *spec, const uint8_t *last,
		     const uint8_t *mask)
{
	for (const char *field = h->fields; *field; field++) {
		bool zero = true, same = true;

		for (int i = 0; i < *field; i++, spec++, last++, mask++) {
			zero = zero && !(*last & *mask);
			same = same && !((*last ^ *spec) & *mask);
		}
		if (!zero && !same)
			return true;
	}
	return false;
}

/* What an item says beyond its header: whether a tag follows */
enum tag { TAG_ANY, TAG_NONE, TAG_THERE, TAG_UNKNOWN };

static enum tag tag_of(const struct header *h, const void *spec, const void *mask)
{
	static const uint8_t zero[SPEC_MAX];
	const struct rte_flow_item_eth *eth = spec, *eth_mask = mask;
	const struct rte_flow_item_vlan *vlan = spec, *vlan_mask = mask;

	if (h->type == RTE_FLOW_ITEM_TYPE_ETH && !eth_mask->reserved)
		return !eth_mask->has_vlan ? TAG_ANY : eth->has_vlan ? TAG_THERE : TAG_NONE;
	if (h->type == RTE_FLOW_ITEM_TYPE_VLAN && !vlan_mask->reserved)
		return !vlan_mask->has_more_vlan ? TAG_ANY :
		       vlan->has_more_vlan	 ? TAG_THERE :
						   TAG_NONE;
	return memcmp((const uint8_t *)mask + h->bytes, zero, h->size - h->bytes) ? TAG_UNKNOWN :
										    TAG_ANY;
}

/* Return: the next item that is not void */
static const struct rte_flow_item *next_of(const struct rte_flow_item *item)
{
	do {
		item++;
	} while (item->type == RTE_FLOW_ITEM_TYPE_VOID);
	return item;
}

static struct vifflow_item *add_item(struct xf_flow_draft *draft, const struct rte_flow_item *item,
				     uint16_t type)
{
	struct vifflow_item *to;

	if (draft->rule.nr_items == VIFFLOW_ITEMS_MAX)
		return NULL;
	draft->item[draft->rule.nr_items] = item;
	to = &draft->rule.items[draft->rule.nr_items++];
	to->type = type;
	return to;
}

/* "A tag follows" is a header more, unless the pattern has it; "none" has to be clear from what follows */
static int put_tag(struct xf_flow_draft *draft, const struct rte_flow_item *item, enum tag tag,
		   struct rte_flow_error *error)
{
	enum rte_flow_item_type next = next_of(item)->type;

	if (tag == TAG_UNKNOWN)
		return REFUSE(ENOTSUP, ITEM_MASK, item,
			      "extension headers and reserved bits cannot be matched");
	if (tag == TAG_NONE && next != RTE_FLOW_ITEM_TYPE_IPV4 && next != RTE_FLOW_ITEM_TYPE_IPV6)
		return REFUSE(ENOTSUP, ITEM_SPEC, item,
			      "that no tag follows can be said before ipv4 and ipv6 only");
	if (tag == TAG_THERE && next != RTE_FLOW_ITEM_TYPE_VLAN &&
	    !add_item(draft, item, VIFFLOW_ITEM_VLAN))
		return REFUSE(ENOTSUP, ITEM_NUM, item, "a pattern has at most 12 headers");
	return 0;
}

static int put_spec(struct xf_flow_draft *draft, const struct header *h,
		    const struct rte_flow_item *item, struct vifflow_item *to,
		    struct rte_flow_error *error)
{
	const void *mask = item->mask ? item->mask : h->mask;

	if (!item->spec && (item->mask || item->last))
		return REFUSE(EINVAL, ITEM_SPEC, item, "mask or last without spec");
	if (!item->spec)
		return 0;
	if (item->last && is_range(h, item->spec, item->last, mask))
		return REFUSE(ENOTSUP, ITEM_LAST, item, "ranges (spec to last) are not supported");
	memcpy(to->spec, item->spec, h->bytes);
	memcpy(to->mask, mask, h->bytes);
	return put_tag(draft, item, tag_of(h, item->spec, mask), error);
}

/* The messages have one type for ICMP and ICMPv6, and VXLAN by its port only */
static int check_below(const struct xf_flow_draft *draft, const struct header *h,
		       const struct rte_flow_item *item, struct rte_flow_error *error)
{
	const struct vifflow_item *below;
	uint16_t port, mask;

	if (!draft->rule.nr_items)
		return 0;
	below = &draft->rule.items[draft->rule.nr_items - 1];
	if ((h->type == RTE_FLOW_ITEM_TYPE_ICMP && below->type == VIFFLOW_ITEM_IPV6) ||
	    (h->type == RTE_FLOW_ITEM_TYPE_ICMP6 && below->type == VIFFLOW_ITEM_IPV4))
		return REFUSE(EINVAL, ITEM, item, "icmp follows ipv4, icmp6 follows ipv6");
	if (h->type != RTE_FLOW_ITEM_TYPE_VXLAN || below->type != VIFFLOW_ITEM_UDP)
		return 0;
	port = (uint16_t)(below->spec[2] << 8 | below->spec[3]);
	mask = (uint16_t)(below->mask[2] << 8 | below->mask[3]);
	if ((port ^ VXLAN_PORT) & mask)
		return REFUSE(ENOTSUP, ITEM_SPEC, draft->item[draft->rule.nr_items - 1],
			      "vxlan is known by UDP port 4789 only");
	return 0;
}

static int put_item(struct xf_flow_draft *draft, const struct rte_flow_item *item,
		    struct rte_flow_error *error)
{
	const struct header *h = header_of(item->type);
	struct vifflow_item *to;
	int err;

	if (item->type == RTE_FLOW_ITEM_TYPE_VOID)
		return 0;
	if (!h)
		return REFUSE(ENOTSUP, ITEM, item,
			      "not supported; known are eth, vlan, ipv4, ipv6, tcp, udp, icmp, "
			      "icmp6, vxlan");
	err = check_below(draft, h, item, error);
	if (err)
		return err;
	to = add_item(draft, item, h->wire);
	if (!to)
		return REFUSE(ENOTSUP, ITEM_NUM, item, "a pattern has at most 12 headers");
	return put_spec(draft, h, item, to, error);
}

/* --- actions --- */

static int put_queue(const struct xf_port *port, const struct rte_flow_action *action,
		     struct vifflow_action *to, struct rte_flow_error *error)
{
	const struct rte_flow_action_queue *conf = action->conf;

	if (!conf || conf->index >= port->dev->data->nb_rx_queues)
		return REFUSE(EINVAL, ACTION_CONF, action, "there is no such rx queue");
	to->value = conf->index;
	return 0;
}

static const char *rss_unfit(const struct xf_port *port, const struct rte_flow_action_rss *conf)
{
	bool is_ports = conf->key_len == XF_RSS_KEY && conf->key && port->rss.asked &&
			!memcmp(conf->key, port->rss.key, XF_RSS_KEY);

	if (conf->func != RTE_ETH_HASH_FUNCTION_DEFAULT &&
	    conf->func != RTE_ETH_HASH_FUNCTION_TOEPLITZ)
		return "the hash function is Toeplitz";
	if (conf->level > 1)
		return "only the outermost headers are hashed";
	if (conf->key_len && !is_ports)
		return "a rule has no key of its own: it is the port's";
	if (!xf_rss_can(conf->types))
		return "of these hash types there are some that the port does not have";
	if (!conf->queue || !conf->queue_num || conf->queue_num > VIFFLOW_QUEUES_MAX)
		return "rss spreads over 1 to 64 queues";
	for (uint32_t i = 0; i < conf->queue_num; i++)
		if (conf->queue[i] >= port->dev->data->nb_rx_queues)
			return "there is no such rx queue";
	return NULL;
}

static int put_rss(const struct xf_port *port, const struct rte_flow_action *action,
		   struct vifflow_action *to, struct rte_flow_error *error)
{
	const struct rte_flow_action_rss *conf = action->conf;
	const char *unfit = conf ? rss_unfit(port, conf) : "rss has no queues";

	if (unfit)
		return REFUSE(ENOTSUP, ACTION_CONF, action, unfit);
	to->value = xf_rss_types(conf->types);
	to->nr_queues = (uint16_t)conf->queue_num;
	for (uint32_t i = 0; i < conf->queue_num; i++)
		to->queues[i] = (uint8_t)conf->queue[i];
	return 0;
}

static int put_mark(const struct xf_port *port, const struct rte_flow_action *action,
		    struct vifflow_action *to, struct rte_flow_error *error)
{
	const struct rte_flow_action_mark *conf = action->conf;

	if (port->flows.no_marks)
		return REFUSE(ENOTSUP, ACTION, action,
			      "the application negotiated metadata without marks");
	if (!conf || conf->id > VIFFLOW_MARK_MAX)
		return REFUSE(EINVAL, ACTION_CONF, action, "a mark has 24 bits");
	to->value = conf->id;
	return 0;
}

static const struct {
	enum rte_flow_action_type type;
	uint16_t wire;
	int (*put)(const struct xf_port *port, const struct rte_flow_action *action,
		   struct vifflow_action *to, struct rte_flow_error *error);
} kinds[] = {
	{ RTE_FLOW_ACTION_TYPE_QUEUE, VIFFLOW_ACTION_QUEUE, put_queue },
	{ RTE_FLOW_ACTION_TYPE_RSS, VIFFLOW_ACTION_RSS, put_rss },
	{ RTE_FLOW_ACTION_TYPE_DROP, VIFFLOW_ACTION_DROP, NULL },
	{ RTE_FLOW_ACTION_TYPE_MARK, VIFFLOW_ACTION_MARK, put_mark },
	{ RTE_FLOW_ACTION_TYPE_COUNT, VIFFLOW_ACTION_COUNT, NULL },
	{ RTE_FLOW_ACTION_TYPE_PASSTHRU, VIFFLOW_ACTION_PASSTHRU, NULL },
};

static int put_action(const struct xf_port *port, struct xf_flow_draft *draft,
		      const struct rte_flow_action *action, struct rte_flow_error *error)
{
	struct vifflow_action *to = &draft->rule.actions[draft->rule.nr_actions];
	size_t kind = 0;

	if (action->type == RTE_FLOW_ACTION_TYPE_VOID)
		return 0;
	while (kind < RTE_DIM(kinds) && kinds[kind].type != action->type)
		kind++;
	if (kind == RTE_DIM(kinds))
		return REFUSE(ENOTSUP, ACTION, action,
			      "not supported; known are queue, rss, drop, mark, count, passthru");
	if (draft->rule.nr_actions == VIFFLOW_ACTIONS_MAX)
		return REFUSE(ENOTSUP, ACTION_NUM, action, "a rule has at most 4 actions");
	to->type = kinds[kind].wire;
	draft->action[draft->rule.nr_actions++] = action;
	draft->counts |= to->type == VIFFLOW_ACTION_COUNT;
	return kinds[kind].put ? kinds[kind].put(port, action, to, error) : 0;
}

int xf_flow_translate(const struct xf_port *port, const struct rte_flow_attr *attr,
		      const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
		      struct xf_flow_draft *draft, struct rte_flow_error *error)
{
	int err = check_attr(attr, error);

	memset(draft, 0, sizeof(*draft));
	draft->rule.priority = attr->priority;
	for (; !err && pattern->type != RTE_FLOW_ITEM_TYPE_END; pattern++)
		err = put_item(draft, pattern, error);
	if (!err && !draft->rule.nr_items)
		return REFUSE(EINVAL, ITEM_NUM, pattern, "a pattern begins with eth");
	for (; !err && actions->type != RTE_FLOW_ACTION_TYPE_END; actions++)
		err = put_action(port, draft, actions, error);
	if (!err && !draft->rule.nr_actions)
		return REFUSE(EINVAL, ACTION_NUM, actions,
			      "one of queue, rss, drop and passthru is needed");
	return err;
}

/* --- the back end's reasons --- */

enum culprit { RULE, ITEM, ACTION };

static const struct {
	int code;
	enum culprit culprit;
	const char *text;
} reasons[] = {
	[VIFFLOW_REASON_NONE] = { EINVAL, RULE, "the back end refuses it and does not say why" },
	[VIFFLOW_REASON_PAGE] = { EIO, RULE, "the back end cannot read the rule's page" },
	[VIFFLOW_REASON_LAYOUT] = { EINVAL, RULE, "the back end has another layout of rules" },
	[VIFFLOW_REASON_ITEM_TYPE] = { ENOTSUP, ITEM, "the back end does not know this item" },
	[VIFFLOW_REASON_ITEM_ORDER] = { EINVAL, ITEM,
					"this header cannot follow the one before; the first is eth" },
	[VIFFLOW_REASON_ITEM_SPEC] = { EINVAL, ITEM, "bits behind the header's end" },
	[VIFFLOW_REASON_ACTION_TYPE] = { ENOTSUP, ACTION,
					 "the back end does not know this action" },
	[VIFFLOW_REASON_ACTION_VALUE] = { EINVAL, ACTION, "no such queue, hash type or mark" },
	[VIFFLOW_REASON_FATE] = { EINVAL, ACTION,
				  "exactly one of queue, rss, drop and passthru is needed, and no "
				  "action twice" },
	[VIFFLOW_REASON_POLICY] = { EPERM, ITEM,
				    "the host's policy lets no such frame in: it would never "
				    "match" },
	[VIFFLOW_REASON_MANY] = { ENOSPC, RULE, "as many rules as the back end takes" },
	[VIFFLOW_REASON_COST] = { ENOSPC, RULE, "the rules together compare too much" },
	[VIFFLOW_REASON_EXISTS] = { EEXIST, RULE, "the back end has a rule of this number" },
	[VIFFLOW_REASON_ABSENT] = { ENOENT, RULE, "the back end has no such rule" },
	[VIFFLOW_REASON_MEMORY] = { ENOMEM, RULE, "the back end is out of memory" },
};

static uint32_t reason_of(uint32_t data)
{
	uint32_t reason = VIFFLOW_REASON(data);

	return reason < RTE_DIM(reasons) ? reason : VIFFLOW_REASON_NONE;
}

const char *xf_flow_reason(uint32_t data)
{
	return reasons[reason_of(data)].text;
}

int xf_flow_refused(uint32_t data, const struct xf_flow_draft *draft, struct rte_flow_error *error)
{
	uint32_t reason = reason_of(data), at = VIFFLOW_REASON_AT(data);

	if (reasons[reason].culprit == ITEM && at < draft->rule.nr_items)
		return REFUSE(reasons[reason].code, ITEM, draft->item[at], reasons[reason].text);
	if (reasons[reason].culprit == ACTION && at < draft->rule.nr_actions)
		return REFUSE(reasons[reason].code, ACTION, draft->action[at],
			      reasons[reason].text);
	return REFUSE(reasons[reason].code, UNSPECIFIED, NULL, reasons[reason].text);
}
