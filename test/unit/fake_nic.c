/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth/flow.c port/eth/drops.c */
#include "fake_nic.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "fake_guest.h"
#include "port/eth/flow.h"
#include "wrap_flow.h"

#define RULES_MAX 512u
#define HEADER 14u
#define PORT_ID 5u

struct rte_flow {
	uint8_t spec[HEADER], mask[HEADER];
	uint64_t hits;
	bool counts;
};

struct fake_nic fake_nic;

static struct rte_flow *rules[RULES_MAX];
static struct fake_port waiting;
static struct nic_port {
	struct port port;
	struct flow *flow;
} the_port;

static int answer(void)
{
	fake_nic.asked++;
	rte_errno = fake_nic.no_driver ? ENOSYS : fake_nic.refuses ? ENOTSUP : 0;
	return -rte_errno;
}

static void change(void)
{
	if (fake_nic.changed)
		fake_nic.changed();
}

/* Only what a NIC is to be asked for: addresses of received frames, counted and dropped. */
int __wrap_rte_flow_validate(uint16_t port_id, const struct rte_flow_attr *attr,
			     const struct rte_flow_item pattern[],
			     const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	(void)error;
	assert(port_id == PORT_ID && attr->ingress && !attr->egress && !attr->priority);
	assert(pattern[0].type == RTE_FLOW_ITEM_TYPE_ETH && !pattern[0].last);
	assert(pattern[1].type == RTE_FLOW_ITEM_TYPE_END);
	for (; actions->type != RTE_FLOW_ACTION_TYPE_END; actions++)
		assert(actions->type == RTE_FLOW_ACTION_TYPE_COUNT ||
		       actions->type == RTE_FLOW_ACTION_TYPE_DROP);
	return answer();
}

struct rte_flow *__wrap_rte_flow_create(uint16_t port_id, const struct rte_flow_attr *attr,
					const struct rte_flow_item pattern[],
					const struct rte_flow_action actions[],
					struct rte_flow_error *error)
{
	struct rte_flow *rule;

	if (__wrap_rte_flow_validate(port_id, attr, pattern, actions, error))
		return NULL;
	if (fake_nic.rules == fake_nic.room) {
		rte_errno = ENOSPC;
		return NULL;
	}
	rule = calloc(1, sizeof(*rule));
	assert(rule && fake_nic.rules < RULES_MAX);
	memcpy(rule->spec, pattern[0].spec, HEADER);
	memcpy(rule->mask, pattern[0].mask, HEADER);
	rule->counts = actions[0].type == RTE_FLOW_ACTION_TYPE_COUNT && !fake_nic.no_count;
	change();
	rules[fake_nic.rules++] = rule;
	fake_nic.made++;
	return rule;
}

int __wrap_rte_flow_destroy(uint16_t port_id, struct rte_flow *rule, struct rte_flow_error *error)
{
	uint32_t at = 0;

	(void)error;
	assert(port_id == PORT_ID);
	while (rules[at] != rule)
		assert(++at < fake_nic.rules);
	change();
	if (fake_nic.keeps) {
		rte_errno = EBUSY;
		return -EBUSY;
	}
	free(rule);
	rules[at] = rules[--fake_nic.rules];
	return 0;
}

int __wrap_rte_flow_flush(uint16_t port_id, struct rte_flow_error *error)
{
	(void)error;
	assert(port_id == PORT_ID);
	change();
	if (fake_nic.keeps_all) {
		rte_errno = EBUSY;
		return -EBUSY;
	}
	while (fake_nic.rules)
		free(rules[--fake_nic.rules]);
	return 0;
}

int __wrap_rte_flow_query(uint16_t port_id, struct rte_flow *rule,
			  const struct rte_flow_action *action, void *data,
			  struct rte_flow_error *error)
{
	struct rte_flow_query_count *count = data;

	(void)error;
	assert(port_id == PORT_ID && action->type == RTE_FLOW_ACTION_TYPE_COUNT && !count->reset);
	if (!rule->counts) {
		rte_errno = ENOTSUP;
		return -ENOTSUP;
	}
	count->hits_set = 1;
	count->hits = rule->hits;
	return 0;
}

static bool meets(const struct rte_flow *rule, const uint8_t *bytes)
{
	for (uint32_t i = 0; i < HEADER; i++)
		if ((bytes[i] & rule->mask[i]) != (rule->spec[i] & rule->mask[i]))
			return false;
	return true;
}

/* The last one first: nobody may rely on an order. */
void fake_nic_feed(const uint8_t *bytes, uint32_t len, uint32_t segment)
{
	for (uint32_t i = fake_nic.rules; i-- > 0;) {
		if (len < HEADER || !meets(rules[i], bytes))
			continue;
		rules[i]->hits++;
		fake_nic.dropped++;
		return;
	}
	port_feed(&waiting, bytes, len, segment);
}

static uint16_t receive(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)port;
	(void)queue;
	nr = (uint16_t)RTE_MIN(waiting.nr_waiting, nr);
	memcpy(pkts, waiting.waiting, nr * sizeof(pkts[0]));
	waiting.nr_waiting -= nr;
	memmove(waiting.waiting, waiting.waiting + nr, waiting.nr_waiting * sizeof(pkts[0]));
	return nr;
}

static uint16_t transmit(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)port;
	(void)queue;
	rte_pktmbuf_free_bulk(pkts, nr);
	return nr;
}

static int no_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return -1;
}

static void link_get(struct port *port, struct port_link *link)
{
	*link = (struct port_link){ .gone = flow_is_stuck(((struct nic_port *)port)->flow) };
	link->up = !link->gone;
}

static void no_stats(struct port *port, struct port_stats *stats)
{
	(void)port;
	memset(stats, 0, sizeof(*stats));
}

static int drop_begin(struct port *port, const struct port_drop *drop)
{
	return flow_drop_begin(((struct nic_port *)port)->flow, &port->mac, drop);
}

static int drop_count(struct port *port, int number, uint64_t *frames)
{
	return flow_drop_count(((struct nic_port *)port)->flow, number, frames);
}

static void drop_end(struct port *port, int number)
{
	flow_drop_end(((struct nic_port *)port)->flow, number);
}

static void close_port(struct port *port)
{
	flow_destroy(((struct nic_port *)port)->flow);
	rte_pktmbuf_free_bulk(waiting.waiting, waiting.nr_waiting);
	waiting.nr_waiting = 0;
	fake_nic.open--;
}

static const struct port_ops ops = {
	.close = close_port,
	.tx_burst = transmit,
	.rx_burst = receive,
	.rx_fd = no_fd,
	.link_get = link_get,
	.stats_get = no_stats,
	.drop_begin = drop_begin,
	.drop_count = drop_count,
	.drop_end = drop_end,
};

void fake_nic_reset(void)
{
	while (fake_nic.rules)
		free(rules[--fake_nic.rules]);
	fake_nic = (struct fake_nic){ .room = RULES_MAX };
}

struct port *fake_nic_open(uint8_t last)
{
	assert(!fake_nic.open);
	the_port = (struct nic_port){ .port = { .ops = &ops,
						.kind = PORT_VF,
						.name = "0000:01:10.0",
						.mac = { { 2, 0, 0, 0, 0, last } },
						.mtu = 1500,
						.outer_mtu = 1496,
						.nr_queues = 1 } };
	the_port.flow = flow_create(PORT_ID, the_port.port.name);
	assert(the_port.flow);
	fake_nic.open++;
	return &the_port.port;
}
