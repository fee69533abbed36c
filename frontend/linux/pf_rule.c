// SPDX-License-Identifier: GPL-2.0
/*
 * Rules for what VFs send, as the host has them (../../common/virtual_pf.h).
 *
 * The driver keeps each rule, to send it again when the PF has connected anew. After
 * a message whose answer was not waited for, nobody knows which rules the host has:
 * then the next message is preceded by one that destroys them all, and by all
 * that there are.
 *
 * Not protected against: a host that refuses, after a migration, what the one before
 * took. The kernel's log says so, and tc still lists the rule.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "pf_rule.h"

/**
 * struct pf_rule - a filter that the host enforces
 * @cookie: as tc names it
 * @wire:   as the host has it
 * @active: the host has it, as far as is known
 * @count:  as it counted last
 * @told:   of that, what tc knows
 * @used:   jiffies of the last change of @count
 */
struct pf_rule {
	struct list_head entry;
	unsigned long cookie;
	struct vifvpf_rule wire;
	bool active;
	struct vifvpf_count count, told;
	unsigned long used;
};

static const char *rule_why(u32 reason)
{
	switch (reason) {
	case VIFVPF_REASON_PARKED:
	case VIFVPF_REASON_INDEX:
	case VIFVPF_REASON_GONE:
		return "vifront_pf: the host has no such VF now";
	case VIFVPF_REASON_POLICY:
		return "vifront_pf: the host's admin does not allow this VF that VLAN";
	case VIFVPF_REASON_MANY:
		return "vifront_pf: the host takes no more rules";
	case VIFVPF_REASON_COST:
		return "vifront_pf: the rules together match too much for the host";
	case VIFVPF_REASON_MEMORY:
		return "vifront_pf: the host is out of memory";
	}
	return "vifront_pf: the host refuses the rule";
}

static int rule_error(u32 reason)
{
	switch (reason) {
	case VIFVPF_REASON_POLICY:
		return -EPERM;
	case VIFVPF_REASON_MANY:
	case VIFVPF_REASON_COST:
		return -ENOSPC;
	case VIFVPF_REASON_MEMORY:
		return -ENOMEM;
	}
	return -EINVAL;
}

/* Does the host take rules for what VFs send? */
bool pf_rules_offered(const struct vifront_pf *pf)
{
	const struct vifront_capability *cap = &pf->fe->cap;

	return READ_ONCE(cap->have) && vifcap_has(&cap->theirs, VIFCAP_WORD_FEATURES) &&
	       (cap->theirs.features & VIFCAP_FEATURE_VF_RULES);
}

static int rule_send(struct vifront_pf *pf, struct pf_rule *r, struct netlink_ext_ack *extack)
{
	u32 reason = 0;
	int rc = vifront_ctrl_call_page(pf->fe, VIFVPF_CTRL_RULE_CREATE, &r->wire, sizeof(r->wire),
					0, &reason);

	r->active = !rc;
	if (rc == -ETIMEDOUT)
		pf->rules_unsure = true;
	if (rc == -EINVAL) {
		pf_refuse(extack, rule_why(reason));
		return rule_error(reason);
	}
	if (rc)
		pf_refuse(extack, "vifront_pf: the host does not answer");
	return rc;
}

/* Nobody knows which rules the host has: it gets them all. */
static int rules_send(struct vifront_pf *pf)
{
	int rc = vifront_ctrl_call(pf->fe, VIFVPF_CTRL_RULE_FLUSH, 0, 0, 0, NULL);
	unsigned int refused = 0;
	struct pf_rule *r;

	list_for_each_entry(r, &pf->rules, entry)
		r->active = false;
	if (rc)
		return rc;
	pf->rules_unsure = false;
	list_for_each_entry(r, &pf->rules, entry) {
		refused += !!rule_send(pf, r, NULL);
		if (pf->rules_unsure)
			return -ETIMEDOUT;
	}
	if (refused)
		netdev_warn(pf->fe->netdev, "the host refuses %u rules for what VFs send\n", refused);
	return 0;
}

static struct pf_rule *rule_find(struct vifront_pf *pf, unsigned long cookie)
{
	struct pf_rule *r;

	list_for_each_entry(r, &pf->rules, entry)
		if (r->cookie == cookie)
			return r;
	return NULL;
}

static int action_push(struct vifvpf_rule *rule, const struct flow_action_entry *act,
		       struct netlink_ext_ack *extack)
{
	if (act->vlan.proto != cpu_to_be16(ETH_P_8021Q))
		return pf_refuse(extack, "vifront_pf: can push tags of 802.1Q only");
	if (rule->tags & VIFVPF_RULE_PUSH)
		return pf_refuse(extack, "vifront_pf: can push one tag only");
	rule->tags |= VIFVPF_RULE_PUSH;
	rule->tag = act->vlan.vid | act->vlan.prio << 13;
	return 0;
}

