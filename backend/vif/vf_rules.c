/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of a virtual PF, and what its VFs' paths have of it; messages: ctrl_vf_rules.c. */
#include "vf_rules.h"

#include <stdlib.h>
#include <string.h>

#include "path/vf_rules.h"
#include "ctrl_vf_rules.h"
#include "vif.h"
#include "zerocopy_rx.h"

LOG_TAG("virtual-pf");

bool vf_rules_tag_allowed(const struct vif *vf, const struct policy *policy,
			  const struct flow_rule *rule)
{
	uint16_t vlan = rule->push & VLAN_ID_MASK;

	if (!rule->pops && !rule->push)
		return true;
	/* tags of its own are behind this one, and nobody may reach others */
	if (policy->tx & POLICY_VLAN_OUTER)
		return false;
	if (!rule->push)
		return !(policy->tx & POLICY_VLAN) || policy->untagged;
	if (policy_vlan(vf->policy.draft.guest_vlan, vlan) || !(policy->tx & POLICY_VLAN))
		return true;
	/* the tag of its untagged frames has the admin's priority */
	return policy_vlan(policy->vlans, vlan) &&
	       (vlan != (policy->insert & VLAN_ID_MASK) || rule->push == policy->insert);
}

/* As flows_insert() does it, but a rule keeps its slot. */
static void append(struct flows *to, const struct flows *from, const struct flow_rule *rule)
{
	struct flow_rule *at = &to->rules[to->nr++];

	*at = *rule;
	at->first_word = (uint16_t)to->nr_words;
	memcpy(&to->words[to->nr_words], &from->words[rule->first_word],
	       rule->nr_words * sizeof(to->words[0]));
	to->nr_words += rule->nr_words;
}

static void add_rule(struct vf_rules *rules, const struct vif *vf, const struct vif *pf,
		     const struct flow_rule *rule)
{
	const struct vf_rules_table *all = &pf->virtual_pf.rules;
	struct flow_rule now = *rule;

	if (!vf_rules_tag_allowed(vf, &vf->live.policy, rule) ||
	    (rule->fate == FLOW_FATE_REDIRECT && !all->inbox[rule->to]))
		now.fate = VIFFLOW_ACTION_DROP;
	if (now.fate == FLOW_FATE_REDIRECT)
		rules->to[rules->table.nr] = all->inbox[rule->to];
	append(&rules->table, all->table, &now);
}

/* Return: rules of one VF, NULL = it has none, or there is no memory */
static struct vf_rules *make_rules(const struct vif *vf, const struct vif *pf, uint32_t index)
{
	const struct flows *table = pf->virtual_pf.rules.table;
	struct vf_rules *rules = NULL;

	for (uint32_t i = 0; table && i < table->nr; i++) {
		if (table->rules[i].vf != index)
			continue;
		if (!rules)
			rules = calloc(1, sizeof(*rules));
		if (!rules)
			return NULL;
		add_rule(rules, vf, pf, &table->rules[i]);
	}
	if (!rules)
		return NULL;
	flows_compile(&rules->table);
	flow_search_init(&rules->search, &rules->table, pf->virtual_pf.rules.counts);
	return rules;
}

static bool are_same(const struct vf_rules *a, const struct vf_rules *b)
{
	if (!a || !b)
		return a == b;
	return a->search.counts == b->search.counts &&
	       !memcmp(&a->table, &b->table, sizeof(a->table)) &&
	       !memcmp(a->to, b->to, sizeof(a->to));
}

struct rules_call {
	struct path *path;
	const struct vf_rules *rules;
	struct tap *inbox;
	bool any;
};

static int run_set_rules(struct worker *worker, void *arg)
{
	const struct rules_call *call = arg;

	(void)worker;
	path_set_vf_rules(call->path, call->rules);
	return 0;
}

static int run_set_inbox(struct worker *worker, void *arg)
{
	const struct rules_call *call = arg;

	(void)worker;
	path_set_inbox(call->path, call->inbox, call->any);
	return 0;
}

/* @rules are the vif's from now on. */
static void set_rules(struct vif *vif, struct vf_rules *rules)
{
	struct vf_rules_table *self = &vif->virtual_pf.rules;

	if (are_same(self->own, rules)) {
		free(rules);
		return;
	}
	worker_run(vif->worker, run_set_rules,
		   &(struct rules_call){ .path = vif->path, .rules = rules });
	free(self->own);
	self->own = rules;
	self->pushes = false;
	for (uint32_t i = 0; rules && i < rules->table.nr; i++)
		self->pushes |= rules->table.rules[i].push != 0;
}

/* Its worker is woken for frames that come, and that may be another one than before. */
static void set_inbox(struct vif *vif, struct tap *inbox)
{
	struct rules_call call = { .path = vif->path, .inbox = inbox };
	bool any_before;
	struct tap *before = path_get_inbox(vif->path, &any_before);

	call.any = vif->policy.draft.promiscuous || vif->request.flags & VIFCAP_FLAG_PROMISC;
	if (before && before != inbox)
		atomic_store(&before->wake, NULL);
	if (inbox)
		zerocopy_rx_end(&vif->zerocopy_rx, vif->worker, vif->path, true);
	if (before != inbox || (inbox && any_before != call.any))
		worker_run(vif->worker, run_set_inbox, &call);
	if (inbox)
		atomic_store(&inbox->wake, atomic_load(&path_get_port(vif->path)->wake));
}

