/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl_flows.h"

#include <stdlib.h>
#include <string.h>

#include "path/flow_check.h"
#include "path/path.h"
#include "xen/gnt.h"
#include "nic_flows.h"
#include "worker.h"
#include "zerocopy_rx.h"

static uint32_t refuse(struct turn *turn, uint32_t data)
{
	turn->data = data;
	return NETIF_CTRL_STATUS_INVALID_PARAMETER;
}

struct flows_call {
	struct path *path;
	const struct flows *table;
	struct flow_counts *counts;
};

static int run_set(struct worker *worker, void *arg)
{
	const struct flows_call *call = arg;

	(void)worker;
	path_set_flows(call->path, call->table, call->counts);
	return 0;
}

/* The path takes @table, which is ours from now on; the former one is freed. */
static void set_table(struct turn *turn, struct flows *table)
{
	struct ctrl_flows *flows = turn->flows;

	if (table && !table->nr && !table->isolated) {
		free(table);
		table = NULL;
	}
	if (table)
		turn->waited_us +=
			zerocopy_rx_end(turn->zerocopy_rx, turn->worker, turn->path, true);
	nic_flows_keep(turn->nic_flows, turn->worker, turn->path, table, path_get_live(turn->path));
	worker_run(turn->worker, run_set,
		   &(struct flows_call){
			   .path = turn->path, .table = table, .counts = flows->counts });
	free(flows->table);
	flows->table = table;
	turn->set = true;
}

/* Return: a copy of the table to be changed, NULL = no memory */
static struct flows *copy_table(struct ctrl_flows *flows)
{
	struct flows *copy;

	if (!flows->counts) {
		flows->own = calloc(1, sizeof(*flows->own));
		flows->counts = flows->own;
	}
	if (!flows->counts)
		return NULL;
	if (!flows->table)
		return calloc(1, sizeof(*copy));
	copy = malloc(sizeof(*copy));
	if (copy)
		*copy = *flows->table;
	return copy;
}

/* Return: 0, or the data of a response that refuses the rule */
static uint32_t read_rule(struct turn *turn, struct flow_draft *draft)
{
	const struct path_live *live = path_get_live(turn->path);
	const struct flows *table = turn->flows->table;
	struct vifflow_rule wire;
	uint32_t refused;

	if (turn->req.data[1] || turn->req.data[2])
		return VIFFLOW_REASON_LAYOUT;
	if (!turn_fetch(turn, turn->req.data[0], &wire, sizeof(wire)))
		return VIFFLOW_REASON_PAGE;
	refused = flow_check(&wire, path_nr_queues(turn->path), &live->policy, draft);
	if (refused)
		return refused;
	if (table && flows_find(table, wire.id) >= 0)
		return VIFFLOW_REASON_EXISTS;
	if ((table ? table->nr : 0) >= live->flows)
		return VIFFLOW_REASON_MANY;
	if ((table ? table->nr_words : 0) + draft->rule.nr_words > FLOWS_WORDS_MAX)
		return VIFFLOW_REASON_COST;
	return 0;
}

static uint32_t validate(struct turn *turn)
{
	struct flow_draft draft;
	uint32_t refused = read_rule(turn, &draft);

	return refused ? refuse(turn, refused) : NETIF_CTRL_STATUS_SUCCESS;
}

static void clear_count(struct flow_counts *counts, uint32_t slot)
{
	atomic_store_explicit(&counts->of[slot].frames, 0, memory_order_relaxed);
	atomic_store_explicit(&counts->of[slot].bytes, 0, memory_order_relaxed);
}

static uint32_t create(struct turn *turn)
{
	struct flow_draft draft;
	uint32_t refused = read_rule(turn, &draft);
	struct flows *table;

	if (refused)
		return refuse(turn, refused);
	table = copy_table(turn->flows);
	if (!table)
		return refuse(turn, VIFFLOW_REASON_MEMORY);
	flows_insert(table, &draft.rule, draft.words);
	clear_count(turn->flows->counts, table->rules[flows_find(table, draft.rule.id)].slot);
	set_table(turn, table);
	return NETIF_CTRL_STATUS_SUCCESS;
}

/* Return: index of the rule that the message names, -1 = there is none */
static int named_rule(const struct turn *turn)
{
	return turn->flows->table ? flows_find(turn->flows->table, turn->req.data[0]) : -1;
}

