// SPDX-License-Identifier: BSD-3-Clause
/* Checks of pmdcheck: flow rules of port 1, which has four queues */
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>

#include "flow.h"

#define HIT_QUEUE 3
#define SPEC(item) .spec = &(item)
#define MASKED(item, bits) .spec = &(item), .mask = &(bits)
#define ETH FLOW_ITEM(ETH)
#define IPV4 FLOW_ITEM(IPV4)
#define IPV6 FLOW_ITEM(IPV6)

static const struct rte_flow_item_eth eth_type = { .hdr.ether_type = RTE_BE16(0x88b6) },
				      eth_type_mask = { .hdr.ether_type = 0xffff },
				      tagged = { .has_vlan = 1 }, untagged = { 0 };
static const struct rte_flow_item_vlan vlan5 = { .hdr.vlan_tci = RTE_BE16(5) },
				       vlan6 = { .hdr.vlan_tci = RTE_BE16(6) },
				       more = { .has_more_vlan = 1 };
static const struct rte_flow_item_ipv4 from9 = { .hdr = { .src_addr = RTE_BE32(0x0a010009),
							  .dst_addr = RTE_BE32(0x0a010002),
							  .time_to_live = 99 } },
				       net = { .hdr.src_addr = RTE_BE32(0x0a010700) },
				       net_mask = { .hdr.src_addr = RTE_BE32(0xffffff00) },
				       ttl7 = { .hdr.time_to_live = 7 },
				       ttl_mask = { .hdr.time_to_live = 0xff };
static const struct rte_flow_item_ipv6 hops7 = { .hdr.hop_limits = 7 },
				       hops_mask = { .hdr.hop_limits = 0xff };
static const struct rte_flow_item_udp to5000 = { .hdr.src_port = RTE_BE16(1),
						 .hdr.dst_port = RTE_BE16(5000) };
static const struct rte_flow_item_tcp syn = { .hdr.tcp_flags = 2 },
				      syn_mask = { .hdr.tcp_flags = 2 },
				      from80 = { .hdr.src_port = RTE_BE16(80),
						 .hdr.dst_port = RTE_BE16(4000) };
static const struct rte_flow_item_icmp echo = { .hdr.icmp_type = 8 };
static const struct rte_flow_item_icmp6 echo6 = { .type = 128 };
static const struct rte_flow_item_vxlan vni7 = { .hdr.vx_vni = RTE_BE32(7 << 8) };

/*
 * A rule, and a frame made of it. The other frame differs in @miss's bits, or is made of @other.
 * @hit: the frame is made of this, NULL: of @rule
 */