/* Return: the VF that @dev represents, or VIFVPF_VFS_MAX */
static unsigned int rule_target(const struct vifront_pf *pf, const struct net_device *dev)
{
	unsigned int vf;

	for (vf = 0; vf < VIFVPF_VFS_MAX && pf->rep[vf] != dev; vf++)
		;
	return vf;
}

static int action_redirect(struct vifront_pf *pf, struct vifvpf_rule *rule,
			   const struct net_device *dev, struct netlink_ext_ack *extack)
{
	unsigned int to = rule_target(pf, dev);

	if (dev == pf->fe->netdev) {
		rule->fate = VIFVPF_FATE_PASS;
		return 0;
	}
	if (to == VIFVPF_VFS_MAX)
		return pf_refuse(extack, "vifront_pf: can redirect to representors of this PF, and to the PF, only");
	rule->fate = VIFVPF_FATE_REDIRECT;
	rule->to = to;
	return 0;
}

static int action_take(struct vifront_pf *pf, struct vifvpf_rule *rule,
		       const struct flow_action_entry *act, struct netlink_ext_ack *extack)
{
	if (rule->fate)
		return pf_refuse(extack, "vifront_pf: no action can follow drop, pass and redirect");
	switch (act->id) {
	case FLOW_ACTION_DROP:
		rule->fate = VIFVPF_FATE_DROP;
		return 0;
	case FLOW_ACTION_ACCEPT:
		rule->fate = VIFVPF_FATE_PASS;
		return 0;
	case FLOW_ACTION_REDIRECT:
		return action_redirect(pf, rule, act->dev, extack);
	case FLOW_ACTION_VLAN_POP:
		if (rule->tags)
			return pf_refuse(extack, "vifront_pf: can pop one tag, before it pushes one");
		rule->tags |= VIFVPF_RULE_POP;
		return 0;
	case FLOW_ACTION_VLAN_PUSH:
		return action_push(rule, act, extack);
	default:
		return pf_refuse(extack, "vifront_pf: actions can be drop, pass, redirect, vlan push and vlan pop only");
	}
}

/* Without another end, the frame goes on. */
static int rule_actions(struct vifront_pf *pf, struct vifvpf_rule *rule,
			const struct flow_action *action, struct netlink_ext_ack *extack)
{
	const struct flow_action_entry *act;
	unsigned int i;
	int rc;

	if (!flow_action_basic_hw_stats_check(action, extack))
		return -EOPNOTSUPP;
	flow_action_for_each(i, act, action) {
		rc = action_take(pf, rule, act, extack);
		if (rc)
			return rc;
	}
	if (rule->fate == VIFVPF_FATE_DROP) {
		rule->tags = 0;
		rule->tag = 0;
	}
	if (!rule->fate)
		rule->fate = VIFVPF_FATE_PASS;
	return 0;
}

static struct pf_rule *rule_make(struct vifront_pf *pf, unsigned int vf,
				 const struct flow_cls_offload *cls)
{
	struct netlink_ext_ack *extack = cls->common.extack;
	struct pf_rule *r = kzalloc(sizeof(*r), GFP_KERNEL);
	int rc;

	if (!r)
		return ERR_PTR(-ENOMEM);
	r->cookie = cls->cookie;
	r->wire.id = pf->next_rule++;
	r->wire.priority = cls->common.prio;
	r->wire.vf = vf;
	rc = pf_rule_match(&r->wire, cls->rule, extack);
	if (!rc)
		rc = rule_actions(pf, &r->wire, &cls->rule->action, extack);
	if (!rc)
		return r;
	kfree(r);
	return ERR_PTR(rc);
}

/* Logs a failure, after which the host may still have the rule. */
static void rule_end(struct vifront_pf *pf, struct pf_rule *r)
{
	int rc = r->active ? vifront_ctrl_call(pf->fe, VIFVPF_CTRL_RULE_DESTROY, r->wire.id, 0, 0,
					       NULL) : 0;

	if (rc == -ETIMEDOUT)
		pf->rules_unsure = true;
	list_del(&r->entry);
	kfree(r);
}

