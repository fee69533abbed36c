/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All vifs: follows backend/vif in xenstore and updates what changed. Control thread only.
 */
#ifndef VIFD_VIF_VIFS_H
#define VIFD_VIF_VIFS_H

#include <stdint.h>

#include "host.h"

struct vifs;
struct vif;

/** vifs_open() - Set the watches; vifs_run() finds what exists. Return: vifs, NULL with errno */
struct vifs *vifs_open(struct host *host);

/** vifs_close() - Disconnect every vif, leave the states in xenstore; NULL is fine */
void vifs_close(struct vifs *vifs);

/**
 * vifs_run() - Take watch events, faults and opened VFs; update the vifs that they concern
 * @now_us: monotonic
 *
 * Any number of events about a vif makes one update (XSA-349).
 * Return: when to call it again at the latest, monotonic us; UINT64_MAX = at the next event
 */
uint64_t vifs_run(struct vifs *vifs, uint64_t now_us);

/** vifs_links_changed() - A netdev changed: update the vifs whose link did */
void vifs_links_changed(struct vifs *vifs);

/** vifs_policy_changed() - A file of the policy folder changed: every vif reads its policy again */
void vifs_policy_changed(struct vifs *vifs);

/** vifs_find() - Return: the vif, NULL = there is none */
struct vif *vifs_find(struct vifs *vifs, uint32_t domid, uint32_t handle);

/** vifs_at() - Return: vif number @n in the list, from 0; NULL = there are fewer */
struct vif *vifs_at(struct vifs *vifs, uint32_t n);

#endif