static const struct flow_case {
	const char *name;
	struct rte_flow_item rule[8];
	struct flow_flip miss;
	struct rte_flow_item hit[4], other[4];
} cases[] = {
	{ .name = "eth",
	  .rule = { FLOW_ITEM(ETH, MASKED(eth_type, eth_type_mask)), FLOW_END },
	  .miss = { 0, 13, 1 } },
	{ .name = "vlan",
	  .rule = { ETH, FLOW_ITEM(VLAN, SPEC(vlan5)), FLOW_END },
	  .miss = { 1, 1, 1 } },
	{ .name = "two_vlans",
	  .rule = { ETH, FLOW_ITEM(VLAN, SPEC(vlan5)), FLOW_ITEM(VLAN, SPEC(vlan6)), FLOW_END },
	  .miss = { 2, 1, 1 } },
	{ .name = "has_vlan",
	  .rule = { FLOW_ITEM(ETH, MASKED(tagged, tagged)), FLOW_END },
	  .hit = { ETH, FLOW_ITEM(VLAN), FLOW_END },
	  .other = { ETH, IPV4, FLOW_END } },
	{ .name = "has_no_vlan",
	  .rule = { FLOW_ITEM(ETH, MASKED(untagged, tagged)), IPV4, FLOW_END },
	  .other = { ETH, FLOW_ITEM(VLAN), IPV4, FLOW_END } },
	{ .name = "has_more_vlan",
	  .rule = { ETH, FLOW_ITEM(VLAN, MASKED(more, more)), FLOW_END },
	  .hit = { ETH, FLOW_ITEM(VLAN), FLOW_ITEM(VLAN), FLOW_END },
	  .other = { ETH, FLOW_ITEM(VLAN), FLOW_END } },
	{ .name = "ipv4_by_the_default_mask",
	  .rule = { ETH, FLOW_ITEM(IPV4, SPEC(from9)), FLOW_END },
	  .miss = { 1, 15, 1 } },
	{ .name = "ipv4_masked",
	  .rule = { ETH, FLOW_ITEM(VOID), FLOW_ITEM(IPV4, MASKED(net, net_mask)), FLOW_END },
	  .miss = { 1, 14, 1 } },
	{ .name = "ipv4_behind_a_vlan",
	  .rule = { ETH, FLOW_ITEM(VLAN), FLOW_ITEM(IPV4, MASKED(ttl7, ttl_mask)), FLOW_END },
	  .miss = { 2, 8, 1 } },
	{ .name = "ipv6",
	  .rule = { ETH, FLOW_ITEM(IPV6, MASKED(hops7, hops_mask)), FLOW_END },
	  .miss = { 1, 7, 1 } },
	{ .name = "udp",
	  .rule = { ETH, IPV4, FLOW_ITEM(UDP, SPEC(to5000)), FLOW_END },
	  .miss = { 2, 3, 1 } },
	{ .name = "udp_in_ipv6",
	  .rule = { ETH, IPV6, FLOW_ITEM(UDP, SPEC(to5000)), FLOW_END },
	  .other = { ETH, IPV4, FLOW_ITEM(UDP, SPEC(to5000)), FLOW_END } },
	{ .name = "tcp",
	  .rule = { ETH, IPV4, FLOW_ITEM(TCP, SPEC(from80)), FLOW_END },
	  .miss = { 2, 1, 1 } },
	{ .name = "tcp_flags",
	  .rule = { ETH, IPV6, FLOW_ITEM(TCP, MASKED(syn, syn_mask)), FLOW_END },
	  .miss = { 2, 13, 2 } },
	{ .name = "icmp",
	  .rule = { ETH, IPV4, FLOW_ITEM(ICMP, SPEC(echo)), FLOW_END },
	  .miss = { 2, 0, 8 } },
	{ .name = "icmp6",
	  .rule = { ETH, IPV6, FLOW_ITEM(ICMP6, SPEC(echo6)), FLOW_END },
	  .miss = { 2, 0, 1 } },
	{ .name = "vxlan",
	  .rule = { ETH, IPV4, FLOW_ITEM(UDP), FLOW_ITEM(VXLAN, SPEC(vni7)), FLOW_END },
	  .miss = { 3, 6, 1 } },
	{ .name = "within_vxlan",
	  .rule = { ETH, IPV4, FLOW_ITEM(UDP), FLOW_ITEM(VXLAN), ETH, IPV6,
		    FLOW_ITEM(TCP, SPEC(from80)), FLOW_END },
	  .miss = { 6, 1, 1 } },
};

static struct rte_flow_error error;

static struct rte_flow *create(uint32_t priority, const struct rte_flow_item *pattern,
			       const struct rte_flow_action *actions)
{
	struct rte_flow_attr attr = { .ingress = 1, .priority = priority };
	struct rte_flow *flow;

	memset(&error, 0, sizeof(error));
	flow = rte_flow_create(1, &attr, pattern, actions, &error);
	if (!flow)
		fprintf(stderr, "pmdcheck: rule refused: %s\n", error.message);
	return flow;
}

static struct rte_flow *create_marking(uint32_t mark, uint16_t queue,
				       const struct rte_flow_item *pattern)
{
	struct rte_flow_action_mark number = { .id = mark };
	struct rte_flow_action_queue to = { .index = queue };
	struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &number },
		{ .type = RTE_FLOW_ACTION_TYPE_VOID },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};

	return create(0, pattern, actions);
}

