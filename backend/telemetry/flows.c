/* SPDX-License-Identifier: BSD-3-Clause */
/* One vif's flow rules as telemetry shows them. Control thread. */
#include <stdio.h>

#include "data.h"
#include "path/flow_text.h"

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

static void put_rule(struct rte_tel_data *d, const struct vif *vif, const struct flows *flows,
		     const struct flow_rule *rule)
{
	const struct flow_counts *counts = path_get_flow_counts(vif->path);
	struct rte_tel_data *pieces;

	if (!d)
		return;
	put_number(d, "id", rule->id);
	put_number(d, "priority", rule->priority);
	put_text(d, "enforced", nic_flows_has(&vif->nic_flows, rule->id) ? "vf" : "software");
	put_number(d, "counts", rule->counts);
	put_number(d, "frames", counts->of[rule->slot].frames);
	put_number(d, "bytes", counts->of[rule->slot].bytes);
	pieces = start_pieces();
	if (pieces) {
		flow_text_match(flows, rule, put_piece, pieces);
		end_pieces(d, "match", pieces);
	}
	pieces = start_pieces();
	if (pieces) {
		flow_text_actions(rule, put_piece, pieces);
		end_pieces(d, "actions", pieces);
	}
}

void put_flows(struct rte_tel_data *d, const struct vif *vif, uint32_t from)
{
	const struct flows *flows = vif->path ? path_get_flows(vif->path) : NULL;

	for (uint32_t i = from; flows && i < flows->nr && i - from < FLOWS_A_PAGE; i++) {
		char name[12];

		snprintf(name, sizeof(name), "%u", i);
		put_rule(put_dict(d, name), vif, flows, &flows->rules[i]);
	}
}
