/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds a vif by its domain and handle without a look at all the others: xenstore's events name no
 * other. Control thread only.
 */
#ifndef VIFD_VIF_VIF_INDEX_H
#define VIFD_VIF_VIF_INDEX_H

#include <stdint.h>

struct host;
struct vif;

/** struct vif_place - Where a vif stands in the index; part of it */
struct vif_place {
	uint32_t id;
	struct vif *vif;
};

/** vif_index_add() - The index holds the vif from now on. Return: 0, -ENOMEM */
int vif_index_add(struct host *host, struct vif *vif);

/** vif_index_remove() - It does no longer; before the vif is freed */
void vif_index_remove(struct host *host, struct vif *vif);

/** vif_index_find() - Return: the vif, NULL = there is none */
struct vif *vif_index_find(const struct host *host, uint32_t domid, uint32_t handle);

#endif
