/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Static grants that a guest adds and deletes by control messages: tables are made here, and
 * published by ctrl.c. A list is mapped in one piece, unless devices are to have its pages,
 * which then come and go one by one. Control thread.
 */
#ifndef VIFD_VIF_GRANTS_H
#define VIFD_VIF_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ring.h"
#include "path/statics.h"

/**
 * struct grants - Whose they are
 * @one_queue: pages may be lent to devices that write
 * @again:     they are mapped once more, whatever the limits
 */
struct grants {
	struct gnt *gnt;
	uint16_t domid;
	bool one_queue, again;
};

/** grants_copy() - @new is a copy of @statics with room for all of @list. Return: 0, -errno */
int grants_copy(const struct statics *statics, const struct netif_gref *list, uint32_t nr,
		struct statics *new);

/**
 * grants_add() - Map @list into @table, all or nothing
 *
 * Return: 0, -EEXIST one is there already, -ENOSPC the guest has as many as it may, -errno
 */
int grants_add(const struct grants *grants, struct statics *table, const struct netif_gref *list,
	       uint32_t nr);

/**
 * grants_take() - Take @list out of @table; each entry is told whether it was there
 *
 * Return: how many were, in @gone: to be unmapped
 */
uint32_t grants_take(struct statics *table, struct netif_gref *list, uint32_t nr,
		     struct static_page gone[]);

/** struct grants_rest - Pages that were mapped in one piece with others: @list, as they were @at */
struct grants_rest {
	uint32_t nr;
	struct netif_gref list[STATICS_MAX];
	struct static_page at[STATICS_MAX];
};

/**
 * grants_split() - Map what is left of the pieces of @gone again, so that the pieces can go
 *
 * Return: 0, @rest to be unmapped with @gone; -errno, @table is of no use any more
 */
int grants_split(const struct grants *grants, struct statics *table,
		 const struct static_page gone[], uint32_t nr_gone, struct grants_rest *rest);

/** grants_unmap() - End the use of @nr pages */
void grants_unmap(const struct grants *grants, const struct static_page pages[], uint32_t nr);

#endif
