/* SPDX-License-Identifier: BSD-3-Clause */
#include "foreign.h"

#include <stdio.h>
#include <string.h>

#include "base/events.h"
#include "vif.h"

LOG_TAG("foreign");

static struct vif *find_owner(const struct host *host, const char *owner)
{
	struct vif *vif;

	TAILQ_FOREACH (vif, &host->vifs, link)
		if (!strcmp(vif->name, owner))
			return vif;
	return NULL;
}

/* The rule that says the same. Return: false: there is none */
static bool rule_of(const struct nic_change *change, char rule[64])
{
	static const char *const links[] = {
		[PORT_LINK_AUTO] = "auto", [PORT_LINK_ON] = "on", [PORT_LINK_OFF] = "off"
	};
	const struct pf_vf *now = &change->values;

	switch (change->value) {
	case PF_VLAN:
		if (now->vlan_proto == RTE_ETHER_TYPE_QINQ)
			return false;
		snprintf(rule, 64, now->vlan ? "vlan-insert=%u/%u" : "vlan-insert", now->vlan,
			 now->qos);
		return true;
	case PF_SPOOFCHK:
		snprintf(rule, 64, "anti-spoof=%u", now->spoofchk);
		return true;
	case PF_LINK:
		snprintf(rule, 64, "link=%s", links[now->link]);
		return true;
	case PF_RATE:
		/* bytes a millisecond */
		snprintf(rule, 64, now->max_mbps ? "rate=%u,1000" : "rate", now->max_mbps * 125u);
		return true;
	default:
		return false;
	}
}

/* A VLAN of the PF's would be a second tag beside the rule's. */
static enum nic_verdict adopt(const struct host *host, const struct nic_change *change,
			      const char **done, char why[POLICY_ERROR_MAX])
{
	struct vif *vif = find_owner(host, change->owner);
	char rule[64];

	snprintf(why, POLICY_ERROR_MAX, "no rule says the same");
	if (!vif || !rule_of(change, rule) || vif_set_policy(vif, rule, why))
		return NIC_RESTORE;
	why[0] = '\0';
	*done = "adopted as a rule";
	return change->value == PF_VLAN ? NIC_RESTORE : NIC_ACCEPT;
}

static void tell(const struct nic_change *change, const char *done)
{
	struct event event;

	event_begin(&event, "vf-changed");
	event_text(&event, "vif", strchr(change->owner, ' ') + 1);
	event_text(&event, "nic", change->config->name);
	event_text(&event, "pf", change->config->pf);
	event_number(&event, "vf", change->vf);
	event_text(&event, "value", change->name);
	event_text(&event, "was", change->was);
	event_text(&event, "now", change->now);
	event_text(&event, "action", done);
	event_send(&event);
}

static enum nic_verdict judge(const struct nic_change *change, void *arg)
{
	static struct log_limit limit = { .more = 20 };
	enum nic_verdict verdict = NIC_RESTORE;
	const char *done = "set back";
	char why[POLICY_ERROR_MAX] = "";

	if (change->config->foreign == CONFIG_FOREIGN_ADOPT) {
		verdict = adopt(arg, change, &done, why);
	} else if (change->config->foreign == CONFIG_FOREIGN_REPORT) {
		verdict = NIC_LEAVE;
		done = "left, until the vif gives the VF back";
	}
	if (log_allowed(&limit))
		log_warn("%s: somebody else changed the %s of VF %u of %s from %s to %s: %s%s%s; "
			 "'vifctl set' changes a vif's rules",
			 change->owner, change->name, change->vf, change->config->pf, change->was,
			 change->now, done, *why ? ": " : "", why);
	tell(change, done);
	return verdict;
}

void foreign_look(struct host *host)
{
	for (uint32_t i = 0; i < host->nr_nics; i++)
		nic_look_vfs(host->nics[i], judge, host);
}
