/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Netdevs of this domain that stand for vifs, made by the kernel module vifd_rep
 * (common/representor.h, toolstack-hooks/linux/). Knows nothing of vifs but their slots.
 *
 * Control thread, but rep_put() and rep_flush(). Nothing here logs.
 */
#ifndef VIFD_REP_DEVICE_H
#define VIFD_REP_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/representor.h"

struct rte_mbuf;

/**
 * struct rep_limits - What may be set of a netdev
 * @mtu_min, @mtu_max: bytes
 * @flags: names of @nr_flags private flags
 * @steps: as in struct rep_setup: which commands private flags may be, all 0 = none
 */
struct rep_limits {
	uint32_t mtu_min, mtu_max, nr_flags;
	uint8_t steps[REP_OPERATIONS];
	char flags[REP_FLAGS_MAX][REP_COUNTER_NAME];
};

/**
 * rep_open() - Open the device and tell it what is counted and may be set; nothing if it is open
 *
 * Return: 0; -ENOENT: the module is not loaded; -EBUSY: another process has the device;
 * -EPROTO: the module is of another version; -errno
 */
int rep_open(const struct rep_limits *limits);

/** rep_close() - The netdevs go; fine if it is not open */
void rep_close(void);

/** rep_fd() - Readable when something was asked of a netdev; -1 = the device is not open */
int rep_fd(void);

/** rep_create() - A netdev; @create->slot is set. Return: its page, NULL with errno */
struct rep_page *rep_create(struct rep_create *create);

/** rep_destroy() - The kernel removes it soon */
void rep_destroy(uint32_t slot, struct rep_page *page);

/** rep_set() - What it is. Return: 0, -errno */
int rep_set(const struct rep_state *state);

/** rep_read_filter() - Which frames are wanted from netdev @filter->slot. Return: 0, -errno */
int rep_read_filter(struct rep_filter *filter);

/** rep_take() - What was asked. Return: false: nothing */
bool rep_take(struct rep_request *request);

/**
 * rep_put() - A copy of a frame for those who capture; kept until rep_flush(), or until there is no
 * room left
 * @slot: the netdev's
 *
 * For one thread at a time, as is rep_flush(). Frames that the kernel does not take are lost.
 */
void rep_put(uint32_t slot, const struct rte_mbuf *frame);

/** rep_flush() - Give the kernel what is kept */
void rep_flush(void);

#endif
