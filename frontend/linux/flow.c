// SPDX-License-Identifier: GPL-2.0
/*
 * Flow rules (doc/flow-rules.md), set by ethtool -N: which queue gets a received
 * frame, or whether it is dropped. The back end enforces them.
 *
 * The driver keeps the rules, the back end has a copy of those that are active.
 * A rule is active while the back end takes rules, ntuple is on, the rule's
 * queue is in use, and the back end did not refuse it. What changes one of
 * these makes rules active or inactive and keeps them all: each connection
 * begins with the rules of the one before.
 *
 * A back end that is slow holds up an ethtool command by no more than the
 * control ring's time limit and SYNC_LIMIT.
 */
#include <linux/slab.h>

#include "vifront.h"

/* How long the rules may take together; those that are left stay inactive. */
#define SYNC_LIMIT (5 * HZ)

static bool flow_has_queue(const struct vifront *fe, const struct ethtool_rx_flow_spec *fs)
{
	return fs->ring_cookie == RX_CLS_FLOW_DISC ||
	       fs->ring_cookie < fe->netdev->real_num_rx_queues;
}

static void flow_warn(const struct vifront *fe, const struct vifront_flow *f, const char *why)
{
	net_warn_ratelimited("%s: rule %u: %s\n", fe->netdev->name, f->fs.location, why);
}

/* Logs a failure. */
static int flow_create(struct vifront *fe, struct vifront_flow *f)
{
	struct vifflow_rule *rule = kzalloc(sizeof(*rule), GFP_KERNEL);
	const char *why = "";
	u32 reason = 0;
	int rc;

	if (!rule)
		return -ENOMEM;
	f->id = fe->flows.next_id++;
	rc = vifront_flow_rule(rule, &f->fs, f->id, &why);
	if (!rc) {
		rc = vifront_ctrl_call_page(fe, VIFFLOW_CTRL_CREATE, rule, sizeof(*rule), 0,
					    &reason);
		rc = rc ? vifront_flow_refused(rc, reason, &why) : 0;
	}
	kfree(rule);
	f->active = !rc;
	if (rc)
		flow_warn(fe, f, why);
	return rc;
}

/* Logs a failure, after which the back end still has the rule. */
static int flow_destroy(struct vifront *fe, struct vifront_flow *f)
{
	const char *why;
	u32 reason = 0;
	int rc;

	rc = vifront_ctrl_call(fe, VIFFLOW_CTRL_DESTROY, f->id, 0, 0, &reason);
	rc = rc ? vifront_flow_refused(rc, reason, &why) : 0;
	if (rc && rc != -ENOENT) {
		flow_warn(fe, f, why);
		return rc;
	}
	f->active = false;
	return 0;
}

/* Logs a failure. */
static int flow_flush(struct vifront *fe)
{
	const char *why;
	u32 reason = 0;
	int rc;

	rc = vifront_ctrl_call(fe, VIFFLOW_CTRL_FLUSH, 0, 0, 0, &reason);
	if (!rc)
		return 0;
	rc = vifront_flow_refused(rc, reason, &why);
	net_warn_ratelimited("%s: flow rules: %s\n", fe->netdev->name, why);
	return rc;
}

static void flow_count(struct vifront *fe)
{
	unsigned int i;

	fe->flows.rules = 0;
	fe->flows.inactive = 0;
	for (i = 0; i < VIFFLOW_RULES_MAX; i++) {
		fe->flows.rules += !!fe->flows.rule[i];
		fe->flows.inactive += fe->flows.rule[i] && !fe->flows.rule[i]->active;
	}
}

static void flow_all_inactive(struct vifront *fe)
{
	unsigned int i;

	fe->flows.live = false;
	for (i = 0; i < VIFFLOW_RULES_MAX; i++)
		if (fe->flows.rule[i])
			fe->flows.rule[i]->active = false;
	flow_count(fe);
}

/**
 * vifront_flow_sync() - Make rules active or inactive, as they should be now
 * @fe: Interface
 *
 * Under rtnl, sleeps. Called when the number of queues or of rules that the
 * back end takes has changed. Logs the rules that cannot be active.
 */
void vifront_flow_sync(struct vifront *fe)
{
	unsigned long end = jiffies + SYNC_LIMIT;
	unsigned int i;

	for (i = 0; i < VIFFLOW_RULES_MAX && fe->flows.live; i++) {
		struct vifront_flow *f = fe->flows.rule[i];

		if (!f || f->active == flow_has_queue(fe, &f->fs))
			continue;
		if (time_after(jiffies, end)) {
			flow_warn(fe, f, "inactive, and those after it: the back end is slow");
			break;
		}
		if (!f->active)
			flow_create(fe, f);
		else if (!flow_destroy(fe, f))
			flow_warn(fe, f, "inactive until its queue is in use again");
	}
	flow_count(fe);
}

/**
 * vifront_flow_switch() - The feature ntuple is switched
 * @fe: Interface
 * @on: true: the back end gets all rules; false: they are removed from it and kept here
 *
 * Under rtnl, sleeps. The back end's rules are removed first, those that it may
 * have from an earlier time too. If it takes none any more, its refusal does not
 * matter.
 *
 * Return: 0 or -errno, nothing was switched then
 */
