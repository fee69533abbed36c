/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The directories below backend/vif in xenstore: a vif is made for each that is vifd's, and what is
 * left of one that ended is removed. Control thread only.
 */
#ifndef VIFD_VIF_DIRECTORIES_H
#define VIFD_VIF_DIRECTORIES_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/store.h"

struct host;
struct vif;

/* So many domains are looked at alone; if more have changed, all are. */
#define DIRECTORIES_CHANGED_MAX 64u

/**
 * struct directories - Where new vifs may be found
 * @root: /local/domain/<own>/backend/vif
 * @all: directories may have appeared that no vif stands for
 * @changed: or of these domains only
 * @swept: files of vifs that ended while no vifd ran were removed
 */
struct directories {
	struct host *host;
	char root[STORE_PATH_MAX - 64];
	bool all, swept;
	uint32_t nr_changed;
	uint16_t changed[DIRECTORIES_CHANGED_MAX];
};

/** directories_init() - All have to be looked at */
void directories_init(struct directories *dirs, struct host *host);

/** directories_changed() - A directory of this domain may have appeared */
void directories_changed(struct directories *dirs, uint32_t domid);

/** directories_due() - Is there any to look at? */
bool directories_due(const struct directories *dirs);

/**
 * directories_scan() - Make a vif for each new directory that is vifd's
 * @more: events that wait may name other domains, so look at all: a new vif shall not wait
 *        behind a flood
 */
void directories_scan(struct directories *dirs, bool more);

/**
 * directories_clear() - Remove what is left of the directory of a vif that ended
 *
 * The toolstack removed it, and what was written until vifd heard of that made it again. What the
 * toolstack has put there stays.
 */
void directories_clear(const struct directories *dirs, const struct vif *vif);

#endif
