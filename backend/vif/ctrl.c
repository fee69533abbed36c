/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "path/ring.h"
#include "path/zc_rx.h"
#include "path/zc_tx.h"
#include "xen/devmap.h"
#include "ctrl_flows.h"
#include "ctrl_hash.h"
#include "ctrl_kept.h"
#include "ctrl_turn.h"
#include "vf_rules.h"
#include "vf_wish.h"
#include "grants.h"
#include "zerocopy_tx.h"
#include "zerocopy_rx.h"

LOG_TAG("ctrl");

#define CTRL_BATCH KEPT_ANSWERS
#define CTRL_PAUSE_US 1000u
/* A channel that rings for nothing waits twice as long each time, up to this. */
#define CTRL_PAUSE_MAX_US 64000u
/*
 * A guest that made us wait N us for a device gets its next turn CTRL_WAITED * N us later, and no
 * later than front ends wait for (BUDGET_ANSWER_US).
 */
#define CTRL_WAITED 20u
#define LIST_MAX (NETIF_PAGE_SIZE / sizeof(struct netif_gref))

/*
 * struct ctrl
 * @ref, @channel: as the guest named ring and event channel
 * @flows:   the guest's flow rules
 * @vif, @wishes, @rules, @message: see ctrl_serve_pf()
 * @kept:    what the guest sets is kept here, NULL = nowhere
 * @restore: the guest's pages of a former back end, of which some are not mapped yet; NULL = none
 * @restore_queue, @restore_at: the next of them
 * @answers: of this turn, not visible yet
 */
struct ctrl {
	struct host *host;
	uint16_t domid;
	uint32_t ref, channel;
	struct netif_ctrl_sring *sring;
	uint32_t req_cons, rsp_prod;
	struct kept *kept;
	struct ctrl_flows flows;
	struct vif *vif;
	struct vf_wishes *wishes;
	struct vf_rules_table *rules;
	uint32_t (*message)(struct vif *vif, struct turn *turn);
	const struct kept_ctrl *restore;
	uint32_t restore_queue, restore_at;
	union netif_ctrl_entry answers[CTRL_BATCH];
	int port;
	bool rang;
	uint64_t turn_us;  /* no turn before this */
	uint32_t pause_us; /* after the next ring for nothing */
};

struct ctrl *ctrl_open(struct host *host, uint16_t domid, uint32_t ref, uint32_t port)
{
	struct ctrl *ctrl = calloc(1, sizeof(*ctrl));
	int ret = 0;

	if (!ctrl)
		return NULL;
	ctrl->host = host;
	ctrl->domid = domid;
	ctrl->ref = ref;
	ctrl->channel = port;
	ctrl->port = -1;
	ctrl->sring = gnt_map(host->gnt, domid, &ref, 1, true);
	if (!ctrl->sring) {
		ret = -errno;
		goto err;
	}
	ctrl->rsp_prod = ring_load_acquire(&ctrl->sring->idx.rsp_prod);
	ctrl->req_cons = ctrl->rsp_prod;
	if (ring_load_acquire(&ctrl->sring->idx.req_prod) - ctrl->req_cons > NETIF_CTRL_RING_SIZE) {
		ret = -EINVAL;
		goto err;
	}
	ctrl->port = evt_bind(host->evt, domid, port);
	if (ctrl->port >= 0)
		return ctrl;
	ret = ctrl->port;
err:
	ctrl_close(ctrl);
	errno = -ret;
	return NULL;
}

void ctrl_close(struct ctrl *ctrl)
{
	if (!ctrl)
		return;
	if (ctrl->port >= 0)
		evt_unbind(ctrl->host->evt, (uint32_t)ctrl->port);
	if (ctrl->sring)
		gnt_unmap(ctrl->host->gnt, ctrl->sring, 1);
	ctrl_flows_free(&ctrl->flows);
	free(ctrl);
}

void ctrl_identity(const struct ctrl *ctrl, uint32_t *ref, uint32_t *port)
{
	*ref = ctrl->ref;
	*port = ctrl->channel;
}

bool ctrl_was_served(const struct ctrl *ctrl)
{
	return ctrl->rsp_prod != 0;
}

/* Make answers visible to the guest. */
static void publish(struct ctrl *ctrl, const union netif_ctrl_entry *answers, uint32_t nr)
{
	uint32_t old = ctrl->rsp_prod;

	for (uint32_t i = 0; i < nr; i++)
		memcpy(&ctrl->sring->entry[ctrl->rsp_prod++ % NETIF_CTRL_RING_SIZE], &answers[i],
		       sizeof(answers[i]));
	if (nr && ring_push(&ctrl->sring->idx, old, ctrl->rsp_prod))
		evt_notify(ctrl->host->evt, (uint32_t)ctrl->port);
}