static bool is_hit(struct flow_seen seen, uint32_t mark)
{
	return seen.came && seen.marked && seen.mark == mark && seen.queue == HIT_QUEUE;
}

static void try_case(const struct flow_case *c, uint32_t mark)
{
	struct rte_flow *flow = create_marking(mark, HIT_QUEUE, c->rule);
	const struct rte_flow_item *hit = c->hit[1].type ? c->hit : c->rule;
	struct flow_seen seen, other;
	char name[64];

	seen = flow_pass(hit, NULL, PMD_LIMIT_MS);
	other = c->other[1].type ? flow_pass(c->other, NULL, PMD_LIMIT_MS) :
				   flow_pass(hit, &c->miss, PMD_LIMIT_MS);
	snprintf(name, sizeof(name), "rule_%s", c->name);
	pmd_say(name, flow && is_hit(seen, mark) && other.came && !other.marked &&
			      !rte_flow_destroy(1, flow, &error));
}

static const struct rte_flow_item udp[] = { ETH, IPV4, FLOW_ITEM(UDP, SPEC(to5000)), FLOW_END },
				  any[] = { ETH, FLOW_END };

static bool udp_is_marked(uint32_t mark)
{
	return is_hit(flow_pass(udp, NULL, PMD_LIMIT_MS), mark);
}

static void destroy_and_flush(void)
{
	struct rte_flow *flow = create_marking(1, HIT_QUEUE, udp);
	bool was = udp_is_marked(1);
	struct flow_seen seen;

	rte_flow_destroy(1, flow, &error);
	seen = flow_pass(udp, NULL, PMD_LIMIT_MS);
	pmd_say("rule_destroy", was && seen.came && !seen.marked);
	pmd_say("rule_destroy_twice", rte_flow_destroy(1, flow, &error) == -ENOENT &&
					      error.type == RTE_FLOW_ERROR_TYPE_HANDLE);
	create_marking(1, HIT_QUEUE, udp);
	create_marking(2, HIT_QUEUE, any);
	was = udp_is_marked(1) && pmd_xstat(1, "flow_rules_in_force") == 2;
	rte_flow_flush(1, &error);
	seen = flow_pass(udp, NULL, PMD_LIMIT_MS);
	pmd_say("rule_flush", was && seen.came && !seen.marked && !pmd_xstat(1, "flow_rules"));
}