/* Return: its index, -1: there are no rules about it */
static int index_of(const struct vif *vif, struct vif **pf)
{
	*pf = virtual_pf_of(vif);
	if (!*pf || !(*pf)->path || !(*pf)->virtual_pf.rules.table || !virtual_pf_is_wanted(vif))
		return -1;
	return virtual_pf_index(*pf, vif);
}

void vf_rules_update(struct vif *vif)
{
	struct vif *pf;
	int index;

	if (!vif->path)
		return;
	index = index_of(vif, &pf);
	set_inbox(vif, index < 0 ? NULL : pf->virtual_pf.rules.inbox[index]);
	set_rules(vif, index < 0 ? NULL : make_rules(vif, pf, (uint32_t)index));
}

/* Return: false: no memory */
static bool open_inboxes(struct vf_rules_table *rules)
{
	const struct flows *table = rules->table;

	for (uint32_t i = 0; table && i < table->nr; i++) {
		struct tap **inbox = &rules->inbox[table->rules[i].to];

		if (table->rules[i].fate == FLOW_FATE_REDIRECT && !*inbox)
			*inbox = tap_create();
		if (table->rules[i].fate == FLOW_FATE_REDIRECT && !*inbox)
			return false;
	}
	return true;
}

static bool is_redirected_to(const struct flows *table, uint32_t index)
{
	for (uint32_t i = 0; table && i < table->nr; i++)
		if (table->rules[i].fate == FLOW_FATE_REDIRECT && table->rules[i].to == index)
			return true;
	return false;
}

/* Nobody fills those that are not in the table any more. */
static void close_inboxes(struct vif *pf)
{
	struct vf_rules_table *rules = &pf->virtual_pf.rules;
	struct tap *gone[VIFVPF_VFS_MAX] = { NULL };
	struct vif *vf;

	for (uint32_t i = 0; i < VIFVPF_VFS_MAX; i++)
		if (rules->inbox[i] && !is_redirected_to(rules->table, i)) {
			gone[i] = rules->inbox[i];
			rules->inbox[i] = NULL;
		}
	TAILQ_FOREACH (vf, &pf->host->vifs, link)
		if (vf->domid == pf->domid)
			vf_rules_update(vf);
	for (uint32_t i = 0; i < VIFVPF_VFS_MAX; i++)
		tap_destroy(gone[i]);
}

bool vf_rules_set_table(struct vif *pf, struct flows *table)
{
	struct vf_rules_table *rules = &pf->virtual_pf.rules;
	struct flows *before = rules->table;
	bool done;

	if (table && !table->nr) {
		free(table);
		table = NULL;
	}
	rules->table = table;
	done = open_inboxes(rules);
	if (!done) {
		rules->table = before;
		before = table;
	}
	close_inboxes(pf);
	free(before);
	return done;
}

static bool rule_is_whole(const struct flow_rule *rule)
{
	return rule->vf < VIFVPF_VFS_MAX && rule->to < VIFVPF_VFS_MAX && rule->counts == 1 &&
	       (rule->fate == VIFFLOW_ACTION_DROP || rule->fate == FLOW_FATE_PASS ||
		rule->fate == FLOW_FATE_REDIRECT);
}

void vf_rules_restore(struct vf_rules_table *rules, const struct flows *kept,
		      struct flow_counts *counts)
{
	rules->counts = counts;
	if (!kept || !kept->nr || !flows_are_whole(kept, 1))
		return;
	for (uint32_t i = 0; i < kept->nr; i++)
		if (!rule_is_whole(&kept->rules[i]))
			return;
	rules->table = malloc(sizeof(*rules->table));
	if (!rules->table)
		return;
	*rules->table = *kept;
	/* frames of a rule whose inbox is missing are dropped */
	if (!open_inboxes(rules))
		log_error("no memory for frames that are redirected");
}

void vf_rules_trim(struct vif *pf)
{
	struct vf_rules_table *rules = &pf->virtual_pf.rules;
	struct flows *table = rules->table;

	for (uint32_t i = table ? table->nr : 0; i-- > 0;)
		if (table->rules[i].vf >= pf->virtual_pf.wishes.wanted)
			flows_remove(table, i);
	if (!table)
		return;
	if (!table->nr) {
		free(table);
		rules->table = NULL;
	}
	close_inboxes(pf);
}

void vf_rules_end(struct vif *vif)
{
	if (!vif->path)
		return;
	set_inbox(vif, NULL);
	set_rules(vif, NULL);
	if (vif->virtual_pf.rules.table)
		vf_rules_set_table(vif, NULL);
	vif->virtual_pf.rules.counts = NULL;
}
