/* SPDX-License-Identifier: BSD-3-Clause */
/* One vif's flow rules as telemetry shows them. Control thread. */
#include <stdio.h>

#include "data.h"
#include "path/flow_text.h"
#include "path/vf_rules.h"

/* One can have 64 fields without a name, of 30 bytes each; an answer ends at 16 KiB. */
#define FLOWS_A_PAGE 4u

static void put_piece(void *array, const char *piece)
{
	rte_tel_data_add_array_string(array, piece);
}

static struct rte_tel_data *start_pieces(void)
{
	struct rte_tel_data *pieces = rte_tel_data_alloc();

	if (pieces)
		rte_tel_data_start_array(pieces, RTE_TEL_STRING_VAL);
	return pieces;
}

static void end_pieces(struct rte_tel_data *d, const char *name, struct rte_tel_data *pieces)
{
	if (rte_tel_data_add_dict_container(d, name, pieces, 0))
		rte_tel_data_free(pieces);
}

/* struct listed - A table of rules; @sent: about what the guest sends, as rules of a virtual VF are */
struct listed {
	const struct flows *flows;
	const struct flow_counts *counts;
	bool sent;
};

static const char *enforced_by(const struct vif *vif, const struct listed *from, uint32_t id)
{
	return !from->sent && nic_flows_has(&vif->nic_flows, id) ? "vf" : "software";
}

static void put_rule(struct rte_tel_data *d, const struct vif *vif, const struct listed *from,
		     const struct flow_rule *rule)
{
	struct rte_tel_data *pieces;

	if (!d)
		return;
	put_number(d, "id", rule->id);
	put_number(d, "priority", rule->priority);
	put_text(d, "frames_of", from->sent ? "tx" : "rx");
	put_text(d, "enforced", enforced_by(vif, from, rule->id));
	put_number(d, "counts", rule->counts);
	put_number(d, "frames", from->counts->of[rule->slot].frames);
	put_number(d, "bytes", from->counts->of[rule->slot].bytes);
	pieces = start_pieces();
	if (pieces) {
		flow_text_match(from->flows, rule, put_piece, pieces);
		end_pieces(d, "match", pieces);
	}
	pieces = start_pieces();
	if (pieces) {
		flow_text_actions(rule, put_piece, pieces);
		end_pieces(d, "actions", pieces);
	}
}

/* Return: the number of its rules */
static uint32_t put_listed(struct rte_tel_data *d, const struct vif *vif, const struct listed *list,
			   uint32_t first, uint32_t from)
{
	uint32_t nr = list->flows && list->counts ? list->flows->nr : 0;

	for (uint32_t i = RTE_MAX(from, first); i < first + nr && i - from < FLOWS_A_PAGE; i++) {
		char name[12];

		snprintf(name, sizeof(name), "%u", i);
		put_rule(put_dict(d, name), vif, list, &list->flows->rules[i - first]);
	}
	return nr;
}

void put_flows(struct rte_tel_data *d, const struct vif *vif, uint32_t from)
{
	const struct vf_rules *own = vif->virtual_pf.rules.own;
	struct listed received = { NULL }, sent = { .sent = true };
	uint32_t nr;

	if (!vif->path)
		return;
	received.flows = path_get_flows(vif->path);
	received.counts = path_get_flow_counts(vif->path);
	if (own) {
		sent.flows = &own->table;
		sent.counts = own->search.counts;
	}
	nr = put_listed(d, vif, &received, 0, from);
	put_listed(d, vif, &sent, nr, from);
}
