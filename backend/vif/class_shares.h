/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps the minimum and maximum of each traffic class on a NIC's wire, over all vifs on VFs and on
 * the software switch ([nic] classes, class_min, class_max).
 *
 * Theory of operation. At each look (shares.h) the wire is divided twice by divide.h: first among
 * the classes, when it is full: each has its minimum as long as it wants that, none has more than
 * its maximum, and otherwise they have the same. Then the rate of each class among the vifs that
 * send in it, by their weights. The rates go to the vifs' ports
 * (port/wire_class.h), and frames wait for them in the vif's classes (path/classes.h). All of it is
 * done before a frame leaves vifd, so VFs and software vifs are the same; no PF is told, because
 * none knows of classes across VFs. Control thread only.
 *
 * Not protected against: see shares.h; and for one look, vifs that begin to send at the same time
 * may each send as much as their class may.
 */
#ifndef VIFD_VIF_CLASS_SHARES_H
#define VIFD_VIF_CLASS_SHARES_H

#include <stdbool.h>
#include <stdint.h>

#include "port/wire.h"
#include "divide.h"

struct config_nic;
struct port;
struct vif;

/** struct class_shares - Of a NIC; zero at first. @limit: of each class, kbit/s, 0 = none */
struct class_shares {
	bool full;
	uint32_t limit[CLASSES];
};

/**
 * struct class_shares_vif - What is known of a vif; zero at first
 * @port:   to which all else belongs
 * @waited: passes that had to wait for the port
 * @bytes, @held: of each class, when it was last looked at
 * @kbps:   what it sends in the class, smoothed
 * @limit:  what it may send in the class, kbit/s of the line; 0 = no limit
 * @waits:  frames of the class had to wait
 */
struct class_shares_vif {
	const struct port *port;
	uint64_t waited;
	struct {
		uint64_t bytes, held;
		uint32_t kbps, limit;
		bool waits;
	} of[CLASSES];
};

/**
 * class_shares_divide() - Read what was sent, and set the rates
 * @nic:  what is configured
 * @kbps: rate of the wire
 * @vifs: @nr connected vifs of the NIC
 * @rows: scratch for as many
 *
 * Return: is much sent, so that the next look should be soon?
 */
bool class_shares_divide(struct class_shares *shares, const struct config_nic *nic, uint32_t kbps,
			 struct vif *const *vifs, struct divide_row *rows, uint32_t nr,
			 uint64_t past_us);

#endif