void ctrl_serve_pf(struct ctrl *ctrl, struct vif *vif, struct vf_wishes *wishes,
		   struct vf_rules_table *rules,
		   uint32_t (*message)(struct vif *vif, struct turn *turn))
{
	ctrl->vif = vif;
	ctrl->wishes = wishes;
	ctrl->rules = rules;
	ctrl->message = message;
}

void ctrl_keep(struct ctrl *ctrl, struct path *path, struct kept *kept)
{
	const struct kept_ctrl *state = kept_ctrl(kept);
	uint32_t nr, owed;

	ctrl->kept = kept;
	ctrl->flows.counts = kept_flow_counts(kept);
	if (ctrl->rules)
		vf_rules_restore(ctrl->rules, NULL, kept_vf_rule_counts(kept));
	if (!state)
		return;
	nr = state->rsp_prod - state->rsp_from;
	owed = state->rsp_prod - ctrl->rsp_prod;
	if ((int32_t)owed > 0 && (owed > nr || nr > KEPT_ANSWERS))
		return; /* the ring has not got there: it is not that one */
	if ((int32_t)owed > 0) {
		ctrl->req_cons = state->rsp_prod;
		publish(ctrl, state->answers + (nr - owed), owed);
	}
	ctrl_kept_steer(state, path);
	ctrl_flows_restore(&ctrl->flows, &state->flows, path);
	if (ctrl->wishes)
		*ctrl->wishes = state->wishes;
	if (ctrl->rules)
		vf_rules_restore(ctrl->rules, &state->vf_rules, kept_vf_rule_counts(kept));
	ctrl->restore = state;
}

bool ctrl_rang(struct ctrl *ctrl, uint32_t port)
{
	if (ctrl->port != (int)port)
		return false;
	ctrl->rang = true;
	return true;
}

static const struct statics *find_statics(const struct turn *turn)
{
	if (turn->req.data[0] >= path_nr_queues(turn->path))
		return NULL;
	return path_get_statics(turn->path, turn->req.data[0]);
}

static uint32_t get_gref_mapping_size(struct turn *turn)
{
	if (!find_statics(turn))
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	turn->data = path_get_live(turn->path)->no_statics ? 0 : STATICS_MAX;
	return NETIF_CTRL_STATUS_SUCCESS;
}

struct statics_call {
	struct path *path;
	uint32_t queue;
	struct statics *statics;
};

static int run_swap_statics(struct worker *worker, void *arg)
{
	const struct statics_call *call = arg;

	(void)worker;
	path_swap_statics(call->path, call->queue, call->statics);
	return 0;
}

/* The queue uses @statics from now on, which becomes what it used before. */
static void swap_statics(struct turn *turn, struct statics *statics)
{
	turn->lent = true;
	worker_run(turn->worker, run_swap_statics,
		   &(struct statics_call){
			   .path = turn->path, .queue = turn->req.data[0], .statics = statics });
}

static bool fetch_list(struct turn *turn, struct netif_gref list[LIST_MAX], uint32_t nr)
{
	if (!nr || nr > LIST_MAX)
		return false;
	turn->pages += nr;
	return turn_fetch(turn, turn->req.data[1], list, nr * (uint32_t)sizeof(list[0]));
}

static struct grants grants_of(const struct turn *turn)
{
	return (struct grants){ .gnt = turn->gnt,
				.domid = turn->domid,
				.one_queue = path_nr_queues(turn->path) == 1 };
}

/* All or nothing. */
static uint32_t add_grefs(struct turn *turn)
{
	const struct statics *statics = find_statics(turn);
	struct netif_gref list[LIST_MAX];
	uint32_t nr = turn->req.data[2];
	struct grants grants = grants_of(turn);
	struct statics new;

	if (!statics || path_get_live(turn->path)->no_statics || !fetch_list(turn, list, nr) ||
	    statics->nr + nr > STATICS_MAX || grants_copy(statics, list, nr, &new))
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	if (grants_add(&grants, &new, list, nr)) {
		free(new.page);
		if (new.tx_lease != statics->tx_lease)
			free(new.tx_lease);
		if (new.rx_lease != statics->rx_lease)
			free(new.rx_lease);
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	}
	swap_statics(turn, &new);
	free(new.page);
	return NETIF_CTRL_STATUS_SUCCESS;
}

