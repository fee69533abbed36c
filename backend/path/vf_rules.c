/* SPDX-License-Identifier: BSD-3-Clause */
#include "vf_rules.h"

#include "cut.h"
#include "tx_pass.h"

#define PASS ((enum path_counter)VERDICT_PASS)

/* Take the outermost tag off, if it is one of 802.1Q. @judge: as if the VF had sent what is left */
static enum path_counter pop_tag(const struct policy *policy, struct rte_mbuf *mbuf, bool judge)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	if (vlan_type_at(bytes, mbuf->data_len, VLAN_OUTERMOST) != RTE_ETHER_TYPE_VLAN ||
	    vlan_tci_at(bytes, mbuf->data_len, VLAN_OUTERMOST) < 0)
		return PASS;
	verdict_cut_tags(mbuf, VLAN_TAG_BYTES);
	return judge && policy->tx & POLICY_VLAN ? verdict_tx_vlan(policy, mbuf) : PASS;
}

static enum path_counter obey(const struct policy *policy, const struct flow_rule *rule,
			      struct rte_mbuf *mbuf)
{
	enum path_counter cause = PASS;

	if (rule->fate == VIFFLOW_ACTION_DROP)
		return COUNT_tx_drop_vf_rule;
	/* the tag that is added decides which VLAN it is of */
	if (rule->pops)
		cause = pop_tag(policy, mbuf, !rule->push);
	if (cause == PASS && rule->push && !verdict_put_tag(mbuf, RTE_ETHER_TYPE_VLAN, rule->push))
		cause = COUNT_tx_drop_vlan;
	return cause;
}

/* What is still to be cut would have to wait for the budget: it is dropped. */
static void redirect(struct tx_pass *pass, struct tx_frame *frame, struct tap *to)
{
	struct rte_mempool *pool = pass->plan.tools->pool;
	uint32_t len = frame->mbuf->pkt_len;

	mirror_see(&pass->path->mirror, &pass->queue->counters, pool, frame->mbuf, MIRROR_TX);
	if (cut_is_needed(frame->mbuf) || !tap_give(to, pool, frame->mbuf)) {
		tx_drop(pass, frame, COUNT_tx_drop_redirect);
		return;
	}
	frame->mbuf = NULL;
	tx_count(pass, COUNT_tx_redirected, 1);
	tx_good(pass, frame, len);
}

void vf_rules_tx(struct tx_pass *pass, struct tx_frame *frame)
{
	const struct vf_rules *rules = pass->path->vf_rules;
	const struct flow_rule *rule = flow_search_rule(&rules->search, frame->mbuf);
	enum path_counter cause;

	if (!rule)
		return;
	cause = obey(&pass->path->live.policy, rule, frame->mbuf);
	if (cause != PASS)
		tx_drop(pass, frame, cause);
	else if (rule->fate == FLOW_FATE_REDIRECT)
		redirect(pass, frame, rules->to[rule - rules->table.rules]);
}

/* No port has looked at the address: is the frame for this VF? */
static bool is_for(const struct path *path, const struct rte_mbuf *mbuf)
{
	const uint8_t *to = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	return path->inbox_any || rte_is_multicast_ether_addr((const void *)to) ||
	       policy_mac_allowed(&path->live.policy, to);
}

unsigned int vf_rules_take(struct path *path, struct path_tools *tools)
{
	struct rte_mbuf *frames[PORT_BURST];
	uint32_t nr = tap_take(path->inbox, frames, path_rx_room(path, tools));

	for (uint32_t i = 0; i < nr; i++)
		if (is_for(path, frames[i]))
			path_rx_accept(path, tools, frames[i]);
		else
			queue_drop(&path->queues[0], frames[i], COUNT_rx_drop_unicast);
	return nr;
}
