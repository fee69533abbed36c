/* SPDX-License-Identifier: BSD-3-Clause */
#include "drops.h"

#include <errno.h>

#include <rte_errno.h>
#include <rte_flow.h>

static int free_number(const struct drops *drops)
{
	for (uint32_t i = 0; i < PORT_DROPS_MAX; i++)
		if (!drops->of[i])
			return (int)i;
	return -ENOSPC;
}

static int nic_error(void)
{
	return rte_errno > 0 ? -rte_errno : -EIO;
}

int drops_begin(struct drops *drops, uint16_t port_id, const struct rte_ether_addr *mac,
		const struct port_drop *drop, const char **why)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_item_eth spec = { .hdr = { .dst_addr = *mac,
							 .src_addr = drop->src } };
	const struct rte_flow_item_eth mask = {
		.hdr = { .dst_addr = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
			 .src_addr = drop->mask }
	};
	const struct rte_flow_item items[] = {
		{ .type = RTE_FLOW_ITEM_TYPE_ETH, .spec = &spec, .mask = &mask },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
	};
	const struct rte_flow_action_count count = { 0 };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_COUNT, .conf = &count },
		{ .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_error error = { 0 };
	int number = free_number(drops), ret;

	if (number < 0)
		return number;
	ret = rte_flow_validate(port_id, &attr, items, actions, &error);
	if (ret == 0)
		drops->of[number] = rte_flow_create(port_id, &attr, items, actions, &error);
	*why = error.message;
	if (ret < 0)
		return ret;
	return drops->of[number] ? number : nic_error();
}

static struct rte_flow *find(const struct drops *drops, int number)
{
	return number >= 0 && number < (int)PORT_DROPS_MAX ? drops->of[number] : NULL;
}

int drops_count(const struct drops *drops, uint16_t port_id, int number, uint64_t *frames)
{
	const struct rte_flow_action_count conf = { 0 };
	const struct rte_flow_action action[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_COUNT, .conf = &conf },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_query_count count = { 0 };
	struct rte_flow *rule = find(drops, number);
	struct rte_flow_error error = { 0 };

	if (!rule)
		return -ENOENT;
	if (rte_flow_query(port_id, rule, action, &count, &error) < 0)
		return nic_error();
	if (!count.hits_set)
		return -ENOTSUP;
	*frames = count.hits;
	return 0;
}

int drops_end(struct drops *drops, uint16_t port_id, int number)
{
	struct rte_flow *rule = find(drops, number);
	struct rte_flow_error error = { 0 };

	if (!rule)
		return 0;
	drops->of[number] = NULL;
	return rte_flow_destroy(port_id, rule, &error) < 0 ? nic_error() : 0;
}