/* Return: false: a device still has some of the queue's pages */
static bool wait_for_devices(struct turn *turn, const struct statics *statics)
{
	uint32_t queue = turn->req.data[0];
	uint32_t ended_us = zerocopy_rx_end(turn->zerocopy_rx, turn->worker, turn->path, true);
	bool through = !statics->tx_lease ||
		       zerocopy_tx_wait(turn->worker, turn->path, queue, queue, &turn->waited_us);

	turn->waited_us += ended_us;
	return through && !lease_is_out(statics->rx_lease);
}

/*
 * Publish @new, a table without the pages, wait until no device has them, unmap them. If a
 * device keeps them, publish the former table again. Return: the pages are gone
 */
static bool withdraw(struct turn *turn, struct statics *new, const struct static_page gone[],
		     uint32_t nr_gone)
{
	struct grants grants = grants_of(turn);
	struct grants_rest rest;

	if (grants_split(&grants, new, gone, nr_gone, &rest))
		return false;
	turn->pages += rest.nr;
	swap_statics(turn, new);
	if (!wait_for_devices(turn, new)) {
		swap_statics(turn, new);
		grants_take(new, rest.list, rest.nr, rest.at);
		grants_unmap(&grants, rest.at, rest.nr);
		return false;
	}
	grants_unmap(&grants, gone, nr_gone);
	grants_unmap(&grants, rest.at, rest.nr);
	return true;
}

