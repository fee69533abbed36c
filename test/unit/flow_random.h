/* SPDX-License-Identifier: BSD-3-Clause */
/* Random frames, flow rules that match some of them, and hashing; the same in each run. */
#ifndef VIFD_TEST_FLOW_RANDOM_H
#define VIFD_TEST_FLOW_RANDOM_H

#include "backend/path/steer.h"
#include "flow_reference.h"

#define RANDOM_FRAME_MAX 512u

/** struct random_frame - Plain, tagged, tunneled, cut short, or nonsense */
struct random_frame {
	uint32_t len;
	uint8_t bytes[RANDOM_FRAME_MAX];
};

/** random_below() - 0 .. @limit - 1 */
uint32_t random_below(uint32_t limit);

/**
 * random_frame() - Fill @frame
 *
 * Where DPDK's parser, by which vifd makes hashes, and doc/flow-rules.md do not see the same
 * headers (two tags, IPv6 extensions), there are no addresses: such frames have no hash.
 */
void random_frame(struct random_frame *frame);

/** random_rule() - Fill @rule; it matches @frame, or would but for a bit */
void random_rule(struct vifflow_rule *rule, uint32_t id, const struct random_frame *frame,
		 uint32_t nr_queues);

/** random_alike() - Fill @rule; it looks where @before does, for what @frame has there */
void random_alike(struct vifflow_rule *rule, uint32_t id, const struct vifflow_rule *before,
		  const struct random_frame *frame, uint32_t nr_queues);

/**
 * random_queue_for_port() - Fill @rule; a queue for those of @frame's source or destination port
 *
 * What applications ask for most. Return: false: @frame has no ports
 */
bool random_queue_for_port(struct vifflow_rule *rule, uint32_t id, bool destination,
			   const struct random_frame *frame, uint32_t nr_queues);

/** random_hashing() - The same for both, of @reference->nr_queues */
void random_hashing(struct reference *reference, struct steer *steer);

#endif
