/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's messages about rules for what its virtual VFs send. */
#include "ctrl_vf_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "path/flow_check.h"
#include "ctrl_turn.h"
#include "vif.h"

LOG_TAG("virtual-pf");

static_assert(FLOWS_MAX <= VIFVPF_COUNTS_MAX, "one page has them all");

static uint32_t refuse(struct turn *turn, uint32_t reason)
{
	turn->data = reason;
	return NETIF_CTRL_STATUS_INVALID_PARAMETER;
}

/* Return: VIFVPF_REASON_* */
static uint32_t read_actions(const struct vifvpf_rule *wire, struct flow_rule *rule)
{
	static const uint8_t fates[] = { [VIFVPF_FATE_PASS] = FLOW_FATE_PASS,
					 [VIFVPF_FATE_DROP] = VIFFLOW_ACTION_DROP,
					 [VIFVPF_FATE_REDIRECT] = FLOW_FATE_REDIRECT };
	uint32_t vlan = wire->tag & VLAN_ID_MASK;

	if (!wire->fate || wire->fate >= sizeof(fates))
		return VIFVPF_REASON_VALUE;
	if (wire->tags & ~(VIFVPF_RULE_POP | VIFVPF_RULE_PUSH) ||
	    (wire->tags && wire->fate == VIFVPF_FATE_DROP))
		return VIFVPF_REASON_VALUE;
	if (wire->tags & VIFVPF_RULE_PUSH ? !vlan || vlan > VIFVPF_VLAN_MAX || wire->tag & 0x1000 :
					    wire->tag != 0)
		return VIFVPF_REASON_VALUE;
	if (wire->fate == VIFVPF_FATE_REDIRECT ? wire->to == wire->vf : wire->to != 0)
		return VIFVPF_REASON_VALUE;
	rule->fate = fates[wire->fate];
	rule->vf = (uint8_t)wire->vf;
	rule->to = (uint8_t)wire->to;
	rule->pops = (wire->tags & VIFVPF_RULE_POP) != 0;
	rule->push = wire->tag;
	rule->counts = 1;
	return VIFVPF_REASON_NONE;
}

/* A VF that is not connected has no settings in force: those it would have. */
static bool may_use_tags(struct vif *vf, const struct flow_rule *rule)
{
	struct path_live live = { 0 };
	struct policy_draft draft = vf->policy.draft;

	if (vf->path)
		return vf_rules_tag_allowed(vf, &vf->live.policy, rule);
	virtual_pf_apply(vf, &draft);
	policy_compile(&draft, &vf->mac, &live);
	return vf_rules_tag_allowed(vf, &live.policy, rule);
}

/* Return: VIFVPF_REASON_* */
static uint32_t check_room(const struct vif *pf, const struct flow_draft *draft)
{
	const struct flows *table = pf->virtual_pf.rules.table;

	if (table && flows_find(table, draft->rule.id) >= 0)
		return VIFVPF_REASON_EXISTS;
	if ((table ? table->nr : 0) >= path_get_live(pf->path)->flows)
		return VIFVPF_REASON_MANY;
	if ((table ? table->nr_words : 0) + draft->rule.nr_words > FLOWS_WORDS_MAX)
		return VIFVPF_REASON_COST;
	return VIFVPF_REASON_NONE;
}

/* Return: VIFVPF_REASON_* */
static uint32_t read_rule(struct vif *pf, const struct vifvpf_rule *wire, struct flow_draft *draft,
			  struct vif **vf)
{
	static const uint16_t none[3];
	struct vif *to;
	uint32_t reason = virtual_pf_find(pf, wire->vf, vf);

	if (memcmp(wire->pad, none, sizeof(none)))
		return VIFVPF_REASON_LAYOUT;
	if (!reason && wire->fate == VIFVPF_FATE_REDIRECT)
		reason = virtual_pf_find(pf, wire->to, &to);
	if (reason)
		return reason;
	if (flow_check_items(wire->items, wire->nr_items, draft))
		return VIFVPF_REASON_MATCH;
	draft->rule.id = wire->id;
	draft->rule.priority = wire->priority;
	reason = read_actions(wire, &draft->rule);
	if (!reason && !may_use_tags(*vf, &draft->rule))
		reason = VIFVPF_REASON_POLICY;
	return reason ? reason : check_room(pf, draft);
}

/* Return: a copy of the table to be changed, NULL = no memory */
static struct flows *copy_table(const struct vif *pf)
{
	const struct flows *table = pf->virtual_pf.rules.table;
	struct flows *copy = calloc(1, sizeof(*copy));

	if (copy && table)
		*copy = *table;
	return copy;
}

static void clear_count(struct flow_counts *counts, uint32_t slot)
{
	atomic_store_explicit(&counts->of[slot].frames, 0, memory_order_relaxed);
	atomic_store_explicit(&counts->of[slot].bytes, 0, memory_order_relaxed);
}

/* What is told to the guest holds. It pays for the wait. Return: VIFVPF_REASON_* */
static uint32_t change_table(struct vif *pf, struct turn *turn, struct flows *table)
{
	uint64_t now_us = clock_us();
	bool done = vf_rules_set_table(pf, table);

	turn->waited_us += (uint32_t)(clock_us() - now_us) + 1;
	turn->set = true;
	return done ? VIFVPF_REASON_NONE : VIFVPF_REASON_MEMORY;
}

