/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TAP device in a guest's network namespace, so that every program can use its vif. Checksum and
 * segmentation offload go through to the rings as they do in Linux' netfront.
 */
#ifndef SIM_TAP_H
#define SIM_TAP_H

#include "simguest.h"

#define TAP_FRAME_MAX 65535u
#define TAP_GROUPS_MAX 64u

struct tap {
	struct simguest *g;
	int fd;
	uint8_t buf[TAP_FRAME_MAX + 1];
	struct simguest_frame waiting; /* read from the device, the ring was full */
	uint32_t waiting_queue;
	bool has_waiting;
	/** @wants: A frame of the back end's that the guest takes; NULL = all */
	bool (*wants)(const struct simguest_frame *f);
	uint64_t dropped; /* that the kernel refused */
};

/** tap_open() - Make the device @name of the connected guest @t->g, up. Return: 0 or -errno */
int tap_open(struct tap *t, const char *name);
/** tap_offload() - Leave to the back end what it offers now. Return: 0 or -errno */
int tap_offload(struct tap *t);
/** tap_to_ring() - Return: frames sent; stops with one waiting when the ring is full */
uint32_t tap_to_ring(struct tap *t);
/** tap_from_ring() - Return: frames received, of all queues */
uint32_t tap_from_ring(struct tap *t);
/** tap_groups() - What the kernel listens to on the device @name. Return: how many */
uint32_t tap_groups(const char *name, uint8_t groups[TAP_GROUPS_MAX][6]);

#endif
