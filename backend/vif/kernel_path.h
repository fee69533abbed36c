/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule path=kernel: a vif's frames go by a netdev of its own in this domain
 * (port/kernel_port.h).
 *
 * The netdev is there before the hotplug script runs, which makes it a port of a bridge or gives
 * it routes. It stays when the guest reconnects and when vifd ends, and goes when the toolstack
 * removes the vif, or when the rule is gone and no port uses it any more. Control thread.
 */
#ifndef VIFD_VIF_KERNEL_PATH_H
#define VIFD_VIF_KERNEL_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"

struct host;
struct port;
struct vif;

/**
 * struct kernel_path - Of one vif
 * @name:    "" = there is none
 * @mtu:     what it was given
 * @looked:  there is none of a former vifd either
 * @moved_us: when the vif was last told to move to it, or from it
 * @refused: errno of the last try to make it; @tries that failed one after the other
 */
struct kernel_path {
	char name[NAMES_NETDEV_MAX];
	uint32_t mtu;
	bool looked;
	uint64_t moved_us;
	int refused;
	uint32_t tries;
};

/** kernel_path_follow() - Make, change or remove it, as the policy says; or try again later */
void kernel_path_follow(struct vif *vif, uint64_t now_us);

/** kernel_path_open() - Return: port, NULL with errno: there is no netdev that can be used */
struct port *kernel_path_open(struct vif *vif);

/** kernel_path_end() - The vif goes; its netdev too, unless vifd alone ends */
void kernel_path_end(struct vif *vif);

/** kernel_path_sweep() - All vifs are known: remove what a former vifd left of others */
void kernel_path_sweep(struct host *host);

#endif