static uint32_t destroy(struct turn *turn)
{
	int index = named_rule(turn);
	struct flows *table;

	if (turn->req.data[1] || turn->req.data[2])
		return refuse(turn, VIFFLOW_REASON_LAYOUT);
	if (index < 0)
		return refuse(turn, VIFFLOW_REASON_ABSENT);
	table = copy_table(turn->flows);
	if (!table)
		return refuse(turn, VIFFLOW_REASON_MEMORY);
	flows_remove(table, (uint32_t)index);
	set_table(turn, table);
	return NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t flush(struct turn *turn)
{
	struct flows *table;

	if (turn->req.data[0] || turn->req.data[1] || turn->req.data[2])
		return refuse(turn, VIFFLOW_REASON_LAYOUT);
	if (!turn->flows->table || !turn->flows->table->nr)
		return NETIF_CTRL_STATUS_SUCCESS;
	table = copy_table(turn->flows);
	if (!table)
		return refuse(turn, VIFFLOW_REASON_MEMORY);
	turn->data = table->nr;
	table->nr = 0;
	table->nr_words = 0;
	set_table(turn, table);
	return NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t query(struct turn *turn)
{
	int index = named_rule(turn);
	struct vifflow_count count = { .hardware =
					       nic_flows_has(turn->nic_flows, turn->req.data[0]) };
	struct gnt_copy back = { .local = &count, .ref = turn->req.data[1], .len = sizeof(count) };
	uint32_t slot;

	if (turn->req.data[2] & ~VIFFLOW_QUERY_RESET)
		return refuse(turn, VIFFLOW_REASON_LAYOUT);
	if (index < 0)
		return refuse(turn, VIFFLOW_REASON_ABSENT);
	slot = turn->flows->table->rules[index].slot;
	count.frames =
		atomic_load_explicit(&turn->flows->counts->of[slot].frames, memory_order_relaxed);
	count.bytes =
		atomic_load_explicit(&turn->flows->counts->of[slot].bytes, memory_order_relaxed);
	if (gnt_copy_out(turn->gnt, turn->domid, &back, 1) || back.status)
		return refuse(turn, VIFFLOW_REASON_PAGE);
	if (turn->req.data[2] & VIFFLOW_QUERY_RESET) {
		atomic_fetch_sub_explicit(&turn->flows->counts->of[slot].frames, count.frames,
					  memory_order_relaxed);
		atomic_fetch_sub_explicit(&turn->flows->counts->of[slot].bytes, count.bytes,
					  memory_order_relaxed);
	}
	return NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t isolate(struct turn *turn)
{
	struct flows *table;

	if (turn->req.data[0] > 1 || turn->req.data[1] || turn->req.data[2])
		return refuse(turn, VIFFLOW_REASON_LAYOUT);
	table = copy_table(turn->flows);
	if (!table)
		return refuse(turn, VIFFLOW_REASON_MEMORY);
	table->isolated = turn->req.data[0];
	set_table(turn, table);
	return NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t (*const messages[])(struct turn *turn) = {
	[VIFFLOW_CTRL_VALIDATE - VIFFLOW_CTRL_VALIDATE] = validate,
	[VIFFLOW_CTRL_CREATE - VIFFLOW_CTRL_VALIDATE] = create,
	[VIFFLOW_CTRL_DESTROY - VIFFLOW_CTRL_VALIDATE] = destroy,
	[VIFFLOW_CTRL_FLUSH - VIFFLOW_CTRL_VALIDATE] = flush,
	[VIFFLOW_CTRL_QUERY - VIFFLOW_CTRL_VALIDATE] = query,
	[VIFFLOW_CTRL_ISOLATE - VIFFLOW_CTRL_VALIDATE] = isolate,
};

bool ctrl_flows_knows(uint16_t type)
{
	return type >= VIFFLOW_CTRL_VALIDATE && type <= VIFFLOW_CTRL_ISOLATE;
}

/* Without rules and without leave to make some, it is a message that we do not know. */
uint32_t ctrl_flows_message(struct turn *turn)
{
	if (!path_get_live(turn->path)->flows && !turn->flows->table)
		return NETIF_CTRL_STATUS_NOT_SUPPORTED;
	return messages[turn->req.type - VIFFLOW_CTRL_VALIDATE](turn);
}

void ctrl_flows_restore(struct ctrl_flows *flows, const struct flows *kept, struct path *path)
{
	if ((!kept->nr && !kept->isolated) || !flows_are_whole(kept, path_nr_queues(path)))
		return;
	flows->table = malloc(sizeof(*flows->table));
	if (!flows->table)
		return;
	*flows->table = *kept;
	flows_compile(flows->table);
	path_set_flows(path, flows->table, flows->counts);
}

void ctrl_flows_free(struct ctrl_flows *flows)
{
	free(flows->table);
	free(flows->own);
}
