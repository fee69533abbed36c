/* SPDX-License-Identifier: BSD-3-Clause */
/* One pass from guest to port, for tx.c, which has its theory, and tx_gather.c alone. */
#ifndef VIFD_PATH_TX_PASS_H
#define VIFD_PATH_TX_PASS_H

#include "path_private.h"

/* It must be worth it to lend a piece. */
#define ZC_TX_MIN_BYTES 256u

/* What the extra-info slots of one frame said. */
struct tx_extras {
	uint8_t nr;
	bool mcast;
	bool mcast_refused;
	uint8_t gso_type;
	uint16_t gso_size;
};

/* One frame on its way through a pass. */
struct tx_frame {
	struct rte_mbuf *mbuf; /* NULL: nothing to send, only to answer */
	uint16_t id[NETIF_SLOTS_FATAL];
	uint16_t flags;
	uint8_t nr_slots; /* data slots, without extras */
	int8_t status;
	bool zero_copy; /* some of it is sent from the guest's page */
	uint16_t first_copy, nr_copies;
	struct tx_extras extras;
};

struct tx_pass {
	struct path *path;
	struct queue *queue;
	struct path_tools *tools;
	uint32_t avail; /* requests not taken yet */
	uint32_t nr_copies;
	uint32_t nr_memcpys;
	uint32_t nr_frames;
	uint32_t nr_static, nr_good, good_bytes; /* counted once a pass */
	uint32_t head;	   /* bytes copied of a frame that is lent, 0 = none is */
	uint32_t nr_spare; /* buffers for the pass, taken at once */
	bool guaranteed;   /* only what the queue is owed, */
	int64_t owed;	   /* bytes */
	struct rte_mbuf *spare[QUEUE_BURST];
	struct tx_frame frames[QUEUE_BURST];
};

static inline void tx_count(struct tx_pass *pass, enum path_counter which, uint64_t by)
{
	path_count(&pass->queue->counters, which, by);
}

/**
 * tx_gather() - Take requests, check them, plan the pieces to be copied or lent; frames in @pass
 */
void tx_gather(struct tx_pass *pass);

#endif
