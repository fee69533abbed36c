/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a pass copies: pieces are planned frame by frame and copied together at the end, so that
 * there is one grant copy call a pass. Pieces in static pages are copied by the processor.
 * Both directions, tx.c and rx.c; worker.
 */
#ifndef VIFD_PATH_PLAN_H
#define VIFD_PATH_PLAN_H

#include <string.h>

#include "counters.h"
#include "path.h"

/* Pieces of one frame, at most: 64 KiB in 2 KiB buffers, cut again at 18 slots. */
#define PLAN_PIECES_MAX 64u

/**
 * struct plan - Of one pass; the pieces are in @tools
 * @nr_copies:  by grant copy
 * @nr_memcpys: by the processor
 */
struct plan {
	struct path_tools *tools;
	uint32_t nr_copies;
	uint32_t nr_memcpys;
};

/** plan_has_room() - For another frame? */
static inline bool plan_has_room(const struct plan *plan)
{
	return plan->nr_copies + PLAN_PIECES_MAX <= GNT_COPY_MAX &&
	       plan->nr_memcpys + PLAN_PIECES_MAX <= GNT_COPY_MAX;
}

/** plan_memcpy() - A piece between our memory and a static page */
static inline void plan_memcpy(struct plan *plan, char *to, const char *from, uint32_t len)
{
	plan->tools->memcpys[plan->nr_memcpys++] = (struct path_memcpy){ to, from, len };
}

/** plan_grant_copy() - A piece between @local and a page of the guest's; @piece: without local */
static inline void plan_grant_copy(struct plan *plan, char *local, const struct gnt_copy *piece)
{
	plan->tools->copies[plan->nr_copies++] = (struct gnt_copy){
		.local = local, .ref = piece->ref, .offset = piece->offset, .len = piece->len
	};
}

/** plan_across() - A piece from another guest's page; part of the piece before if they adjoin */
static inline void plan_across(struct plan *plan, const struct gnt_copy *piece)
{
	struct gnt_copy *last = &plan->tools->copies[plan->nr_copies - 1];

	if (plan->nr_copies && last->across && last->ref == piece->ref &&
	    last->from.ref == piece->from.ref && last->from.domid == piece->from.domid &&
	    last->offset + last->len == piece->offset &&
	    last->from.offset + last->len == piece->from.offset) {
		last->len += piece->len;
		return;
	}
	plan->tools->copies[plan->nr_copies] = *piece;
	plan->tools->copies[plan->nr_copies++].across = true;
}

/**
 * plan_run() - Copy everything
 * @copy: gnt_copy_in or gnt_copy_out
 */
static inline void plan_run(const struct plan *plan, uint16_t domid, struct path_counters *counters,
			    int (*copy)(struct gnt *gnt, uint16_t domid, struct gnt_copy *ops,
					uint32_t nr))
{
	struct path_tools *tools = plan->tools;

	for (uint32_t i = 0; i < plan->nr_memcpys; i++)
		memcpy(tools->memcpys[i].to, tools->memcpys[i].from, tools->memcpys[i].len);
	if (!plan->nr_copies)
		return;
	/* the result of the call as a whole is in each piece's status, too */
	copy(tools->gnt, domid, tools->copies, plan->nr_copies);
	path_count(counters, COUNT_copies, plan->nr_copies);
	path_count(counters, COUNT_copy_calls, 1);
}

/** plan_is_copied() - After plan_run(): have all these grant copies succeeded? */
static inline bool plan_is_copied(const struct plan *plan, uint32_t first, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		if (plan->tools->copies[first + i].status)
			return false;
	return true;
}

#endif
