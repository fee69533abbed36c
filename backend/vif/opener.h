/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opens and closes VF ports in a thread of its own: programming a PF and waiting
 * for a VF's link takes seconds, and no vif may wait for another's.
 *
 * Jobs are done one after the other, in order. The control thread asks, and
 * takes results when it was woken.
 */
#ifndef VIFD_VIF_OPENER_H
#define VIFD_VIF_OPENER_H

#include <stdbool.h>
#include <stdint.h>

#include "port/nic.h"

struct opener;

/** struct opener_result - A VF for the vif that asked; @port NULL = none to be had, see @error */
struct opener_result {
	uint64_t ticket;
	struct port *port;
	int error;
};

/** opener_start() - @raise is woken when a result is there. Return: opener, NULL + errno */
struct opener *opener_start(struct wake *raise);

/** opener_stop() - Does what is still asked for, closes results that nobody took; NULL is fine */
void opener_stop(struct opener *opener);

/** opener_open() - Ask for a VF. Return: the result's ticket, 0 = no memory */
uint64_t opener_open(struct opener *opener, struct nic *nic, const struct rte_ether_addr *mac,
		     const char *owner);

/** opener_close() - Close a detached port; at once if no memory for the job */
void opener_close(struct opener *opener, struct port *port);

/** opener_take() - Take one result. Return: false if there is none */
bool opener_take(struct opener *opener, struct opener_result *result);

#endif
