/* SPDX-License-Identifier: BSD-3-Clause */
/* One vif's rules as telemetry shows them. Control thread. */
#include <stdio.h>
#include <string.h>

#include "data.h"

/* Four of them may be lists of 2 KiB; an answer ends at 16. */
#define RULES_A_PAGE 8u

/* DPDK cuts texts, so a value is an array of pieces. */
static void put_value(struct rte_tel_data *d, const char *value)
{
	struct rte_tel_data *pieces = rte_tel_data_alloc();

	if (!pieces)
		return;
	rte_tel_data_start_array(pieces, RTE_TEL_STRING_VAL);
	do {
		char piece[RTE_TEL_MAX_STRING_LEN];

		snprintf(piece, sizeof(piece), "%s", value);
		rte_tel_data_add_array_string(pieces, piece);
		value += strlen(piece);
	} while (*value);
	if (rte_tel_data_add_dict_container(d, "value", pieces, 0))
		rte_tel_data_free(pieces);
}

/*
 * The path enforces every rule; does the NIC say that it does, too? Of several rules that one part
 * of a port_policy may come from, those count that are given.
 */
static bool is_in_hardware(const struct policy_key *key, bool given,
			   const struct port_policy *enforced)
{
	return (given || key->without) && port_part_enforced(enforced, key->hw);
}

/* Where a rule is not followed: why. */
static const char *note_of(const struct vif *vif, const struct policy_key *key)
{
	return !strcmp(key->name, "vf") && vif->assign.unfit ? vif->assign.unfit : "";
}

static void put_rule(struct rte_tel_data *d, const struct policy_key *key, const char *source,
		     const char *value, bool hardware)
{
	if (!d)
		return;
	put_text(d, "rule", key->name);
	put_value(d, *source ? value : key->without ? key->without : "");
	put_text(d, "source", *source ? source : "default");
	put_text(d, "enforced", hardware ? "both" : "software");
}

int put_policy(struct rte_tel_data *d, struct vif *vif, uint32_t from, char error[POLICY_ERROR_MAX])
{
	static struct policy_trace trace;
	struct port_policy enforced = { 0 };
	int ret = vif_explain_policy(vif, &trace, error);

	if (ret)
		return ret;
	if (vif->path)
		port_enforced(path_get_port(vif->path), &enforced);
	for (uint32_t n = from; n < from + RULES_A_PAGE && policy_key(n); n++) {
		const struct policy_key *key = policy_key(n);
		struct rte_tel_data *rule;
		char name[12];

		snprintf(name, sizeof(name), "%u", n);
		rule = put_dict(d, name);
		put_rule(rule, key, trace.of[n].source, trace.of[n].value,
			 is_in_hardware(key, *trace.of[n].value, &enforced));
		if (rule)
			put_text(rule, "note", note_of(vif, key));
	}
	return 0;
}
