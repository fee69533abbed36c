/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest to guest in one copy.
 *
 * Theory of operation. Of a frame that is probably for another guest of the same NIC and worker,
 * because the last one was, a pass copies only the head at first: all that policy and offloads look
 * at. When it has been judged, and the receiver could have it as it is and at once, the hypervisor
 * copies the rest from the sender's page to the receiver's; with static grants on both sides the
 * processor does. The head comes from our copy, so what was judged is what arrives. The sender is
 * answered afterwards.
 *
 * As soon as one frame of a pass cannot go near, the rest of it and of all behind it is fetched,
 * and they go on as any other: to the wire, to a mirror, to a guest that posts no buffers or whose
 * frames wait already. So frames stay in order.
 *
 * A grant that is bad costs the frame. Whose it was is found out afterwards, and that guest's
 * frames do not go near again until it reconnects.
 *
 * Not protected against: a sender whose grant is bad only while the frame is copied; the receiver
 * is blamed, which costs it speed and nothing else. Worker.
 */
#ifndef VIFD_PATH_NEAR_H
#define VIFD_PATH_NEAR_H

#include <stdbool.h>
#include <stdint.h>

struct path;
struct path_rest;
struct port;
struct rx_frame;
struct rx_pass;
struct tx_pass;

/**
 * struct near - What of a frame is not in our memory
 * @rest:  its @nr_rest pieces behind the first buffer
 * @domid: whose pages they are in
 */
struct near {
	const struct path_rest *rest;
	uint32_t nr_rest;
	uint16_t domid;
};

/** near_begin() - Before a pass: the port that its frames are probably for, NULL = they are not */
struct port *near_begin(const struct path *path, bool guaranteed);

/**
 * near_give() - Give frames that have been judged to the guest behind pass->near, as many as can
 *
 * From the first on. Those that were given are counted; their mbuf is NULL.
 */
void near_give(struct tx_pass *pass);

/** near_fetch() - Copy what was put off of the frames that are left; drop those where that fails */
void near_fetch(struct tx_pass *pass);

/**
 * near_plan() - For rx.c: plan the pieces of a frame
 * @refs: the buffers that it goes into
 */
void near_plan(const struct near *near, struct rx_pass *pass, const struct rx_frame *frame,
	       const uint32_t *refs);

#endif