/* Return: VIFVPF_REASON_* */
static uint32_t create_rule(struct vif *pf, struct turn *turn)
{
	struct flow_draft draft;
	struct vifvpf_rule wire;
	struct flows *table;
	struct vif *vf = NULL;
	uint32_t reason;

	if (turn->req.data[1] || turn->req.data[2])
		return VIFVPF_REASON_LAYOUT;
	if (!turn_fetch(turn, turn->req.data[0], &wire, sizeof(wire)))
		return VIFVPF_REASON_PAGE;
	reason = read_rule(pf, &wire, &draft, &vf);
	table = reason ? NULL : copy_table(pf);
	if (!table)
		return reason ? reason : VIFVPF_REASON_MEMORY;
	flows_insert(table, &draft.rule, draft.words);
	clear_count(pf->virtual_pf.rules.counts,
		    table->rules[flows_find(table, draft.rule.id)].slot);
	reason = change_table(pf, turn, table);
	/* a NIC that knows none of the tags must not check them */
	if (!reason && vf->path)
		vif_tell_port(vf, path_get_port(vf->path));
	return reason;
}

static uint32_t create(struct vif *pf, struct turn *turn)
{
	uint32_t reason = create_rule(pf, turn);

	if (!reason) {
		pf->virtual_pf.granted++;
		return NETIF_CTRL_STATUS_SUCCESS;
	}
	pf->virtual_pf.refused++;
	if (vif_may_warn(pf))
		log_info("%s: its guest may not set a rule for a virtual VF (reason %u)", pf->name,
			 reason);
	return refuse(turn, reason);
}

static uint32_t destroy(struct vif *pf, struct turn *turn)
{
	const struct flows *before = pf->virtual_pf.rules.table;
	int index = before ? flows_find(before, turn->req.data[0]) : -1;
	struct flows *table;
	uint32_t reason;

	if (turn->req.data[1] || turn->req.data[2])
		return refuse(turn, VIFVPF_REASON_LAYOUT);
	if (index < 0)
		return refuse(turn, VIFVPF_REASON_ABSENT);
	table = copy_table(pf);
	if (!table)
		return refuse(turn, VIFVPF_REASON_MEMORY);
	flows_remove(table, (uint32_t)index);
	reason = change_table(pf, turn, table);
	return reason ? refuse(turn, reason) : NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t flush(struct vif *pf, struct turn *turn)
{
	if (turn->req.data[0] || turn->req.data[1] || turn->req.data[2])
		return refuse(turn, VIFVPF_REASON_LAYOUT);
	if (pf->virtual_pf.rules.table) {
		turn->data = pf->virtual_pf.rules.table->nr;
		change_table(pf, turn, NULL);
	}
	return NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t tell_counts(struct vif *pf, struct turn *turn)
{
	const struct vf_rules_table *rules = &pf->virtual_pf.rules;
	struct vifvpf_count counts[FLOWS_MAX];
	struct gnt_copy copy = { .local = counts, .ref = turn->req.data[1] };
	uint32_t nr = rules->table ? rules->table->nr : 0;

	if (turn->req.data[0] || turn->req.data[2])
		return refuse(turn, VIFVPF_REASON_LAYOUT);
	memset(counts, 0, nr * sizeof(counts[0]));
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t slot = rules->table->rules[i].slot;

		counts[i].id = rules->table->rules[i].id;
		counts[i].frames =
			atomic_load_explicit(&rules->counts->of[slot].frames, memory_order_relaxed);
		counts[i].bytes =
			atomic_load_explicit(&rules->counts->of[slot].bytes, memory_order_relaxed);
	}
	copy.len = (uint16_t)(nr * sizeof(counts[0]));
	turn->pages += copy.len / (uint32_t)sizeof(struct netif_gref);
	if (nr && (gnt_copy_out(turn->gnt, turn->domid, &copy, 1) || copy.status))
		return refuse(turn, VIFVPF_REASON_PAGE);
	turn->data = nr;
	return NETIF_CTRL_STATUS_SUCCESS;
}

/* Without rules and without leave to make some, it is a message that we do not know. */
uint32_t vf_rules_message(struct vif *pf, struct turn *turn)
{
	const struct vf_rules_table *rules = &pf->virtual_pf.rules;

	if (!rules->counts || (!path_get_live(pf->path)->flows && !rules->table))
		return NETIF_CTRL_STATUS_NOT_SUPPORTED;
	switch (turn->req.type) {
	case VIFVPF_CTRL_RULE_CREATE:
		return create(pf, turn);
	case VIFVPF_CTRL_RULE_DESTROY:
		return destroy(pf, turn);
	case VIFVPF_CTRL_RULE_FLUSH:
		return flush(pf, turn);
	case VIFVPF_CTRL_RULE_COUNTS:
		return tell_counts(pf, turn);
	default:
		return NETIF_CTRL_STATUS_NOT_SUPPORTED;
	}
}