int vifront_flow_switch(struct vifront *fe, bool on)
{
	int rc = on || fe->flows.live ? flow_flush(fe) : 0;

	if (rc && fe->cap.flows)
		return rc;
	flow_all_inactive(fe);
	fe->flows.live = on && fe->cap.flows;
	vifront_flow_sync(fe);
	return 0;
}

/* An active rule; NULL if there is none */
static const struct vifront_flow *flow_any_active(const struct vifront *fe)
{
	unsigned int i;

	for (i = 0; i < VIFFLOW_RULES_MAX; i++)
		if (fe->flows.rule[i] && fe->flows.rule[i]->active)
			return fe->flows.rule[i];
	return NULL;
}

/* Does the back end say that it has no such rule? Its counters are not looked at. */
static bool flow_is_lost(struct vifront *fe, const struct vifront_flow *f)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	u32 reason = 0;
	int ref, rc;

	if (!page)
		return false;
	ref = gnttab_grant_foreign_access(fe->xbdev->otherend_id, xen_page_to_gfn(page), 0);
	if (ref < 0) {
		__free_page(page);
		return false;
	}
	rc = vifront_ctrl_call(fe, VIFFLOW_CTRL_QUERY, f->id, ref, 0, &reason);
	gnttab_end_foreign_access(ref, page);
	return rc == -EINVAL && VIFFLOW_REASON(reason) == VIFFLOW_REASON_ABSENT;
}

/**
 * vifront_flow_check() - Send the rules again if the back end has lost them
 * @fe: Interface, with another record of the back end
 *
 * Under rtnl, sleeps. A back end that was restarted without what it had kept
 * goes on with the connection, and its record is another one.
 */
void vifront_flow_check(struct vifront *fe)
{
	const struct vifront_flow *f = flow_any_active(fe);

	if (!fe->flows.live || !f || !flow_is_lost(fe, f))
		return;
	netdev_info(fe->netdev, "the back end has lost the flow rules and gets them again\n");
	vifront_flow_switch(fe, true);
}

/* No back end has the rules any more. */
void vifront_flow_disconnect(struct vifront *fe)
{
	flow_all_inactive(fe);
}

/* RX_CLS_LOC_ANY is the first that is free. Return: a location, or -errno */
static int flow_location(const struct vifront *fe, u32 location)
{
	u32 i;

	if (location < VIFFLOW_RULES_MAX)
		return location;
	if (location != RX_CLS_LOC_ANY)
		return -EINVAL;
	for (i = 0; i < VIFFLOW_RULES_MAX; i++)
		if (!fe->flows.rule[i])
			return i;
	return -ENOSPC;
}

/* @f is in force before the rule that it replaces ends: no frame finds neither. */
static int flow_replace(struct vifront *fe, struct vifront_flow *f)
{
	struct vifront_flow **place = &fe->flows.rule[f->fs.location];
	int rc = flow_create(fe, f);

	if (rc)
		return rc;
	if (*place && (*place)->active) {
		rc = flow_destroy(fe, *place);
		if (rc) {
			flow_destroy(fe, f);
			return rc;
		}
	}
	kfree(*place);
	*place = f;
	flow_count(fe);
	return 0;
}

/**
 * vifront_flow_insert() - Add a rule, or replace the one at its location
 * @fe: Interface
 * @fs: The rule; its location is set if it was RX_CLS_LOC_ANY
 *
 * Under rtnl, sleeps. Logs why it fails.
 *
 * Return: 0; -EOPNOTSUPP: the back end takes no rules, or not this one; or
 * -errno. Nothing has changed then
 */
int vifront_flow_insert(struct vifront *fe, struct ethtool_rx_flow_spec *fs)
{
	struct vifront_flow *f;
	int rc;

	if (!fe->flows.live) {
		net_warn_ratelimited("%s: %s\n", fe->netdev->name, fe->cap.flows ?
				     "ntuple is off" : "the back end takes no flow rules");
		return -EOPNOTSUPP;
	}
	if (!flow_has_queue(fe, fs)) {
		net_warn_ratelimited("%s: no queue %llu, there are %u\n", fe->netdev->name,
				     fs->ring_cookie, fe->netdev->real_num_rx_queues);
		return -EINVAL;
	}
	rc = flow_location(fe, fs->location);
	if (rc < 0)
		return rc;
	fs->location = rc;
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	f->fs = *fs;
	rc = flow_replace(fe, f);
	if (rc)
		kfree(f);
	return rc;
}

/* The rule at @location; NULL if there is none. Under rtnl. */
const struct vifront_flow *vifront_flow_at(const struct vifront *fe, u32 location)
{
	return location < VIFFLOW_RULES_MAX ? fe->flows.rule[location] : NULL;
}

/* Under rtnl, sleeps. Return: 0; -ENOENT; or -errno, the rule stays */
int vifront_flow_delete(struct vifront *fe, u32 location)
{
	struct vifront_flow *f;
	int rc;

	if (!vifront_flow_at(fe, location))
		return -ENOENT;
	f = fe->flows.rule[location];
	rc = f->active ? flow_destroy(fe, f) : 0;
	if (rc)
		return rc;
	fe->flows.rule[location] = NULL;
	kfree(f);
	flow_count(fe);
	return 0;
}

/* At remove. */
void vifront_flow_fini(struct vifront *fe)
{
	unsigned int i;

	for (i = 0; i < VIFFLOW_RULES_MAX; i++)
		kfree(fe->flows.rule[i]);
}
