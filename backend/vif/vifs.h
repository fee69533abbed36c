/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All vifs: follows backend/vif in xenstore. Control thread only.
 */
#ifndef VIFD_VIF_VIFS_H
#define VIFD_VIF_VIFS_H

#include <stdint.h>

#include "host.h"

struct vifs;
struct vif;

/** vifs_open() - Watch, and take up what is there. Return: vifs, NULL with errno set */
struct vifs *vifs_open(struct host *host);

/** vifs_close() - Disconnect every vif, states in xenstore as they are; NULL is fine */
void vifs_close(struct vifs *vifs);

/**
 * vifs_run() - Take watch events, faults and ready VFs; update what changed
 * @now_us: monotonic
 *
 * Any number of events about a vif is one update (XSA-349). Return: when to be
 * called again at the latest, monotonic us, UINT64_MAX = not before something
 * happens
 */
uint64_t vifs_run(struct vifs *vifs, uint64_t now_us);

/** vifs_links_changed() - Some network device did: vifs whose link is another now are due */
void vifs_links_changed(struct vifs *vifs);

/** vifs_policy_changed() - Files of the policy folder did: every vif reads its policy again */
void vifs_policy_changed(struct vifs *vifs);

/** vifs_find() - Return: the vif, NULL = there is none */
struct vif *vifs_find(struct vifs *vifs, uint32_t domid, uint32_t handle);

/** vifs_at() - Return: the @n-th vif, from 0; NULL = there are fewer */
struct vif *vifs_at(struct vifs *vifs, uint32_t n);

#endif