/* Nobody waits for a device, or splits a mapping, for pages that were not there. */
static uint32_t del_grefs(struct turn *turn)
{
	const struct statics *statics = find_statics(turn);
	struct netif_gref list[LIST_MAX];
	uint32_t nr = turn->req.data[2];
	struct gnt_copy back = { .local = list, .ref = turn->req.data[1] };
	struct static_page gone[LIST_MAX];
	struct statics new;
	uint32_t nr_gone;
	bool done;

	if (!statics || !fetch_list(turn, list, nr))
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	new = *statics;
	new.page = statics_reserve(statics, 0, &new.limit);
	if (!new.page)
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	nr_gone = grants_take(&new, list, nr, gone);
	done = !nr_gone || withdraw(turn, &new, gone, nr_gone);
	free(new.page);
	if (!done)
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	turn->data = nr_gone;
	back.len = (uint16_t)(nr * sizeof(list[0]));
	/* If the list cannot be written the guest still has the count. */
	gnt_copy_out(turn->gnt, turn->ctrl->domid, &back, 1);
	return NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t (*const messages[])(struct turn *turn) = {
	[NETIF_CTRL_GET_HASH_FLAGS] = ctrl_hash_get_flags,
	[NETIF_CTRL_SET_HASH_FLAGS] = ctrl_hash_set_flags,
	[NETIF_CTRL_SET_HASH_KEY] = ctrl_hash_set_key,
	[NETIF_CTRL_GET_HASH_MAPPING_SIZE] = ctrl_hash_get_mapping_size,
	[NETIF_CTRL_SET_HASH_MAPPING_SIZE] = ctrl_hash_set_mapping_size,
	[NETIF_CTRL_SET_HASH_MAPPING] = ctrl_hash_set_mapping,
	[NETIF_CTRL_SET_HASH_ALGORITHM] = ctrl_hash_set_algorithm,
	[NETIF_CTRL_GET_GREF_MAPPING_SIZE] = get_gref_mapping_size,
	[NETIF_CTRL_ADD_GREF_MAPPING] = add_grefs,
	[NETIF_CTRL_DEL_GREF_MAPPING] = del_grefs,
};

static uint32_t dispatch(struct turn *turn)
{
	uint16_t type = turn->req.type;

	if (ctrl_flows_knows(type))
		return ctrl_flows_message(turn);
	if (turn->ctrl->message && type >= VIFVPF_CTRL_ENABLE && type <= VIFVPF_CTRL_RULE_COUNTS)
		return turn->ctrl->message(turn->ctrl->vif, turn);
	if (type >= sizeof(messages) / sizeof(messages[0]) || !messages[type])
		return NETIF_CTRL_STATUS_NOT_SUPPORTED;
	return messages[type](turn);
}

static union netif_ctrl_entry answer(struct turn *turn)
{
	struct ctrl *ctrl = turn->ctrl;
	union netif_ctrl_entry entry;

	memcpy(&turn->req, &ctrl->sring->entry[ctrl->req_cons++ % NETIF_CTRL_RING_SIZE],
	       sizeof(turn->req));
	__asm__ __volatile__("" : : : "memory");
	turn->data = 0;
	memset(&entry, 0, sizeof(entry));
	entry.rsp.status = dispatch(turn);
	entry.rsp.id = turn->req.id;
	entry.rsp.type = turn->req.type;
	entry.rsp.data = turn->data;
	return entry;
}

/* The pages that the guest lent to a former back end: of one queue, as many as one list has. */
static void restore_some(struct turn *turn)
{
	struct ctrl *ctrl = turn->ctrl;
	struct netif_gref list[LIST_MAX];
	struct grants grants = grants_of(turn);
	uint32_t nr, failed = 0;
	struct statics new;

	nr = ctrl_kept_pages(ctrl->restore, ctrl->restore_queue, ctrl->restore_at, list, LIST_MAX);
	turn->req.data[0] = ctrl->restore_queue;
	turn->pages += nr;
	ctrl->restore_at += nr;
	if (nr < LIST_MAX) {
		ctrl->restore_queue++;
		ctrl->restore_at = 0;
	}
	if (!nr || grants_copy(find_statics(turn), list, nr, &new))
		return;
	if (grants_add(&grants, &new, list, nr))
		for (uint32_t i = 0; i < nr; i++)
			failed += grants_add(&grants, &new, &list[i], 1) != 0;
	swap_statics(turn, &new);
	free(new.page);
	if (failed)
		log_warn("vif %u: %u of %u static grants cannot be mapped again", ctrl->domid,
			 failed, nr);
}

/* Return: false: there are more */
static bool restore(struct turn *turn)
{
	struct ctrl *ctrl = turn->ctrl;

	while (ctrl->restore && turn->pages < LIST_MAX) {
		restore_some(turn);
		if (ctrl->restore_queue >= path_nr_queues(turn->path))
			ctrl->restore = NULL;
	}
	return !ctrl->restore;
}

/* First what the answers speak of is kept, then they are visible: a kill between the two is made up for. */
static void finish(struct turn *turn, uint32_t done)
{
	struct ctrl *ctrl = turn->ctrl;

	if (ctrl->kept && (turn->set || turn->lent))
		ctrl_kept_write(ctrl->kept, turn->path, ctrl->wishes,
				ctrl->rules ? ctrl->rules->table : NULL, turn->lent, ctrl->rsp_prod,
				ctrl->answers, done);
	publish(ctrl, ctrl->answers, done);
}

static void set_pause(const struct turn *turn, bool done, uint64_t now_us)
{
	struct ctrl *ctrl = turn->ctrl;

	if (done || !ctrl->pause_us)
		ctrl->pause_us = CTRL_PAUSE_US;
	if (done)
		ctrl->turn_us = now_us + CTRL_PAUSE_US +
				RTE_MIN((uint64_t)turn->waited_us * CTRL_WAITED, BUDGET_ANSWER_US);
	if (done || !ctrl->rang)
		return;
	ctrl->turn_us = now_us + ctrl->pause_us;
	ctrl->pause_us = RTE_MIN(ctrl->pause_us * 2, CTRL_PAUSE_MAX_US);
}

const char *ctrl_run(struct ctrl *ctrl, struct path *path, struct worker *worker,
		     struct zerocopy_rx *zerocopy_rx, struct nic_flows *nic_flows, uint64_t now_us,
		     uint64_t *due_us)
{
	struct turn turn = {
		.ctrl = ctrl,
		.gnt = ctrl->host->gnt,
		.domid = ctrl->domid,
		.path = path,
		.worker = worker,
		.zerocopy_rx = zerocopy_rx,
		.flows = &ctrl->flows,
		.nic_flows = nic_flows,
	};
	uint32_t avail, done = 0;

	*due_us = UINT64_MAX;
	if (now_us < ctrl->turn_us) {
		*due_us = ctrl->turn_us;
		return NULL;
	}
	if (!restore(&turn)) {
		ctrl->turn_us = now_us + CTRL_PAUSE_US;
		*due_us = ctrl->turn_us;
		return NULL;
	}
	turn.lent = false;
	avail = ring_load_acquire(&ctrl->sring->idx.req_prod) - ctrl->req_cons;
	if (avail > NETIF_CTRL_RING_SIZE)
		return "control ring: request index beyond the ring";
	while (done < avail && done < CTRL_BATCH && turn.pages < LIST_MAX && !turn.waited_us) {
		ctrl->answers[done] = answer(&turn);
		done++;
	}
	finish(&turn, done);
	set_pause(&turn, done, now_us);
	if (ring_arm(&ctrl->sring->idx, ctrl->req_cons + 1)) {
		*due_us = ctrl->turn_us;
		return NULL;
	}
	if (ctrl->rang) {
		ctrl->rang = false;
		evt_unmask(ctrl->host->evt, (uint32_t)ctrl->port);
	}
	return NULL;
}