/* A filter that is changed has another cookie: the new one is there before the old one ends. */
int pf_rule_replace(struct vifront_pf *pf, unsigned int vf, struct flow_cls_offload *cls)
{
	struct pf_rule *r, *old = rule_find(pf, cls->cookie);
	int rc = pf->rules_unsure ? rules_send(pf) : 0;

	if (rc)
		return pf_refuse(cls->common.extack, "vifront_pf: the host does not answer");
	r = rule_make(pf, vf, cls);
	if (IS_ERR(r))
		return PTR_ERR(r);
	rc = rule_send(pf, r, cls->common.extack);
	if (rc) {
		kfree(r);
		return rc;
	}
	if (old)
		rule_end(pf, old);
	list_add_tail(&r->entry, &pf->rules);
	return 0;
}

int pf_rule_destroy(struct vifront_pf *pf, struct flow_cls_offload *cls)
{
	struct pf_rule *r = rule_find(pf, cls->cookie);

	if (!r)
		return -ENOENT;
	rule_end(pf, r);
	return 0;
}

/* What the host says of a rule that was destroyed meanwhile is nobody's. */
static void rules_take_counts(struct vifront_pf *pf, const struct vifvpf_count *counts, u32 nr)
{
	struct pf_rule *r;
	u32 i, known = 0;

	list_for_each_entry(r, &pf->rules, entry) {
		for (i = 0; i < nr && counts[i].id != r->wire.id; i++)
			;
		known += r->active && i < nr;
		if (i == nr || !memcmp(&r->count, &counts[i], sizeof(r->count)))
			continue;
		if (counts[i].frames < r->told.frames || counts[i].bytes < r->told.bytes)
			memset(&r->told, 0, sizeof(r->told)); /* the host has begun anew */
		r->count = counts[i];
		r->used = jiffies;
	}
	list_for_each_entry(r, &pf->rules, entry)
		known -= r->active;
	if (known) /* a host that was restarted without what it had kept */
		pf->rules_unsure = true;
}

/*
 * One message asks for all rules. Its answer is used for 50 ms, and as long again as
 * the host took: tc asks for one rule after the other.
 */
static void rules_ask(struct vifront_pf *pf)
{
	struct vifvpf_count *counts;
	unsigned long start = jiffies;
	u32 nr = 0;

	if (pf->rules_asked && time_before(jiffies, pf->rules_until))
		return;
	counts = kmalloc_array(VIFVPF_COUNTS_MAX, sizeof(*counts), GFP_KERNEL);
	if (!counts)
		return;
	if (pf->rules_unsure)
		rules_send(pf);
	if (!vifront_ctrl_ask_page(pf->fe, VIFVPF_CTRL_RULE_COUNTS, 0, counts,
				   VIFVPF_COUNTS_MAX * sizeof(*counts), &nr) &&
	    nr <= VIFVPF_COUNTS_MAX)
		rules_take_counts(pf, counts, nr);
	kfree(counts);
	pf->rules_asked = true;
	pf->rules_until = jiffies + HZ / 20 + min_t(unsigned long, jiffies - start, HZ);
}

int pf_rule_stats(struct vifront_pf *pf, struct flow_cls_offload *cls)
{
	struct pf_rule *r = rule_find(pf, cls->cookie);

	if (!r)
		return -ENOENT;
	rules_ask(pf);
	flow_stats_update(&cls->stats, r->count.bytes - r->told.bytes,
			  r->count.frames - r->told.frames, 0, r->used,
			  FLOW_ACTION_HW_STATS_DELAYED);
	r->told = r->count;
	return 0;
}

/* The PF has connected again: this host has no rules yet. */
void pf_rules_restore(struct vifront_pf *pf)
{
	struct pf_rule *r;
	int rc;

	list_for_each_entry(r, &pf->rules, entry) {
		memset(&r->count, 0, sizeof(r->count));
		memset(&r->told, 0, sizeof(r->told));
	}
	pf->rules_asked = false;
	if (list_empty(&pf->rules))
		return;
	rc = rules_send(pf);
	if (rc)
		netdev_warn(pf->fe->netdev, "the host has not got the rules for what VFs send: error %d\n",
			    rc);
	pf->rules_unsure = rc && rc != -EOPNOTSUPP;
}

/* Before all representors go: tc takes back each rule then, and there is nothing left to say. */
void pf_rules_flush(struct vifront_pf *pf)
{
	struct pf_rule *r;

	if (list_empty(&pf->rules) && !pf->rules_unsure)
		return;
	pf->rules_unsure = vifront_ctrl_call(pf->fe, VIFVPF_CTRL_RULE_FLUSH, 0, 0, 0, NULL) ==
			   -ETIMEDOUT;
	list_for_each_entry(r, &pf->rules, entry)
		r->active = false;
}