static struct rte_flow_query_count count_of(struct rte_flow *flow, bool reset)
{
	static const struct rte_flow_action action[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
							 { .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_query_count count = { .reset = reset };

	if (!flow || rte_flow_query(1, flow, action, &count, &error))
		memset(&count, 0, sizeof(count));
	return count;
}

static void drop_and_count(void)
{
	static const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
							  { .type = RTE_FLOW_ACTION_TYPE_DROP },
							  { .type = RTE_FLOW_ACTION_TYPE_END } };
	struct flow_flip other = { 2, 3, 1 };
	struct rte_flow *flow = create(0, udp, actions);
	struct rte_flow_query_count count;
	uint32_t bytes = flow_pass(udp, &other, PMD_LIMIT_MS).bytes;
	bool came = flow_pass(udp, NULL, PMD_SILENCE_MS).came;

	came = flow_pass(udp, NULL, PMD_SILENCE_MS).came || came;
	pmd_say("rule_drop", flow && !came && bytes);
	count = count_of(flow, true);
	pmd_say("rule_count",
		count.hits_set && count.bytes_set && count.hits == 2 && count.bytes == 2 * bytes);
	pmd_say("rule_count_reset",
		flow && count_of(flow, false).hits_set && !count_of(flow, false).hits);
	rte_flow_flush(1, &error);
	flow = create_marking(1, HIT_QUEUE, udp);
	pmd_say("rule_without_count_has_none",
		!count_of(flow, false).hits_set && error.type == RTE_FLOW_ERROR_TYPE_ACTION);
	rte_flow_flush(1, &error);
}

static void priority(void)
{
	static const struct rte_flow_action_queue one = { .index = 1 }, two = { .index = 2 };
	const struct rte_flow_action first[] = { { RTE_FLOW_ACTION_TYPE_QUEUE, &one },
						 { RTE_FLOW_ACTION_TYPE_END, NULL } },
				     second[] = { { RTE_FLOW_ACTION_TYPE_QUEUE, &two },
						  { RTE_FLOW_ACTION_TYPE_END, NULL } };
	bool ok = create(9, udp, first) && flow_pass(udp, NULL, PMD_LIMIT_MS).queue == 1;

	ok = ok && create(8, udp, second) && flow_pass(udp, NULL, PMD_LIMIT_MS).queue == 2;
	pmd_say("rule_priority", ok);
	rte_flow_flush(1, &error);
}

static void passthru(void)
{
	static const struct rte_flow_action_mark nine = { .id = 9 };
	static const struct rte_flow_action_queue to = { .index = HIT_QUEUE };
	const struct rte_flow_action marks[] = { { RTE_FLOW_ACTION_TYPE_MARK, &nine },
						 { RTE_FLOW_ACTION_TYPE_PASSTHRU, NULL },
						 { RTE_FLOW_ACTION_TYPE_END, NULL } },
				     decides[] = { { RTE_FLOW_ACTION_TYPE_QUEUE, &to },
						   { RTE_FLOW_ACTION_TYPE_END, NULL } };

	pmd_say("rule_passthru",
		create(0, any, marks) && create(1, udp, decides) && udp_is_marked(9));
	rte_flow_flush(1, &error);
}

static uint32_t queues_of_udp(void)
{
	struct flow_seen seen;
	uint32_t queues = 0;

	for (uint8_t i = 1; i < 32; i++) {
		struct flow_flip flip = { 1, 15, i }; /* addresses are hashed */

		seen = flow_pass(udp, &flip, PMD_LIMIT_MS);
		queues |= seen.came ? 1u << seen.queue : 1u << 31;
	}
	return queues;
}

static void rss(void)
{
	static const uint16_t two[] = { 1, 3 };
	const struct rte_flow_action_rss conf = { .types = RTE_ETH_RSS_IPV4,
						  .queue_num = 2,
						  .queue = two };
	const struct rte_flow_action spreads[] = { { RTE_FLOW_ACTION_TYPE_RSS, &conf },
						   { RTE_FLOW_ACTION_TYPE_END, NULL } };

	pmd_say("rule_rss", create(0, udp, spreads) && queues_of_udp() == (1u << 1 | 1u << 3));
	rte_flow_flush(1, &error);
}

static bool other_comes(int limit_ms)
{
	struct flow_flip other = { 2, 3, 1 };

	return flow_pass(udp, &other, limit_ms).came;
}

/* From before the start on, no frame comes but by a rule */
static void isolated_start(const struct pmd_setup *setup)
{
	bool ok = !rte_flow_isolate(1, 1, &error) && pmd_start(setup);

	pmd_say("isolate_before_the_start", ok && !other_comes(PMD_SILENCE_MS) &&
						    create_marking(4, HIT_QUEUE, udp) &&
						    udp_is_marked(4));
	pmd_say("rules_end_with_the_stop", pmd_start(setup) && !pmd_xstat(1, "flow_rules") &&
						   !flow_pass(udp, NULL, PMD_SILENCE_MS).came);
	rte_flow_isolate(1, 0, &error);
}

static void isolation(void)
{
	bool ok = create_marking(4, HIT_QUEUE, udp) && other_comes(PMD_LIMIT_MS);

	pmd_say("isolate", ok && !rte_flow_isolate(1, 1, &error) && !other_comes(PMD_SILENCE_MS) &&
				   udp_is_marked(4));
	rte_flow_isolate(1, 0, &error);
	rte_flow_flush(1, &error);
}

/* Before a port is configured; so it is closed and found again for the other checks */
static bool find_again(void)
{
	struct rte_eth_dev_info info;

	pmd_stop();
	return !rte_eth_dev_info_get(1, &info) && !rte_eth_dev_close(1) &&
	       !rte_dev_remove(info.device) &&
	       !rte_dev_probe("vdev:net_xenfront1,vif=1,copybreak=0") &&
	       rte_eth_dev_count_avail() == 2;
}

static void negotiation(const struct pmd_setup *setup)
{
	static const struct rte_flow_action_mark nine = { .id = 9 };
	const struct rte_flow_action marks[] = { { RTE_FLOW_ACTION_TYPE_MARK, &nine },
						 { RTE_FLOW_ACTION_TYPE_PASSTHRU, NULL },
						 { RTE_FLOW_ACTION_TYPE_END, NULL } };
	uint64_t features = RTE_ETH_RX_METADATA_USER_FLAG | RTE_ETH_RX_METADATA_USER_MARK;
	uint64_t none = 0;
	bool refused;

	refused = !rte_eth_rx_metadata_negotiate(1, &none) && pmd_start(setup) &&
		  !create(0, any, marks) && error.cause == &marks[0];
	pmd_say("marks_refused_if_negotiated_away", refused && find_again());
	pmd_say("no_rule_before_the_start",
		!create(0, any, marks) && error.type == RTE_FLOW_ERROR_TYPE_STATE);
	pmd_say("marks_negotiated", !rte_eth_rx_metadata_negotiate(1, &features) &&
					    features == RTE_ETH_RX_METADATA_USER_MARK);
}

static uint64_t connects;

static bool connected_anew(void)
{
	return pmd_xstat(1, "connects") > connects;
}

static bool marked_again(void)
{
	return is_hit(flow_pass(udp, NULL, 200), 5);
}

static void survival(void)
{
	bool ok = create_marking(5, HIT_QUEUE, udp) && !rte_flow_isolate(1, 1, &error);
	bool restarted, fresh, anew, moved;

	connects = pmd_xstat(1, "connects");
	restarted = ok && pmd_do("kill-vifd") && pmd_until(marked_again) &&
		    !other_comes(PMD_SILENCE_MS) && pmd_xstat(1, "connects") == connects;
	pmd_say("rules_survive_a_killed_vifd", restarted);
	fresh = pmd_do("kill-vifd-and-state") && pmd_until(marked_again) &&
		!other_comes(PMD_SILENCE_MS) && pmd_xstat(1, "connects") == connects;
	pmd_say("rules_survive_a_vifd_that_kept_nothing", fresh);
	anew = pmd_do("close") && pmd_until(connected_anew) && pmd_until(marked_again) &&
	       !other_comes(PMD_SILENCE_MS);
	pmd_say("rules_survive_a_reconnect", anew);
	pmd_say("flows_survive_restart", restarted && fresh && anew);
	connects = pmd_xstat(1, "connects");
	moved = pmd_do("move-software") && pmd_until(marked_again) &&
		!other_comes(PMD_SILENCE_MS) && pmd_do("move-vf") && pmd_until(marked_again) &&
		!other_comes(PMD_SILENCE_MS) && pmd_xstat(1, "connects") == connects;
	pmd_say("flows_survive_move", moved);
	rte_flow_isolate(1, 0, &error);
	rte_flow_flush(1, &error);
}

void pmd_flows(void)
{
	struct pmd_setup setup = { .rx_queues = 4 };

	negotiation(&setup);
	isolated_start(&setup);
	pmd_say("isolate_off", other_comes(PMD_LIMIT_MS));
	for (uint32_t i = 0; i < RTE_DIM(cases); i++)
		try_case(&cases[i], i + 100);
	destroy_and_flush();
	drop_and_count();
	priority();
	passthru();
	rss();
	isolation();
	flow_refusals();
	survival();
}
