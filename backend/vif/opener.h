/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opens and closes VF ports in its own thread, because programming a PF and waiting for a
 * VF's link takes seconds and must not hold up other vifs.
 *
 * The thread does one job at a time: closes first, so that what a guest leaves is free again soon,
 * then opens, for one guest after the other. Nobody waits for more than the job that is under
 * way, the closes, and one open of each other guest. The control thread asks for jobs, is woken
 * when one is done, and takes the result.
 */
#ifndef VIFD_VIF_OPENER_H
#define VIFD_VIF_OPENER_H

#include <stdbool.h>
#include <stdint.h>

#include "port/nic.h"

struct opener;

/** struct opener_result - A VF for the vif that asked; @port NULL: none, @error says why */
struct opener_result {
	uint64_t ticket;
	struct port *port;
	int error;
};

/** opener_start() - @raise is woken when a result is ready. Return: opener, NULL with errno */
struct opener *opener_start(struct wake *raise);

/** opener_stop() - Finish the jobs that are queued, close results that nobody took; NULL is fine */
void opener_stop(struct opener *opener);

/** opener_open() - nic_open_vf() for @domid. Return: the result's ticket, 0 = no memory */
uint64_t opener_open(struct opener *opener, struct nic *nic, const struct rte_ether_addr *mac,
		     const struct port_policy *policy, uint16_t domid, const char *owner);

/** opener_make_vfs() - nic_make_vfs(), before VFs are opened. Return: 0, -ENOMEM */
int opener_make_vfs(struct opener *opener, struct nic *nic);

/**
 * opener_cancel() - The VF is not wanted any more; 0 and tickets that are done are fine
 *
 * If it is being opened already its result still comes, for the caller to close.
 */
void opener_cancel(struct opener *opener, uint64_t ticket);

/** opener_close() - Close a detached port; in the calling thread if there is no memory for a job */
void opener_close(struct opener *opener, struct port *port);

/** opener_take() - Take one result. Return: false if there is none */
bool opener_take(struct opener *opener, struct opener_result *result);

#endif
