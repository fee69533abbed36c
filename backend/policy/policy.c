/* SPDX-License-Identifier: BSD-3-Clause */
/* A vif's rules: drafted, checked against each other, compiled; see policy.h. */
#include "policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int set_rule(uint32_t n, struct policy_draft *draft, const char *value, char *why)
{
	const struct policy_key *rule = policy_key(n);
	struct policy_trace *trace = draft->trace;
	int ret = rule->set(rule, draft, value, why);

	if (ret || !trace)
		return ret;
	memcpy(trace->of[n].source, trace->source, sizeof(trace->source));
	snprintf(trace->of[n].value, sizeof(trace->of[n].value), "%s", value);
	return 0;
}

int policy_set(struct policy_draft *draft, const char *key, const char *value,
	       char why[POLICY_ERROR_MAX])
{
	const struct policy_key *rule;

	for (uint32_t i = 0; (rule = policy_key(i)); i++)
		if (!strcmp(rule->name, key))
			return set_rule(i, draft, value, why);
	snprintf(why, POLICY_ERROR_MAX, "no such rule");
	return -ENOENT;
}

/* Return: true, with @why: a queue's guarantee does not fit */
static bool is_too_much(double guaranteed, struct rate rate, const char *beside, char *why)
{
	if (!rate.bytes || guaranteed <= rate_bytes_per_second(rate) * (1 + 1e-9))
		return false;
	snprintf(why, POLICY_ERROR_MAX, "queue-guaranteed: %.0f kbit/s are more than %s's %" PRIu32,
		 guaranteed * 8e-3, beside, rate_kbps(rate));
	return true;
}

int policy_check(const struct policy_draft *draft, char why[POLICY_ERROR_MAX])
{
	double sum = 0;

	if (draft->path == POLICY_PATH_KERNEL && draft->vf == POLICY_VF_REQUIRE) {
		snprintf(why, POLICY_ERROR_MAX,
			 "path: kernel has no VF, which vf=require asks for");
		return -EINVAL;
	}
	for (uint32_t i = 0; i < NETIF_QUEUES_MAX; i++) {
		double guaranteed = rate_bytes_per_second(draft->queue_guaranteed[i]);

		sum += guaranteed;
		if (is_too_much(guaranteed, draft->queue_rate[i], "queue-rate", why))
			return -EINVAL;
	}
	if (is_too_much(sum, draft->rate, "rate", why))
		return -EINVAL;
	if (sum <= 0 || draft->classes == POLICY_CLASSES_NONE)
		return 0;
	snprintf(why, POLICY_ERROR_MAX, "queue-guaranteed: cannot be combined with classes");
	return -EINVAL;
}

uint32_t policy_guaranteed(const struct policy_draft *draft)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < NETIF_QUEUES_MAX; i++)
		sum += rate_kbps(draft->queue_guaranteed[i]);
	sum = RTE_MAX(sum, rate_kbps(draft->guaranteed));
	return (uint32_t)RTE_MIN(sum, UINT32_MAX);
}

void policy_source(struct policy_draft *draft, const char *fmt, ...)
{
	va_list args;

	if (!draft->trace)
		return;
	va_start(args, fmt);
	vsnprintf(draft->trace->source, sizeof(draft->trace->source), fmt, args);
	va_end(args);
}

void policy_init(struct policy_draft *draft)
{
	const struct policy_key *rule;
	char why[POLICY_ERROR_MAX];

	memset(draft, 0, sizeof(*draft));
	draft->allow_untagged = -1;
	for (uint32_t i = 0; (rule = policy_key(i)); i++)
		if (rule->without)
			rule->set(rule, draft, rule->without, why);
}

void policy_close(struct policy_draft *draft)
{
	policy_init(draft);
	draft->tx = false;
	draft->rx = false;
}

static void set_bit(struct policy *policy, uint32_t bit, bool on, bool in_tx, bool in_rx)
{
	policy->tx |= on && in_tx ? bit : 0;
	policy->rx |= on && in_rx ? bit : 0;
}

/* vif.schema's bits=, and those that follow from several rules */
static void compile_bits(const struct policy_draft *draft, struct policy *policy)
{
#define FLAG(field, bit, number, in_tx, in_rx, without)                                            \
	set_bit(policy, bit, draft->field != (without), in_tx, in_rx);
#define VALUE(field_, bit, number, in_tx, in_rx, type)                                             \
	policy->field_ = draft->field_;                                                            \
	set_bit(policy, bit, draft->field_, in_tx, in_rx);
	POLICY_FLAGS(FLAG)
	POLICY_VALUES(VALUE)
#undef VALUE
#undef FLAG
	set_bit(policy, POLICY_MACS, draft->nr_macs > 0, true, false);
	set_bit(policy, POLICY_IP, draft->ip_anti_spoof && draft->nr_ips, true, false);
	if (draft->promiscuous)
		policy->rx &= ~(uint32_t)(POLICY_NO_BROADCAST | POLICY_NO_MULTICAST |
					  POLICY_NO_UNKNOWN_UNICAST);
}

static void compile_vlans(const struct policy_draft *draft, struct policy *policy)
{
	uint16_t own = draft->vlan_insert & 0x0fff;
	bool member = draft->filter || own;

	policy->untagged = draft->allow_untagged < 0 ? !member : draft->allow_untagged;
	policy->member = member;
	policy->insert = draft->vlan_insert;
	if (!member && policy->untagged)
		return;
	policy->tx |= POLICY_VLAN;
	policy->rx |= POLICY_VLAN;
	memcpy(policy->strip, draft->strip, sizeof(policy->strip));
	if (member)
		memcpy(policy->vlans, draft->vlans, sizeof(policy->vlans));
	else
		memset(policy->vlans, 0xff, sizeof(policy->vlans));
	if (own) {
		policy->tx |= POLICY_INSERT;
		policy_vlan_add(policy->vlans, own);
		policy_vlan_add(policy->strip, own);
	}
}

static void compile_queues(const struct policy_draft *draft, struct path_live *live)
{
	live->tx_closed = draft->tx_queues ? ~draft->tx_queues : 0;
	live->rx_closed = draft->rx_queues ? ~draft->rx_queues : 0;
	memcpy(live->queue_rates, draft->queue_rate, sizeof(live->queue_rates));
	memcpy(live->queue_guarantees, draft->queue_guaranteed, sizeof(live->queue_guarantees));
	live->classes.by = (enum classes_by)draft->classes;
	memcpy(live->classes.shares, draft->class_shares, sizeof(live->classes.shares));
	live->mcast_refused = !draft->guest_multicast;
}

void policy_compile(const struct policy_draft *draft, const struct rte_ether_addr *mac,
		    struct path_live *live)
{
	struct policy *policy = &live->policy;

	memset(policy, 0, sizeof(*policy));
	policy->mac = *mac;
	policy->anti_spoof = draft->anti_spoof;
	policy->reserved_groups = draft->reserved_groups;
	compile_bits(draft, policy);
	policy->nr_macs = draft->nr_macs;
	policy->nr_ips = draft->nr_ips;
	memcpy(policy->macs, draft->macs, draft->nr_macs * sizeof(draft->macs[0]));
	memcpy(policy->ips, draft->ips, draft->nr_ips * sizeof(draft->ips[0]));
	compile_vlans(draft, policy);
	compile_queues(draft, live);
	live->mtu = (uint16_t)draft->mtu;
	live->rate = draft->rate;
	live->rx_rate = draft->rx_rate;
	if (draft->link == POLICY_LINK_OFF)
		live->link = false;
}
