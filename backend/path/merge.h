/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP/IPv4 segments that arrive together, joined into frames that are still to be cut.
 *
 * Theory of operation. A guest that takes unsegmented frames has as much to do for one of 40 KB as
 * for one of 1500 bytes. So what a burst of the port holds of one stream, and in order, is joined
 * by DPDK's librte_gro, and goes to the guest as if its sender had been another guest. Nothing
 * waits for more to come, except for a guest whose events wait anyway (coalesce.h).
 *
 * Only frames whose sums are known to be right are joined, and only if the result says all that
 * they said: plain ACK segments with data, same type of service and time to live, no congestion
 * mark, no IP options, no fragments, no padding. Any other frame ends the run, so that frames stay
 * in order. The library wants equal TCP options and acknowledgements as well.
 *
 * The sum of IP's header is made anew; TCP's is left to the receiver, as with every unsegmented
 * frame. Worker.
 */
#ifndef VIFD_PATH_MERGE_H
#define VIFD_PATH_MERGE_H

#include <stdint.h>

struct path;
struct path_tools;
struct queue;
struct rte_mbuf;

/** merge_open() - What a worker needs for it. Return: for path_tools.merge; NULL no memory */
void *merge_open(void);

/** merge_close() - NULL is fine */
void merge_close(void *merge);

/**
 * merge_burst() - Join what can be joined of a burst for this guest
 * @frames: the caller's, at most PORT_BURST; afterwards what is left, in order
 *
 * For one frame there is nothing to do.
 *
 * Return: how many are left
 */
uint16_t merge_burst(struct path *path, const struct path_tools *tools, struct rte_mbuf **frames,
		     uint16_t nr);

/** merge_backlog() - The same for the oldest frames of a backlog, which came in several bursts */
void merge_backlog(struct path *path, struct queue *queue, const struct path_tools *tools);

#endif
