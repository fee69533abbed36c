/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl_kept.h"

#include <string.h>

/* Return: how many, written to @pages */
static uint32_t put_pages(const struct statics *statics, uint32_t *pages)
{
	uint32_t nr = 0;

	for (uint32_t ref = 0; ref < statics->limit && nr < statics->nr; ref++)
		if (statics->page[ref].at)
			pages[nr++] =
				ref |
				(statics->page[ref].at & STATICS_READONLY ? KEPT_READONLY : 0);
	return nr;
}

static uint32_t all_pages(const struct kept_ctrl *state)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < NETIF_QUEUES_MAX; i++)
		nr += state->nr_pages[i];
	return nr;
}

void ctrl_kept_write(struct kept *kept, const struct path *path, const struct vf_wishes *wishes,
		     const struct flows *vf_rules, bool lent, uint32_t rsp_from,
		     const union netif_ctrl_entry *answers, uint32_t nr)
{
	const struct kept_ctrl *now = lent ? NULL : kept_ctrl(kept);
	struct kept_ctrl *next = kept_ctrl_begin(kept);
	uint32_t *end = next->pages;

	memset(next, 0, sizeof(*next));
	next->rsp_from = rsp_from;
	next->rsp_prod = rsp_from + nr;
	memcpy(next->answers, answers, nr * sizeof(answers[0]));
	next->steer = *path_get_steer(path);
	if (path_get_flows(path))
		next->flows = *path_get_flows(path);
	if (wishes)
		next->wishes = *wishes;
	if (vf_rules)
		next->vf_rules = *vf_rules;
	if (now) {
		memcpy(next->nr_pages, now->nr_pages, sizeof(next->nr_pages));
		memcpy(next->pages, now->pages, all_pages(now) * sizeof(next->pages[0]));
	}
	for (uint32_t i = 0; !now && i < path_nr_queues(path); i++) {
		next->nr_pages[i] = put_pages(path_get_statics(path, i), end);
		end += next->nr_pages[i];
	}
	kept_ctrl_commit(kept);
}

void ctrl_kept_steer(const struct kept_ctrl *state, struct path *path)
{
	const struct steer *steer = &state->steer;

	if ((steer->algorithm != NETIF_HASH_ALG_NONE &&
	     steer->algorithm != NETIF_HASH_ALG_TOEPLITZ) ||
	    steer->flags >> NETIF_HASH_TYPES || steer->nr_mapping > STEER_MAPPING_MAX)
		return;
	for (uint32_t i = 0; i < steer->nr_mapping; i++)
		if (steer->mapping[i] >= path_nr_queues(path))
			return;
	path_set_steer(path, steer);
}

uint32_t ctrl_kept_pages(const struct kept_ctrl *state, uint32_t queue, uint32_t first,
			 struct netif_gref *list, uint32_t most)
{
	uint32_t before = 0, nr = 0;

	for (uint32_t i = 0; i < queue; i++)
		before += state->nr_pages[i];
	for (uint32_t i = first; i < state->nr_pages[queue] && nr < most; i++) {
		uint32_t page = state->pages[before + i];

		list[nr++] = (struct netif_gref){ .ref = page & ~KEPT_READONLY,
						  .flags = page & KEPT_READONLY ?
								   NETIF_GREF_READONLY :
								   0 };
	}
	return nr;
}
