/* SPDX-License-Identifier: BSD-3-Clause */
/* pmdcheck's rules: frames that they match, and what became of them */
#ifndef SIM_PMD_FLOW_H
#define SIM_PMD_FLOW_H

#include <rte_flow.h>

#include "pmd.h"

/** struct flow_flip - Bits of the @layer-th header of a frame that are turned */
struct flow_flip {
	uint8_t layer, offset, bits;
};

/** struct flow_seen - How a frame came to port 1 */
struct flow_seen {
	bool came, marked;
	uint16_t queue;
	uint32_t mark, bytes;
};

/**
 * flow_pass() - Send a frame of the headers in @pattern, as their specs say, from port 0 to port 1
 * @flip: what differs; NULL: nothing
 */
struct flow_seen flow_pass(const struct rte_flow_item *pattern, const struct flow_flip *flip,
			   int limit_ms);

/** flow_refusals() - Rules of port 1 that are refused, each with the text and the place */
void flow_refusals(void);

#define FLOW_ITEM(kind, ...)                                                                       \
	{                                                                                          \
		.type = RTE_FLOW_ITEM_TYPE_##kind, __VA_ARGS__                                     \
	}
#define FLOW_END FLOW_ITEM(END)

#endif
